"""The genuine docker command line: ports, addresses, network modes."""

import os
import socket
import sys
import urllib.request
from pathlib import Path

import pytest
from tests.support.docker import Docker
from tests.support.engine import EngineProcess
from tests.support.ports import free_port, free_port_range
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

SERVER = ("busybox", "sh", "-c", "mkdir /w; echo page > /w/index.html; exec httpd -f -h /w -p 80")
ECHO = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("0.0.0.0", 5353))
while True:
    data, sender = server.recvfrom(1000)
    server.sendto(data + b" back", sender)
"""
# busybox has no udp server; this machine's own python is one.
UDP_ECHO = ("busybox", "chroot", "/host", os.path.realpath(sys.executable), "-I", "-S", "-c", ECHO)


def page(address: str, path: str = "/") -> str:
    """What a web server says, as soon as it does."""

    def look() -> str:
        try:
            with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    return eventually(look, f"an answer from {address}")


def test_a_published_port(docker: Docker) -> None:
    port = free_port()
    docker("run", "-d", "--name", "web", "-p", f"{port}:80", *SERVER)
    assert page(f"127.0.0.1:{port}") == "page\n"
    assert docker("port", "web") == f"80/tcp -> 0.0.0.0:{port}\n80/tcp -> [::]:{port}"
    assert docker("port", "web", "80") == f"0.0.0.0:{port}\n[::]:{port}"
    assert docker("ps", "--format", "{{.Ports}}") == (
        f"0.0.0.0:{port}->80/tcp, [::]:{port}->80/tcp"
    )
    assert docker("ps", "-q", "-f", f"publish={port}")


def test_a_port_is_reached_through_every_address(docker: Docker) -> None:
    port = free_port()
    docker("run", "-d", "--name", "web", "-p", f"{port}:80", *SERVER)
    own = docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", "web")
    gateway = docker("inspect", "-f", "{{.NetworkSettings.Gateway}}", "web")
    assert page(f"{own}:80") == "page\n"
    assert page(f"{gateway}:{port}") == "page\n"
    for target in (f"{own}:80", f"{gateway}:{port}"):
        shown = docker("run", "--rm", "busybox", "wget", "-q", "-O", "-", f"http://{target}/")
        assert shown == "page"


def test_a_port_at_loopback_only(docker: Docker) -> None:
    port = free_port()
    docker("run", "-d", "--name", "web", "-p", f"127.0.0.1:{port}:80", *SERVER)
    assert page(f"127.0.0.1:{port}") == "page\n"
    assert docker("port", "web") == f"80/tcp -> 127.0.0.1:{port}"
    gateway = docker("inspect", "-f", "{{.NetworkSettings.Gateway}}", "web")
    with pytest.raises(OSError):
        socket.create_connection((gateway, port), 2)


def test_a_udp_port(docker: Docker) -> None:
    port = free_port(socket.SOCK_DGRAM)
    docker("run", "-d", "--name", "echo", "-v", "/:/host:ro", "-p", f"{port}:5353/udp", *UDP_ECHO)
    assert docker("port", "echo") == f"5353/udp -> 0.0.0.0:{port}\n5353/udp -> [::]:{port}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", port))
        client.settimeout(0.3)

        def answer() -> bytes:
            try:
                client.send(b"ping")
                return client.recv(100)
            except OSError:
                return b""

        assert eventually(answer) == b"ping back"


def test_a_range_of_ports(docker: Docker) -> None:
    first = free_port_range(3)
    docker("run", "-d", "--name", "many", "-p", f"{first}-{first + 2}:7000-7002", *SERVER)
    assert docker("port", "many").splitlines() == [
        f"{7000 + n}/tcp -> {host}:{first + n}" for n in range(3) for host in ("0.0.0.0", "[::]")
    ]


def test_one_of_a_range(docker: Docker) -> None:
    first = free_port_range(2)
    docker("run", "-d", "--name", "one", "-p", f"{first}-{first + 1}:80", *SERVER)
    docker("run", "-d", "--name", "two", "-p", f"{first}-{first + 1}:80", *SERVER)
    assert docker("port", "one", "80") == f"0.0.0.0:{first}\n[::]:{first}"
    assert docker("port", "two", "80") == f"0.0.0.0:{first + 1}\n[::]:{first + 1}"


def test_ephemeral_ports_are_chosen_anew(docker: Docker) -> None:
    docker("run", "-d", "--name", "web", "-p", "80", *SERVER)
    address, _, _address6 = docker("port", "web", "80").partition("\n")
    assert page(address.replace("0.0.0.0", "127.0.0.1")) == "page\n"
    docker("stop", "-t", "0", "web")
    assert docker("port", "web") == ""
    docker("start", "web")
    assert docker("port", "web", "80").startswith("0.0.0.0:")


def test_publish_all(docker: Docker) -> None:
    docker(
        "run",
        "-d",
        "--name",
        "all",
        "-P",
        "--expose",
        "9000",
        "--entrypoint",
        "sleep",
        "app:1.0",
        "600",
    )
    lines = docker("port", "all").splitlines()
    shown = dict.fromkeys(line.partition(" -> ")[0] for line in lines)
    assert list(shown) == ["5353/udp", "8000/tcp", "9000/tcp"]


def test_exposed_ports_are_shown(docker: Docker) -> None:
    docker("run", "-d", "--entrypoint", "sleep", "app:1.0", "600")
    assert docker("ps", "--format", "{{.Ports}}") == "5353/udp, 8000/tcp"


def test_network_none(docker: Docker) -> None:
    shown = docker("run", "--rm", "--network", "none", "busybox", "ip", "-o", "addr")
    assert [line.split()[1] for line in shown.splitlines()] == ["lo", "lo"]
    assert "127.0.0.1/8" in shown


def test_network_host(docker: Docker) -> None:
    shown = docker("run", "--rm", "--network", "host", "busybox", "ls", "/sys/class/net")
    assert set(shown.split()) >= {each.name for each in Path("/sys/class/net").glob("lo*")}
    mine = docker("run", "--rm", "--network", "host", "busybox", "readlink", "/proc/self/ns/net")
    assert mine == str(Path("/proc/self/ns/net").readlink())
    name = docker("run", "--rm", "--network", "host", "busybox", "hostname")
    assert name == socket.gethostname()


def test_unknown_network(docker: Docker, engine: EngineProcess) -> None:
    done = docker.run("run", "--network", "nope", "busybox", "true")
    assert done.status == 125
    assert "failed to set up container networking: network nope not found" in done.err
    assert "Unable to find image" not in done.err
    engine.remove_containers()


def test_loopback_and_own_address(docker: Docker) -> None:
    shown = docker("run", "--rm", "busybox", "sh", "-c", "ip -o -4 addr; ip route")
    assert "127.0.0.1/8" in shown
    assert "eth0" in shown
    assert "default via" in shown


def test_mac_address(docker: Docker) -> None:
    shown = docker(
        "run",
        "--rm",
        "--mac-address",
        "02:42:0a:00:00:07",
        "busybox",
        "cat",
        "/sys/class/net/eth0/address",
    )
    assert shown == "02:42:0a:00:00:07"


def test_containers_reach_each_other(docker: Docker) -> None:
    docker("run", "-d", "--name", "web", *SERVER)
    address = docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", "web")
    page(f"{address}:80")
    shown = docker("run", "--rm", "busybox", "wget", "-q", "-O", "-", f"http://{address}/")
    assert shown == "page"


def test_network_inspect_lists_members(docker: Docker) -> None:
    id_ = docker("run", "-d", "--name", "member", "busybox", "sleep", "600")
    shown = docker(
        "network", "inspect", "-f", "{{range $k, $v := .Containers}}{{$k}}{{end}}", "bridge"
    )
    assert shown == id_

"""Our own command line over networks and ports, on a whole engine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.support.engine import EngineProcess
from tests.support.ports import free_port

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

SERVER = "mkdir -p /w; echo page > /w/index.html; exec httpd -f -h /w -p 80"


class Budu:
    """`budu(...)` must succeed and returns the output without the end of line."""

    def __init__(self, engine: EngineProcess) -> None:
        self._environment = {**os.environ, "DOCKER_HOST": engine.host, "LANG": "C.UTF-8"}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from budu.cli.main import entry; entry()", *words]
        return subprocess.run(
            command, env=self._environment, capture_output=True, text=True, timeout=60
        )

    def __call__(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def budu(engine: EngineProcess) -> Iterator[Budu]:
    yield Budu(engine)
    engine.remove_containers()
    for row in engine.request("GET", "/networks", filters='{"type":["custom"]}').json:
        assert engine.request("DELETE", f"/networks/{row['Id']}").status == 204


def test_the_tour(budu: Budu) -> None:
    id_ = budu("network", "create", "--subnet", "10.215.1.0/24", "--label", "a=b", "zone")
    budu("network", "create", "--internal", "vault")
    assert budu("network", "ls", "-q", "-f", "name=zone") == id_[:12]
    budu(
        "run", "-d", "--name", "web", "--network", "name=zone,alias=site,ip=10.215.1.9",
        "--network", "vault", "busybox", "sleep", "600",
    )  # fmt: skip
    form = "{{.NetworkSettings.Networks.zone.IPAddress}}"
    assert budu("inspect", "-f", form, "web") == "10.215.1.9"
    found = budu("run", "--rm", "--network", "vault", "busybox", "nslookup", "web")
    assert "Address" in found
    budu("network", "disconnect", "vault", "web")
    budu("network", "connect", "--alias", "again", "vault", "web")
    assert budu("ps", "--format", "{{.Networks}}") == "vault,zone"
    form = "{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}"
    form += " {{(index .IPAM.Config 0).Gateway}}"
    assert budu("network", "inspect", "-f", form, "zone") == "web 10.215.1.9/24 10.215.1.1"
    refused = budu.run("network", "rm", "zone")
    assert (refused.returncode, "has active endpoints" in refused.stderr) == (1, True)
    budu("rm", "-f", "web")
    assert budu("network", "rm", "zone", "vault") == "zone\nvault"


def test_who_reaches_a_port(budu: Budu) -> None:
    mine, all_ = free_port(), free_port()
    budu("run", "-d", "--name", "web", "-p", f"me:{mine}:80", "busybox", "sh", "-c", SERVER)
    assert budu("ps", "--format", "{{.Reach}}") == "me"
    assert budu("network", "audit", "--format", "{{.Address}}") == ""
    shown = budu("network", "audit", "-a", "--format", "{{.Address}} {{.Reach}}").splitlines()
    assert shown == [f"127.0.0.1:{mine}/tcp me", f"[::1]:{mine}/tcp me"]
    added = budu("port", "add", "web", f"{all_}:80").splitlines()
    assert f"80/tcp -> 0.0.0.0:{all_}" in added
    assert "REACH" in budu("ps").splitlines()[0]
    assert budu("ps", "--format", "{{.Reach}}") == "world"
    audited = budu("network", "audit").splitlines()
    assert audited[1].split()[:3] == ["world", f"0.0.0.0:{all_}/tcp", "web"]
    budu("port", "rm", "web", f"{all_}:80")
    assert budu("ps", "--format", "{{.Reach}}") == "me"
    budu("port", "rm", "web", "80")
    assert budu("port", "web") == ""


def test_the_doctor(budu: Budu) -> None:
    budu("run", "-d", "--name", "web", "-p", f"{free_port()}:80", "busybox", "sleep", "600")
    done = budu.run("doctor", "network", "web")
    assert done.returncode == 1
    assert "✓ name" in done.stdout
    assert done.stdout.splitlines()[-1] == "The first that fails: port."
    korean = budu.run("--lang", "ko", "doctor", "network", "web")
    assert korean.stdout.splitlines()[-1] == "처음 실패한 것: port."

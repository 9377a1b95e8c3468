"""The engine keeps its network whole while others change the host's."""

from __future__ import annotations

import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.engine import EngineProcess
from tests.support.fixtures import Registry, fresh_engine
from tests.support.ports import free_port
from tests.support.scenes import run
from tests.support.waiting import eventually

pytestmark = pytest.mark.host

PAGE = "mkdir /www; echo page > /www/index.html; exec httpd -f -p 80 -h /www"


@pytest.fixture(scope="module")
def engine(registry: Registry) -> Iterator[EngineProcess]:
    """An engine whose subnet no other engine takes while the bridge is away."""
    with fresh_engine(registry, "--bip", "10.223.1.1/24") as engine:
        reply = engine.request("POST", "/images/create", fromImage="busybox", tag="latest")
        assert b"errorDetail" not in reply.body, reply.body
        yield engine


def page(host: str, port: int) -> bytes:
    """What the container answers; nothing when nobody does."""
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/", timeout=2) as answer:
            return bytes(answer.read())
    except OSError:
        return b""


def publish(engine: EngineProcess) -> int:
    port = free_port()
    bindings = {"80/tcp": [{"HostPort": str(port)}]}
    run(engine, ["sh", "-c", PAGE], PortBindings=bindings)
    eventually(lambda: page("127.0.0.1", port) == b"page\n")
    return port


@pytest.mark.parametrize("removed", ["table", "bridge"])
def test_what_others_remove_is_put_back(engine: EngineProcess, removed: str) -> None:
    port = publish(engine)
    removal = {
        "table": ["nft", "delete", "table", "inet", engine.table],
        "bridge": ["ip", "link", "delete", engine.bridge],
    }
    subprocess.run(removal[removed], check=True, timeout=30)
    eventually(lambda: page("127.0.0.1", port) == b"page\n")


def test_what_went_while_no_engine_ran_is_made_again(engine: EngineProcess) -> None:
    port = publish(engine)
    zone = {"Name": "zone", "IPAM": {"Config": [{"Subnet": "10.223.2.0/24"}]}}
    made = engine.request("POST", "/networks/create", zone).json["Id"]
    before = rules(engine)
    engine.kill()
    for removal in (
        ["nft", "delete", "table", "inet", engine.table],
        ["ip", "link", "delete", engine.bridge],
        ["ip", "link", "delete", f"bd-{made[:12]}"],
    ):
        subprocess.run(removal, check=True, timeout=30)
    engine.start()
    eventually(lambda: page("127.0.0.1", port) == b"page\n")
    assert rules(engine) == before
    assert Path("/sys/class/net", f"bd-{made[:12]}").exists()
    assert engine.request("DELETE", "/networks/zone").status == 204


def rules(engine: EngineProcess) -> list[str]:
    """The engine's table, its sets' elements in order."""
    listed = subprocess.run(
        ["nft", "list", "table", "inet", engine.table],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    return sorted(word.strip(",") for word in listed.stdout.split())


def test_a_port_answers_at_the_ipv6_loopback_also_after_a_kill(engine: EngineProcess) -> None:
    port = publish(engine)
    assert page("[::1]", port) == b"page\n"
    engine.kill()
    assert page("127.0.0.1", port) == b"page\n"
    engine.start()
    assert page("[::1]", port) == b"page\n"

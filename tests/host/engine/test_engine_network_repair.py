"""The engine keeps its network whole while others change the host's."""

from __future__ import annotations

import subprocess
import urllib.request

import pytest
from tests.support.engine import EngineProcess
from tests.support.ports import free_port
from tests.support.scenes import run
from tests.support.waiting import eventually

pytestmark = pytest.mark.host

PAGE = "mkdir /www; echo page > /www/index.html; exec httpd -f -p 80 -h /www"


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


def test_a_port_answers_at_the_ipv6_loopback_also_after_a_kill(engine: EngineProcess) -> None:
    port = publish(engine)
    assert page("[::1]", port) == b"page\n"
    engine.kill()
    assert page("127.0.0.1", port) == b"page\n"
    engine.start()
    assert page("[::1]", port) == b"page\n"

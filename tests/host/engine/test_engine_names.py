"""Containers find each other and the host by name, also after the engine was killed."""

from __future__ import annotations

import pytest
from tests.support.engine import EngineProcess
from tests.support.scenes import run
from tests.support.waiting import eventually

pytestmark = pytest.mark.host


def log(engine: EngineProcess, ref: str) -> bytes:
    return engine.request("GET", f"/containers/{ref}/logs", stdout=1, stderr=1).body


def address(engine: EngineProcess, ref: str, which: str = "IPAddress") -> bytes:
    networks = engine.inspect(ref)["NetworkSettings"]["Networks"]
    return str(networks["bridge"][which]).encode()


def test_names_on_the_default_network(engine: EngineProcess) -> None:
    store = run(engine, ["sleep", "600"], name="store")
    script = "nslookup store; nslookup host.docker.internal; cat /etc/resolv.conf; echo the-end"
    asker = run(engine, ["sh", "-c", script])
    eventually(lambda: b"the-end" in log(engine, asker))
    text = log(engine, asker)
    assert address(engine, store) in text
    assert b"nameserver 127.0.0.11" in text
    assert (
        engine.inspect(store)["NetworkSettings"]["Networks"]["bridge"]["Gateway"].encode() in text
    )


def test_a_name_appears_and_goes_with_its_container(engine: EngineProcess) -> None:
    script = (
        "until nslookup fleeting; do sleep 0.1; done; echo it-came; "
        "while nslookup fleeting; do sleep 0.1; done; echo it-went"
    )
    asker = run(engine, ["sh", "-c", script])
    fleeting = run(engine, ["sleep", "600"], name="fleeting")
    eventually(lambda: b"it-came" in log(engine, asker))
    assert engine.request("POST", f"/containers/{fleeting}/kill").status == 204
    eventually(lambda: b"it-went" in log(engine, asker), timeout_s=30)


def test_the_next_engine_answers(engine: EngineProcess) -> None:
    script = "until nslookup later; do sleep 0.2; done; echo found-it; sleep 600"
    asker = run(engine, ["sh", "-c", script])
    engine.kill()
    engine.start()
    later = run(engine, ["sleep", "600"], name="later")
    eventually(lambda: b"found-it" in log(engine, asker), timeout_s=30)
    assert address(engine, later) in log(engine, asker)


def test_a_container_without_a_network_has_no_names(engine: EngineProcess) -> None:
    script = "cat /etc/resolv.conf; echo the-end"
    asker = run(engine, ["sh", "-c", script], NetworkMode="none")
    eventually(lambda: b"the-end" in log(engine, asker))
    assert b"127.0.0.11" not in log(engine, asker)

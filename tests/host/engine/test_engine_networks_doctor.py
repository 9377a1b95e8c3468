"""A look at a container's network from inside names the first thing that fails."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from tests.support.engine import EngineProcess
from tests.support.ports import free_port
from tests.support.scenes import SERVER, publish, run
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


def examine(engine: EngineProcess, ref: str = "") -> dict[str, str]:
    """Step → outcome."""
    return {each["Name"]: each["Outcome"] for each in look(engine, ref)["Steps"]}


def look(engine: EngineProcess, ref: str = "") -> Any:
    reply = engine.request("GET", "/budu/network/diagnosis", **({"container": ref} if ref else {}))
    assert reply.status == 200, reply.body
    return reply.json


def test_nobody_to_ask(engine: EngineProcess) -> None:
    found = look(engine)
    assert (found["Container"], found["Steps"]) == ("", [])


def test_a_container_that_is_well(engine: EngineProcess) -> None:
    run(engine, SERVER, name="web", **publish(free_port()))
    eventually(lambda: examine(engine)["port"] == "ok", "the server")
    found = examine(engine, "web")
    assert (found["name"], found["route"], found["port"]) == ("ok", "ok", "ok")
    assert look(engine)["Container"] == "web"


def test_a_port_that_leads_nowhere(engine: EngineProcess) -> None:
    run(engine, ["sleep", "600"], name="web", **publish(free_port()))
    steps = look(engine, "web")["Steps"]
    [port] = [each for each in steps if each["Name"] == "port"][:1]
    assert port["Outcome"] == "failed"
    assert "Nothing listens at 80/tcp in web" in port["Finding"]


def test_a_link_that_is_down(engine: EngineProcess) -> None:
    web = run(engine, ["sleep", "600"], name="web")
    pid = engine.state(web)["Pid"]
    command = ["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "link", "set", "eth0", "down"]
    subprocess.run(command, check=True)
    found = examine(engine, "web")
    assert (found["name"], found["route"]) == ("ok", "failed")


def test_a_container_without_a_network(engine: EngineProcess) -> None:
    run(engine, ["sleep", "600"], name="lonely", NetworkMode="none")
    assert examine(engine, "lonely") == {"name": "skipped"}


def test_a_container_that_does_not_run(engine: EngineProcess) -> None:
    reply = engine.request("GET", "/budu/network/diagnosis", container="nobody")
    assert (reply.status, reply.message) == (404, "No such container: nobody")

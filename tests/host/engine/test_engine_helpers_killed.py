"""The zygote and shims are killed while containers come and go: engine and containers go on."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest
from tests.support.engine import EngineProcess, Reply
from tests.support.leaks import assert_clean, assert_gone, helpers_of
from tests.support.scenes import PATIENT, create, is_alive, logs, run, shim_of, start, wait
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

ROUNDS = 50
SEED = 20261
VICTIMS = ("zygote", "idle", "idle", "shim", "shim", "shim")


class Killer:
    """Kills one helper of a kind a moment after it was told to, in a thread of its own."""

    def __init__(self, engine: EngineProcess) -> None:
        self.seen: set[str] = set()
        self.killed: list[str] = []
        self._engine = engine
        self._random = random.Random(SEED)

    def kill_soon(self) -> threading.Thread:
        kind, delay_s = self._random.choice(VICTIMS), self._random.uniform(0, 0.04)
        thread = threading.Thread(target=self._kill, args=(kind, delay_s))
        thread.start()
        return thread

    def _kill(self, kind: str, delay_s: float) -> None:
        time.sleep(delay_s)
        helpers = helpers_of(self._engine.pid)
        self.seen |= helpers
        for helper in sorted(helpers):
            pid = int(helper.partition("/")[0])
            if kind_of(pid) == kind:
                os.kill(pid, signal.SIGKILL)
                self.killed.append(kind)
                return


def kind_of(pid: int) -> str:
    """What a helper is by its title: a shim that has a container shows its id."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode().split()
    except OSError:
        return ""
    match words:
        case ["budu-zygote"]:
            return "zygote"
        case ["budu-shim"]:
            return "idle"
        case ["budu-shim", _]:
            return "shim"
        case _:
            return ""


def test_lives_of_containers_while_helpers_are_killed(engine: EngineProcess) -> None:
    killer = Killer(engine)
    failures = []
    for number in range(ROUNDS):
        thread = killer.kill_soon()
        failures += live(engine, f"round-{number}")
        thread.join()
    assert {"zygote", "idle", "shim"} <= set(killer.killed)
    assert engine.containers() == []
    assert_clean(engine)
    assert all("shim" in each or "process" in each for each in failures), failures
    engine.stop()
    assert_gone(engine, killer.seen)
    engine.start()
    assert wait(engine, run(engine, ["true"])) == 0


def live(engine: EngineProcess, name: str) -> list[str]:
    """A whole life; the sentences of what failed."""
    id_ = create(engine, f"echo begun; {PATIENT}", name=name)
    failures = []
    for _ in range(4):
        reply = engine.request("POST", f"/containers/{id_}/start")
        if reply.status == 204:
            break
        failures.append(sentence(reply))
        assert not engine.state(id_)["Running"]
    else:
        raise AssertionError(f"{name} does not start: {failures}")
    pid = engine.state(id_)["Pid"]
    assert engine.request("POST", f"/containers/{id_}/stop").status in (204, 304)
    state = engine.state(id_)
    assert (state["Status"], state["Pid"]) == ("exited", 0)
    assert state["ExitCode"] in (0, 137)
    assert not is_alive(pid)
    assert engine.request("DELETE", f"/containers/{id_}").status == 204
    return failures


def sentence(reply: Reply) -> str:
    """The message of a failure, which says more than that there was one."""
    assert reply.status in (409, 500, 503), reply.body
    assert len(reply.message) > 20
    return reply.message


@pytest.mark.parametrize("operation", ["stop", "kill", "restart", "remove"])
def test_a_container_without_its_shim_obeys(engine: EngineProcess, operation: str) -> None:
    id_ = run(engine, f"echo begun; {PATIENT}")
    eventually(lambda: logs(engine, id_))
    pid = engine.state(id_)["Pid"]
    os.kill(shim_of(engine, id_), signal.SIGKILL)
    assert is_alive(pid)
    assert engine.state(id_)["Running"]
    if operation == "remove":
        assert engine.request("DELETE", f"/containers/{id_}", force=1).status == 204
        assert not is_alive(pid)
        return
    assert engine.request("POST", f"/containers/{id_}/{operation}").status == 204
    assert not is_alive(pid)
    state = engine.state(id_)
    if operation == "restart":
        assert is_alive(state["Pid"])
    else:
        assert (state["Status"], state["ExitCode"] in (0, 137)) == ("exited", True)
    assert logs(engine, id_).startswith(b"begun\n")


def test_pausing_goes_without_a_shim(engine: EngineProcess) -> None:
    id_ = run(engine, PATIENT)
    os.kill(shim_of(engine, id_), signal.SIGKILL)
    assert engine.request("POST", f"/containers/{id_}/pause").status == 204
    assert engine.state(id_)["Status"] == "paused"
    assert engine.request("POST", f"/containers/{id_}/unpause").status == 204
    assert engine.request("POST", f"/containers/{id_}/stop").status == 204


def test_clients_of_a_killed_shim_end_with_the_container(engine: EngineProcess) -> None:
    """Whoever waits or follows the log does not do so for ever."""
    id_ = run(engine, f"echo begun; {PATIENT}")
    answers: list[int] = []
    waits = [
        threading.Thread(
            target=lambda target=target: answers.append(engine.request(*target).status)
        )
        for target in (
            ("POST", f"/containers/{id_}/wait"),
            ("GET", f"/containers/{id_}/logs?follow=1&stdout=1"),
        )
    ]
    for each in waits:
        each.start()
    os.kill(shim_of(engine, id_), signal.SIGKILL)
    engine.request("POST", f"/containers/{id_}/kill")
    for each in waits:
        each.join(20)
    assert answers == [200, 200]


def test_processes_in_the_hosts_namespace_end_with_the_container(engine: EngineProcess) -> None:
    """Without a process namespace of its own the kernel does not see to it."""
    id_ = create(engine, "sleep 601 & sleep 0.2; exit 5", PidMode="host")
    start(engine, id_)
    assert wait(engine, id_) == 5
    eventually(lambda: not sleepers(), "the end of the child")


def sleepers() -> list[str]:
    """Processes that run `sleep 601`."""
    wanted = b"sleep\x00601\x00"
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes() == wanted:
                found.append(path.parent.name)
        except OSError:
            continue
    return found

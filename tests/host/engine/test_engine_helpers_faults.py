"""The zygote or every shim is killed at each named point of a container's life.

The engine stands still at the point (`BUDU_HALT_AT`) while the helpers die, and goes on: an
operation may fail with a sentence then, but nothing is lost, nothing leaks, and the next one works.
Random moments are tried in `test_engine_helpers_killed`, the engine's own death in
`test_engine_faults`.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from test_engine_faults import points
from test_engine_helpers_killed import kind_of, sentence
from tests.support import leaks
from tests.support.engine import EngineProcess, Reply
from tests.support.scenes import PATIENT, create, is_alive, run, start, wait
from tests.support.waiting import eventually

from budu.base import faults

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

ANONYMOUS = {"Mounts": [{"Type": "volume", "Target": "/var"}]}
DEAF = "trap '' TERM; while :; do sleep 0.1; done"
KINDS = {"zygote": ("zygote",), "shims": ("idle", "shim")}
ELSEWHERE = ("create.volume-folder-made", "start.volume-mounted", "remove.layers-released")
"""Points that these scenes do not come by: volumes with names, drivers and images."""


class Halting:
    """An engine that stands still at a point of the test's choice."""

    def __init__(self, engine: EngineProcess) -> None:
        self.engine = engine
        self.order = engine.root / "halt"

    def meanwhile(self, point: str, victims: str, act: Callable[[], Reply]) -> Reply:
        """What `act` is answered when the helpers die while the engine is at `point`."""
        eventually(self._is_well_staffed, "a full pool")
        self.order.write_text(point)
        replies: list[Reply] = []
        acting = threading.Thread(target=lambda: replies.append(act()), daemon=True)
        acting.start()
        try:
            eventually(self._stands_still, f"the engine's coming by {point}")
            self._kill(victims)
        finally:
            os.kill(self.engine.pid, signal.SIGCONT)
        acting.join(60)
        assert not acting.is_alive(), "the operation hangs"
        return replies[0]

    def _is_well_staffed(self) -> bool:
        kinds = [kind_of(pid) for pid in self._helpers()]
        return "zygote" in kinds and kinds.count("idle") >= 2

    def _helpers(self) -> list[int]:
        return [int(each.partition("/")[0]) for each in leaks.helpers_of(self.engine.pid)]

    def _stands_still(self) -> bool:
        stat = Path(f"/proc/{self.engine.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"

    def _kill(self, victims: str) -> None:
        found = [pid for pid in self._helpers() if kind_of(pid) in KINDS[victims]]
        assert found, f"there are no {victims}"
        for pid in found:
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def halting(engine: EngineProcess) -> Iterator[Halting]:
    halting = Halting(engine)
    engine.stop()
    engine.environment = {faults.HALT_VARIABLE: str(halting.order)}
    engine.start()
    assert wait(engine, run(engine, ["true"])) == 0  # helpers are there
    engine.remove_containers()
    yield halting


def assert_goes_on(engine: EngineProcess, id_: str) -> None:
    """The container can be started, does what it is told and can be removed."""
    engine.request("POST", f"/containers/{id_}/kill")
    eventually(lambda: engine.state(id_)["Pid"] == 0, "the end")
    eventually(lambda: engine.request("POST", f"/containers/{id_}/start").status == 204, "a start")
    pid = engine.state(id_)["Pid"]
    assert is_alive(pid)
    assert engine.request("POST", f"/containers/{id_}/stop").status == 204
    assert not is_alive(pid)
    assert engine.request("DELETE", f"/containers/{id_}", v=1).status == 204
    leaks.assert_clean(engine)


def assert_true(engine: EngineProcess, id_: str) -> None:
    """The record says what is so."""
    state = engine.state(id_)
    assert state["Running"] == bool(state["Pid"]), state
    assert not state["Pid"] or is_alive(state["Pid"]), state


def scenes(*operations: str) -> list[str]:
    return [each for each in points(*operations) if each not in ELSEWHERE]


victims = pytest.mark.parametrize("victims", KINDS)


@victims
@pytest.mark.parametrize("point", scenes("create"))
def test_create(halting: Halting, point: str, victims: str) -> None:
    engine = halting.engine
    body = {"Image": "busybox", "Cmd": ["sh", "-c", PATIENT], "HostConfig": ANONYMOUS}
    reply = halting.meanwhile(
        point, victims, lambda: engine.request("POST", "/containers/create", body)
    )
    assert reply.status == 201, reply.body
    assert_goes_on(engine, reply.json["Id"])


@victims
@pytest.mark.parametrize("point", scenes("start"))
def test_start(halting: Halting, point: str, victims: str) -> None:
    engine = halting.engine
    id_ = create(engine, PATIENT, **ANONYMOUS)
    reply = halting.meanwhile(
        point, victims, lambda: engine.request("POST", f"/containers/{id_}/start")
    )
    assert reply.status == 204 or sentence(reply)
    assert_true(engine, id_)
    if reply.status != 204:
        assert not engine.state(id_)["Running"]
    assert_goes_on(engine, id_)


@victims
@pytest.mark.parametrize("point", scenes("end"))
def test_end(halting: Halting, point: str, victims: str) -> None:
    engine = halting.engine
    id_ = create(engine, "exit 7", **ANONYMOUS)

    def live() -> Reply:
        start(engine, id_)
        return engine.request("POST", f"/containers/{id_}/wait")

    reply = halting.meanwhile(point, victims, live)
    assert reply.json["StatusCode"] == 7
    state = engine.state(id_)
    assert (state["Status"], state["ExitCode"], state["Pid"]) == ("exited", 7, 0)
    start_again = lambda: engine.request("POST", f"/containers/{id_}/start").status == 204  # noqa: E731
    eventually(start_again, "a start")
    assert wait(engine, id_) == 7


@victims
@pytest.mark.parametrize("point", scenes("stop", "restart", "pause", "unpause", "remove"))
def test_what_is_done_to_a_running_one(halting: Halting, point: str, victims: str) -> None:
    engine = halting.engine
    operation = point.partition(".")[0]
    is_forced = point == "stop.killed"
    id_ = run(engine, DEAF if is_forced else PATIENT, **ANONYMOUS)
    eventually(lambda: _is_set(engine, id_, deaf=is_forced), "the trap")
    if operation == "unpause":
        assert engine.request("POST", f"/containers/{id_}/pause").status == 204
    if operation == "remove":
        act = lambda: engine.request("DELETE", f"/containers/{id_}", force=1, v=1)  # noqa: E731
    else:
        path = f"/containers/{id_}/{operation}"
        query = {"t": 1} if is_forced else {}
        act = lambda: engine.request("POST", path, **query)  # noqa: E731
    reply = halting.meanwhile(point, victims, act)
    assert reply.status == 204 or sentence(reply)
    if operation == "remove" and reply.status == 204:
        leaks.assert_clean(engine)
        return
    assert_true(engine, id_)
    if operation == "pause":
        assert engine.request("POST", f"/containers/{id_}/unpause").status == 204
    assert not engine.state(id_)["Paused"]
    assert_goes_on(engine, id_)


def _is_set(engine: EngineProcess, id_: str, *, deaf: bool) -> bool:
    """Whether the script has told the kernel how it takes SIGTERM."""
    lines = Path(f"/proc/{engine.state(id_)['Pid']}/status").read_text().splitlines()
    field = "SigIgn" if deaf else "SigCgt"
    mask = next(line for line in lines if line.startswith(field))
    return bool(int(mask.split()[1], 16) & 1 << 14)

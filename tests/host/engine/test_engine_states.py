"""Every operation on a container in every state: Docker's status and sentence.

Source: moby 28.3, daemon/{start,stop,kill,pause,unpause,delete,exec,top_unix,attach,resize}.go.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from tests.support.engine import EngineProcess, Reply
from tests.support.scenes import PATIENT, create, run, wait
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

OK = ""
NOT_RUNNING = r"container ID is not running"
RESTARTING = r"[Cc]ontainer ID is restarting, wait until the container is running"

Call = tuple[str, str, object]
CALLS: dict[str, Call] = {
    "start": ("POST", "/start", None),
    "stop": ("POST", "/stop?t=1", None),
    "restart": ("POST", "/restart?t=1", None),
    "kill": ("POST", "/kill?signal=USR1", None),
    "pause": ("POST", "/pause", None),
    "unpause": ("POST", "/unpause", None),
    "rename": ("POST", "/rename?name=other", None),
    "remove": ("DELETE", "", None),
    "remove by force": ("DELETE", "?force=1", None),
    "resize": ("POST", "/resize?h=10&w=20", None),
    "exec": ("POST", "/exec", {"Cmd": ["true"]}),
    "top": ("GET", "/top", None),
    "attach": ("POST", "/attach?logs=1&stdout=1", None),
    "wait": ("POST", "/wait?condition=not-running", None),
    "logs": ("GET", "/logs?stdout=1", None),
    "inspect": ("GET", "/json", None),
    "stats": ("GET", "/stats?stream=0&one-shot=1", None),
    "changes": ("GET", "/changes", None),
    "stat of a file": ("HEAD", "/archive?path=/bin", None),
    "update": ("POST", "/update", {"Memory": 64 << 20, "MemorySwap": 64 << 20}),
}

STOPPED = {
    "start": (204, OK),
    "stop": (304, OK),
    "restart": (204, OK),
    "kill": (409, r"cannot kill container: web: container ID is not running"),
    "pause": (409, NOT_RUNNING),
    "unpause": (409, r"Container ID is not paused"),
    "rename": (204, OK),
    "remove": (204, OK),
    "remove by force": (204, OK),
    "resize": (409, NOT_RUNNING),
    "exec": (409, NOT_RUNNING),
    "top": (409, NOT_RUNNING),
    "attach": (200, OK),
    "wait": (200, OK),
    "logs": (200, OK),
    "inspect": (200, OK),
    "stats": (200, OK),
    "changes": (200, OK),
    "stat of a file": (200, OK),
    "update": (200, OK),
}
EXPECTED: dict[str, dict[str, tuple[int, str]]] = {
    "created": STOPPED,
    "exited": STOPPED,
    "running": STOPPED
    | {
        "start": (304, OK),
        "stop": (204, OK),
        "kill": (204, OK),
        "pause": (204, OK),
        "remove": (
            409,
            r'cannot remove container "/web": container is running: stop the container before '
            r"removing or force remove",
        ),
        "resize": (200, OK),
        "exec": (201, OK),
        "top": (200, OK),
    },
    "paused": STOPPED
    | {
        "start": (409, r"cannot start a paused container, try unpause instead"),
        "stop": (204, OK),
        "kill": (204, OK),
        "pause": (409, r"Container ID is already paused"),
        "unpause": (204, OK),
        "remove": (
            409,
            r'cannot remove container "/web": container is paused and must be unpaused first',
        ),
        "resize": (200, OK),
        "exec": (409, r"Container ID is paused, unpause the container before exec"),
        "top": (200, OK),
        "attach": (409, r"container ID is paused, unpause the container before attach"),
    },
}
RESTARTING_CALLS = {
    "start": (304, OK),
    "pause": (409, RESTARTING),
    "unpause": (409, r"Container ID is not paused"),
    "remove": (
        409,
        r'cannot remove container "/web": container is restarting: stop the container before '
        r"removing or force remove",
    ),
    "resize": (409, r".*(is not running|is restarting).*"),
    "exec": (409, RESTARTING),
    "top": (409, RESTARTING),
    "attach": (409, r"container ID is restarting, wait until the container is running"),
    "inspect": (200, OK),
    "logs": (200, OK),
    "stat of a file": (200, OK),
}

MARKED = r".*container is marked for removal and cannot be started"
DEAD_CALLS = STOPPED | {
    "start": (409, MARKED),
    "restart": (409, MARKED),
    "logs": (409, r"can not get logs from container which is dead or marked for removal"),
    "export": (409, r"You cannot export container ID which is Dead"),
    "commit": (409, r"You cannot commit container ID which is Dead"),
    "connect": (403, r"Container ID is marked for removal and cannot be connected or .*"),
    "update": (
        500,
        r'Cannot update container ID: container is marked for removal and cannot be "update"',
    ),
    "stat of a file": (200, OK),
}
MORE_CALLS: dict[str, Call] = {
    "export": ("GET", "/containers/{}/export", None),
    "commit": ("POST", "/commit?container={}", None),
    "connect": ("POST", "/networks/none/connect", {"Container": "web"}),
}


def reach(engine: EngineProcess, state: str) -> str:
    """A container called web in the state; its id."""
    match state:
        case "created":
            return create(engine, PATIENT, name="web")
        case "exited":
            id_ = run(engine, "test -e /again && exec sleep 60; touch /again", name="web")
            wait(engine, id_)
            return id_
    id_ = run(engine, f"trap : USR1; {PATIENT}", name="web")
    eventually(lambda: _catches(engine, id_), "the traps")
    if state == "paused":
        assert engine.request("POST", f"/containers/{id_}/pause").status == 204
    return id_


def _catches(engine: EngineProcess, id_: str) -> bool:
    pid = engine.state(id_)["Pid"]
    with open(f"/proc/{pid}/status", encoding="ascii") as status:  # noqa: PTH123
        caught = next(line for line in status if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) & 1 << 14)


def call(engine: EngineProcess, id_: str, operation: str) -> Reply:
    method, path, body = CALLS[operation]
    ref = "web" if operation == "kill" else id_
    return engine.request(method, f"/containers/{ref}{path}", body)


def check(reply: Reply, id_: str, expected: tuple[int, str]) -> None:
    status, sentence = expected
    told = reply.json["message"] if reply.status >= 400 and reply.body else ""
    assert reply.status == status, told or reply.body[:200]
    assert re.fullmatch(sentence, told.replace(id_, "ID")), told


CASES = [
    (state, operation, outcome)
    for state, operations in EXPECTED.items()
    for operation, outcome in operations.items()
    if (state, operation) not in {("running", "wait"), ("paused", "wait")}
]


@pytest.mark.parametrize(
    ("state", "operation", "expected"), CASES, ids=[f"{op} {state}" for state, op, _ in CASES]
)
def test_operation(
    engine: EngineProcess, state: str, operation: str, expected: tuple[int, str]
) -> None:
    id_ = reach(engine, state)
    check(call(engine, id_, operation), id_, expected)


def test_operations_while_restarting(engine: EngineProcess) -> None:
    """Refusals change nothing, so that one container serves for all of them."""
    id_ = run(engine, ["false"], name="web", RestartPolicy={"Name": "always"})
    for operation, expected in RESTARTING_CALLS.items():
        for reply in _while_restarting(engine, id_, operation):
            check(reply, id_, expected)


def _while_restarting(engine: EngineProcess, id_: str, operation: str) -> Iterator[Reply]:
    """The answer of a call before and after which the container waited for its next start."""
    while True:
        eventually(lambda: engine.state(id_)["Status"] == "restarting", "the wait")
        before = engine.inspect(id_)["RestartCount"]
        reply = call(engine, id_, operation)
        after = engine.inspect(id_)
        if after["State"]["Status"] == "restarting" and after["RestartCount"] == before:
            yield reply
            return


def test_operations_on_a_dead_one(engine: EngineProcess) -> None:
    """One whose removal has failed can only be removed; refusals change nothing."""
    id_ = die(engine, create(engine, PATIENT, name="web"))
    state = engine.state(id_)
    assert (state["Status"], state["Dead"], state["Running"]) == ("dead", True, False)
    assert [row["Status"] for row in engine.containers()] == ["Dead"]
    for operation, expected in DEAD_CALLS.items():
        if operation in ("rename", "remove", "remove by force", "attach", "wait"):
            continue
        if operation in MORE_CALLS:
            method, path, body = MORE_CALLS[operation]
            reply = engine.request(method, path.format(id_), body)
        else:
            reply = call(engine, id_, operation)
        check(reply, id_, expected)
        assert engine.state(id_)["Status"] == "dead"
    assert engine.request("DELETE", f"/containers/{id_}").status == 204


def die(engine: EngineProcess, id_: str) -> str:
    """The container is one whose removal has failed, by its record."""
    engine.stop()
    with closing(sqlite3.connect(engine.data_root / "budu.db")) as database, database:
        query = "SELECT record FROM containers WHERE id = ?"
        ((record,),) = database.execute(query, (id_,)).fetchall()
        changed = json.dumps(json.loads(record) | {"status": "dead"}).encode()
        database.execute("UPDATE containers SET record = ? WHERE id = ?", (changed, id_))
    engine.start()
    return id_


@pytest.mark.parametrize("operation", ["stop", "kill", "remove by force", "restart"])
def test_ending_what_restarts(engine: EngineProcess, operation: str) -> None:
    id_ = run(engine, ["false"], name="web", RestartPolicy={"Name": "always"})
    eventually(lambda: engine.inspect(id_)["RestartCount"] >= 3, "three restarts")
    assert call(engine, id_, operation).status == 204


@pytest.mark.parametrize("operation", CALLS)
def test_operation_on_nothing(engine: EngineProcess, operation: str) -> None:
    method, path, body = CALLS[operation]
    reply = engine.request(method, f"/containers/nobody{path}", body)
    assert reply.status == 404
    if method != "HEAD":
        words = "cannot kill container: nobody: " if operation == "kill" else ""
        assert reply.message == f"{words}No such container: nobody"

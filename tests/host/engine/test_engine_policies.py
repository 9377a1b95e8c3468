"""Restart policies over the end of an engine and of the machine: every policy in every situation.

A machine restart is made by ending everything and writing another boot id into the records.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from tests.support.engine import EngineProcess
from tests.support.scenes import is_alive, run, shim_of
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

POLICIES = ("no", "on-failure", "unless-stopped", "always")
ILL = "exit 3"


@pytest.fixture(autouse=True)
def running_engine(engine: EngineProcess) -> Iterator[None]:
    if not engine.is_running:
        engine.start()
    yield


def policy(name: str, retries: int = 0) -> dict[str, object]:
    return {"RestartPolicy": {"Name": name, "MaximumRetryCount": retries}}


def status(engine: EngineProcess, ref: str) -> str:
    return str(engine.state(ref)["Status"])


def restarts(engine: EngineProcess, ref: str) -> int:
    return int(engine.inspect(ref)["RestartCount"])


def by_sigterm(engine: EngineProcess, processes: list[int]) -> None:
    assert engine.stop() == 0
    end(processes)


def by_sigkill(engine: EngineProcess, processes: list[int]) -> None:
    engine.kill()
    end(processes)


def by_machine(engine: EngineProcess, processes: list[int]) -> None:
    engine.kill()
    end(processes)
    with closing(sqlite3.connect(engine.data_root / "budu.db")) as database, database:
        for id_, record in database.execute("SELECT id, record FROM containers").fetchall():
            changed = json.loads(record) | {"boot_id": "another"}
            text = json.dumps(changed).encode()
            database.execute("UPDATE containers SET record = ? WHERE id = ?", (text, id_))
    for folder in (engine.data_root / "containers").iterdir():
        (folder / "exit").unlink(missing_ok=True)


def end(processes: list[int]) -> None:
    for pid in processes:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not any(map(is_alive, processes)))


WAYS = [by_sigterm, by_sigkill, by_machine]


@pytest.mark.parametrize("go", WAYS)
def test_what_ended_meanwhile_is_started_by_its_policy(
    engine: EngineProcess, go: Callable[[EngineProcess, list[int]], None]
) -> None:
    ids = {name: run(engine, ["sleep", "600"], **policy(name)) for name in POLICIES}
    processes = [engine.state(id_)["Pid"] for id_ in ids.values()]
    if go is by_machine:
        processes = [shim_of(engine, id_) for id_ in ids.values()] + processes
    go(engine, processes)
    engine.start()
    for name in ("on-failure", "unless-stopped", "always"):
        eventually(lambda id_=ids[name]: status(engine, id_) == "running", name)
    assert status(engine, ids["no"]) == "exited"
    counts = {restarts(engine, ids[name]) for name in POLICIES if name != "no"}
    assert counts == ({0} if go is by_machine else {1})


@pytest.mark.parametrize("go", WAYS)
def test_what_the_user_stopped_is_started_with_always_only(
    engine: EngineProcess, go: Callable[[EngineProcess, list[int]], None]
) -> None:
    ids = {name: run(engine, ["sleep", "600"], **policy(name)) for name in POLICIES}
    for id_ in ids.values():
        assert engine.request("POST", f"/containers/{id_}/kill").status == 204
    go(engine, [])
    engine.start()
    eventually(lambda: status(engine, ids["always"]) == "running")
    others = {status(engine, ids[name]) for name in POLICIES if name != "always"}
    assert others == {"exited"}


@pytest.mark.parametrize("go", [by_sigterm, by_sigkill])
def test_counting_goes_on_with_the_next_engine(
    engine: EngineProcess, go: Callable[[EngineProcess, list[int]], None]
) -> None:
    id_ = run(engine, ILL, **policy("on-failure", 4))
    eventually(lambda: restarts(engine, id_) >= 2 and status(engine, id_) == "restarting")
    go(engine, [])
    engine.start()
    eventually(lambda: status(engine, id_) == "exited")
    assert (restarts(engine, id_), engine.state(id_)["ExitCode"]) == (4, 3)


def test_no_policy_ends_a_wait_for_the_next_start_at_once(engine: EngineProcess) -> None:
    id_ = run(engine, ["false"], RestartPolicy={"Name": "always"})
    # the next start is more than three seconds away by then
    eventually(lambda: restarts(engine, id_) >= 6 and status(engine, id_) == "restarting")
    reply = engine.request("POST", f"/containers/{id_}/update", {"RestartPolicy": {"Name": "no"}})
    assert reply.status == 200
    assert status(engine, id_) == "exited"
    count = restarts(engine, id_)
    assert engine.request("POST", f"/containers/{id_}/wait").json["StatusCode"] == 1
    assert restarts(engine, id_) == count


def test_a_restarting_container_says_so(engine: EngineProcess) -> None:
    id_ = run(engine, ILL, **policy("always"))
    eventually(lambda: restarts(engine, id_) >= 3 and status(engine, id_) == "restarting")
    (row,) = engine.containers()
    assert row["State"] == "restarting"
    assert row["Status"].startswith("Restarting (3) ")
    assert row["Status"].endswith(" ago")
    state = engine.state(id_)
    assert (state["Running"], state["Restarting"], state["ExitCode"]) == (True, True, 3)
    assert engine.request("POST", f"/containers/{id_}/stop").status == 204
    assert status(engine, id_) == "exited"

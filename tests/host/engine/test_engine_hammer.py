"""Twenty clients do everything at once to one container, for `BUDU_HAMMER_S` seconds (15)."""

from __future__ import annotations

import collections
import os
import random
import threading
import time

import pytest
from tests.support import leaks
from tests.support.engine import EngineProcess
from tests.support.scenes import is_alive, run, try_create, wait
from tests.support.waiting import eventually

HAMMER_S = float(os.environ.get("BUDU_HAMMER_S", "15"))
CLIENTS = 20
SEED = 5
HELPERS = 5
"""The zygote, and two shims that wait with the starter of each."""
NAMES = ("contested", "renamed")
COMMAND = "trap 'exit 0' TERM; while :; do echo x; sleep 0.1; done"

pytestmark = [
    pytest.mark.host,
    pytest.mark.usefixtures("clean"),
    pytest.mark.timeout(HAMMER_S + 120),
]

OPERATIONS: dict[str, tuple[str, str, dict[str, object]]] = {
    "start": ("POST", "/start", {}),
    "stop": ("POST", "/stop", {"t": 1}),
    "restart": ("POST", "/restart", {"t": 1}),
    "kill": ("POST", "/kill", {}),
    "signal": ("POST", "/kill", {"signal": "TERM"}),
    "pause": ("POST", "/pause", {}),
    "unpause": ("POST", "/unpause", {}),
    "inspect": ("GET", "/json", {}),
    "logs": ("GET", "/logs", {"stdout": 1, "tail": 5}),
    "remove": ("DELETE", "", {}),
    "remove by force": ("DELETE", "", {"force": 1, "v": 1}),
}
WEIGHTS = {"start": 4, "unpause": 3, "inspect": 4, "remove by force": 1}
EXPECTED = {200, 201, 204, 404, 409}
NOT_MODIFIED = {("start", 304), ("stop", 304)}


class Client:
    """One of the many; counts what it was answered."""

    def __init__(self, engine: EngineProcess, number: int) -> None:
        self.answers: collections.Counter[tuple[str, int]] = collections.Counter()
        self.odd: list[str] = []
        self._engine = engine
        self._random = random.Random(SEED * 1000 + number)

    def run(self, until: float) -> None:
        names = (*OPERATIONS, "create", "rename", "list")
        weights = [WEIGHTS.get(name, 2) for name in names]
        while time.monotonic() < until:
            (name,) = self._random.choices(names, weights)
            self._do(name)

    def _do(self, name: str) -> None:
        here, there = self._random.sample(NAMES, 2)
        if name == "create":
            policy = {"Name": self._random.choice(["no", "always"])}
            rm = policy["Name"] == "no" and self._random.random() < 0.2
            mounts = [{"Type": "volume", "Target": "/v"}]
            reply = try_create(
                self._engine,
                COMMAND,
                name=here,
                RestartPolicy=policy,
                AutoRemove=rm,
                Mounts=mounts,
            )
        elif name == "rename":
            reply = self._engine.request("POST", f"/containers/{here}/rename", name=there)
        elif name == "list":
            reply = self._engine.request("GET", "/containers/json", all=1)
        else:
            method, path, query = OPERATIONS[name]
            reply = self._engine.request(method, f"/containers/{here}{path}", **query)
        self.answers[name, reply.status] += 1
        if reply.status not in EXPECTED and (name, reply.status) not in NOT_MODIFIED:
            self.odd.append(f"{name}: {reply.status} {reply.body!r}")


def test_clients_that_do_everything_at_once(engine: EngineProcess) -> None:
    wait(engine, run(engine, "true"))
    engine.remove_containers()
    eventually(lambda: len(leaks.helpers_of(engine.pid)) == HELPERS, "a full pool")
    files = leaks.open_files(engine.pid)
    clients = [Client(engine, number) for number in range(CLIENTS)]
    until = time.monotonic() + HAMMER_S
    threads = [threading.Thread(target=each.run, args=(until,), daemon=True) for each in clients]
    for each in threads:
        each.start()
    for each in threads:
        each.join(HAMMER_S + 60)
    assert not any(each.is_alive() for each in threads), "an operation hangs"
    assert [odd for each in clients for odd in each.odd] == []
    answers = sum((each.answers for each in clients), collections.Counter())
    assert {name for name, status in answers if status < 300} >= {*OPERATIONS, "create", "rename"}
    eventually(lambda: agree(engine), "records that agree with facts")
    assert "Traceback" not in engine.log.read_text()
    engine.remove_containers()
    leaks.assert_clean(engine)
    eventually(lambda: leaks.open_files(engine.pid) <= files + 2, "closed descriptors")
    eventually(lambda: len(leaks.helpers_of(engine.pid)) == HELPERS, "ended helpers")
    run(engine, "true", name=NAMES[0])
    print(f"{sum(answers.values())} requests in {HAMMER_S:.0f} s: {sorted(answers.items())}")


def agree(engine: EngineProcess) -> bool:
    """Who is said to run has a process, who is not has none; names are each other's only once."""
    rows = engine.containers()
    states = [engine.state(row["Id"]) for row in rows]
    names = [name for row in rows for name in row["Names"]]
    return len(names) == len(set(names)) and all(
        is_alive(state["Pid"]) if state["Pid"] else state["Status"] not in ("running", "paused")
        for state in states
    )

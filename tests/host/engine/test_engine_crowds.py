"""Many at once: events without loss, and a thousand records."""

from __future__ import annotations

import json
import threading
import time

import pytest
from tests.support.docker import Docker
from tests.support.engine import EngineProcess, UnixConnection
from tests.support.scenes import create, run
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

EVENTS_A_SECOND = 200
SECONDS = 3
CROWD = 1000
SENDERS = 4


class Listener(threading.Thread):
    """Follows the events; slowly if told so."""

    def __init__(self, engine: EngineProcess, *, pause_s: float = 0) -> None:
        super().__init__(daemon=True)
        self.heard: list[tuple[int, str]] = []
        self._pause_s = pause_s
        self._connection = UnixConnection(engine.socket)
        self._connection.request("GET", "/events?filters=" + '{"event":["kill"]}')
        self._answer = self._connection.getresponse()

    def run(self) -> None:
        for line in self._answer:
            event = json.loads(line)
            self.heard.append((event["timeNano"], event["Actor"]["Attributes"]["signal"]))
            time.sleep(self._pause_s)


def test_events_are_told_to_everyone_in_order(engine: EngineProcess) -> None:
    """200 a second for three seconds, to four that listen, one of whom is slow."""
    id_ = run(engine, ["sleep", "600"])
    listeners = [Listener(engine, pause_s=0.001 if n == 0 else 0) for n in range(4)]
    for each in listeners:
        each.start()
    wanted = EVENTS_A_SECOND * SECONDS
    since = time.time()
    senders = [
        threading.Thread(target=send, args=(engine, id_, wanted // SENDERS)) for _ in range(SENDERS)
    ]
    for each in senders:
        each.start()
    for each in senders:
        each.join(60)
    for each in listeners:
        eventually(lambda each=each: len(each.heard) >= wanted, "all events")
    stored = engine.request(
        "GET", "/events", since=since, until=time.time(), filters='{"event":["kill"]}'
    )
    times = [json.loads(line)["timeNano"] for line in stored.body.splitlines()]
    assert len(times) == wanted
    assert times == sorted(times)
    assert all([at for at, _ in each.heard] == times for each in listeners)


def send(engine: EngineProcess, id_: str, count: int) -> None:
    """So many signals that the program does not mind, on one connection, at its share of the
    rate."""
    connection = UnixConnection(engine.socket)
    begun = time.monotonic()
    for number in range(count):
        connection.request("POST", f"/containers/{id_}/kill?signal=WINCH")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 204
        due = begun + (number + 1) * SENDERS / EVENTS_A_SECOND
        time.sleep(max(0.0, due - time.monotonic()))
    connection.close()


def test_a_thousand_containers_are_listed(engine: EngineProcess, docker: Docker) -> None:
    connection = UnixConnection(engine.socket)
    body = json.dumps({"Image": "busybox", "Cmd": ["true"], "Labels": {"crowd": "yes"}})
    headers = {"Content-Type": "application/json"}
    for number in range(CROWD):
        connection.request("POST", f"/containers/create?name=crowd-{number}", body, headers)
        answer = connection.getresponse()
        assert answer.read()
        assert answer.status == 201
    connection.close()
    newest_first = [f"/crowd-{number}" for number in reversed(range(CROWD))]
    assert [row["Names"][0] for row in engine.containers()] == newest_first
    assert engine.request("GET", "/containers/json").json == []
    names = docker("ps", "-a", "--format", "{{.Names}}").split()
    assert names == [name.removeprefix("/") for name in newest_first]
    engine.kill()
    engine.start()
    assert [row["Names"][0] for row in engine.containers()] == newest_first
    reply = engine.request("POST", "/containers/prune", filters='{"label":["crowd"]}')
    assert len(reply.json["ContainersDeleted"]) == CROWD
    assert create(engine, "true")

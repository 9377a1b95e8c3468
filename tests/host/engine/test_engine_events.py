"""The event stream tells everything that happens to containers, in Docker's order."""

import json
import threading

import pytest
from tests.support.engine import EngineProcess, UnixConnection
from tests.support.scenes import create, run, wait
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


def told(engine: EngineProcess, **filters: str) -> list[str]:
    """`type action` of each event, oldest first."""
    return [f"{each['Type']} {each['Action']}" for each in engine.events(**filters)]


def test_a_life_with_volume_and_network(engine: EngineProcess) -> None:
    id_ = run(engine, "true", name="life", Binds=["data:/data"])
    wait(engine, id_)
    engine.request("DELETE", f"/containers/{id_}")
    events = [
        each
        for each in engine.events()
        if id_ in (each["Actor"]["ID"], each["Actor"]["Attributes"].get("container"))
    ]
    assert [f"{each['Type']} {each['Action']}" for each in events] == [
        "container create",
        "volume mount",
        "network connect",
        "container start",
        "container die",
        "network disconnect",
        "volume unmount",
        "container destroy",
    ]
    mount, connect = events[1]["Actor"], events[2]["Actor"]
    assert mount["ID"] == "data"
    assert mount["Attributes"] == {
        "container": id_,
        "destination": "/data",
        "driver": "local",
        "propagation": "",
        "read/write": "true",
    }
    assert connect["Attributes"] == {"container": id_, "name": "bridge", "type": "bridge"}


@pytest.mark.parametrize(("mode", "kind"), [("none", "null"), ("host", "host")])
def test_predefined_networks_are_joined_too(engine: EngineProcess, mode: str, kind: str) -> None:
    id_ = run(engine, "true", NetworkMode=mode)
    wait(engine, id_)
    joined = [
        each["Actor"]["Attributes"]
        for each in engine.events(type="network")
        if each["Actor"]["Attributes"]["container"] == id_
    ]
    assert joined == [{"container": id_, "name": mode, "type": kind}] * 2


def test_a_prune_tells_what_it_freed(engine: EngineProcess) -> None:
    id_ = run(engine, "head -c 5000 /dev/zero > /f")
    wait(engine, id_)
    engine.request("POST", "/containers/prune")
    pruned = [each for each in engine.events(type="container") if each["Action"] == "prune"]
    assert pruned[-1]["Actor"] == {"ID": "", "Attributes": {"reclaimed": "5000"}}


def test_the_past_survives_the_engine(engine: EngineProcess) -> None:
    id_ = create(engine, "true", name="remembered")
    engine.kill()
    engine.start()
    assert told(engine, container="remembered") == ["container create"]
    engine.request("DELETE", f"/containers/{id_}")


def test_many_events_reach_a_follower_without_a_gap(engine: EngineProcess) -> None:
    """Renames are the quickest thing that tells of itself."""
    id_ = create(engine, "true", name="n0")
    names = [f"n{number}" for number in range(1, 1001)]
    heard: list[str] = []
    connection = UnixConnection(engine.socket)
    filters = json.dumps({"event": ["rename"], "container": [id_]})
    connection.request("GET", f"/events?filters={filters.replace(' ', '')}")
    answer = connection.getresponse()

    def listen() -> None:
        while len(heard) < len(names):
            heard.append(json.loads(answer.readline())["Actor"]["Attributes"]["name"])

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    for name in names:
        assert engine.request("POST", f"/containers/{id_}/rename", name=name).status == 204
    eventually(lambda: len(heard) == len(names), "the last event")
    assert heard == names
    connection.close()

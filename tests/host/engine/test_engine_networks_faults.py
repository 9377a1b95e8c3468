"""The engine is killed at every named point of a change of networks: nothing is lost or left."""

from __future__ import annotations

import http.client
import subprocess
from collections.abc import Iterator

import pytest
from test_engine_faults import arm, next_engine, points
from test_engine_networks import FIRST, connect, disconnect, inside, make, networks, places
from tests.support.engine import EngineProcess
from tests.support.ports import free_port
from tests.support.scenes import SERVER, await_page, publish, run

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

MAKING = ["network.created", "network.removed"]
COMING = ["network.connected", "network.place-stored"]
GOING = ["network.leaving-stored", "network.disconnected"]


@pytest.fixture(autouse=True)
def unarmed(engine: EngineProcess) -> Iterator[None]:
    yield
    engine.environment = {}
    if not engine.is_running:
        engine.start()
    engine.remove_containers()
    for each in networks(engine, type="custom"):
        assert engine.request("DELETE", f"/networks/{each['Id']}").status == 204


def bridges() -> set[str]:
    """Those with the gateway's address of these tests; other engines have other bridges."""
    command = ["ip", "-o", "-4", "address", "show", "to", "10.213.1.1"]
    rows = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {row.split()[1] for row in rows.splitlines()}


def test_every_point_has_its_scene() -> None:
    assert points("network") == sorted([*MAKING, *COMING, *GOING])


def test_made(engine: EngineProcess) -> None:
    arm(engine, "network.created")
    with pytest.raises((OSError, http.client.HTTPException)):
        make(engine, "backend", FIRST)
    next_engine(engine)
    assert networks(engine, type="custom") == []
    assert not bridges()
    make(engine, "backend", FIRST)
    assert len(bridges()) == 1


def test_removed(engine: EngineProcess) -> None:
    id_ = make(engine, "backend", FIRST)
    with_it = bridges()
    assert len(with_it) == 1
    arm(engine, "network.removed")
    with pytest.raises((OSError, http.client.HTTPException)):
        engine.request("DELETE", "/networks/backend")
    next_engine(engine)
    assert [each["Id"] for each in networks(engine, type="custom")] == [id_]
    assert bridges() == with_it


@pytest.mark.parametrize("point", COMING)
def test_connect(engine: EngineProcess, point: str) -> None:
    make(engine, "backend", FIRST)
    arm(engine, point)
    port = free_port()
    web = run(engine, SERVER, name="web", **publish(port))
    with pytest.raises((OSError, http.client.HTTPException)):
        connect(engine, "backend", "web", GwPriority=9)
    next_engine(engine)
    told = set(places(engine, web))
    links = inside(engine, web, "ip", "-4", "-o", "addr")
    assert ("10.213.1." in links) == ("backend" in told)
    gateway = "10.213.1.1" if "backend" in told else places(engine, web)["bridge"]["Gateway"]
    assert f"default via {gateway} " in inside(engine, web, "ip", "route")
    await_page(port)
    if "backend" not in told:
        assert connect(engine, "backend", "web", GwPriority=9).status == 200
    assert "default via 10.213.1.1 " in inside(engine, web, "ip", "route")
    await_page(port)


@pytest.mark.parametrize("point", GOING)
def test_disconnect(engine: EngineProcess, point: str) -> None:
    make(engine, "backend", FIRST)
    arm(engine, point)
    port = free_port()
    web = run(engine, SERVER, name="web", **publish(port))
    assert connect(engine, "backend", "web", GwPriority=9).status == 200
    with pytest.raises((OSError, http.client.HTTPException)):
        disconnect(engine, "backend", "web")
    next_engine(engine)
    assert set(places(engine, web)) == {"bridge"}
    assert "10.213.1." not in inside(engine, web, "ip", "-4", "-o", "addr")
    gateway = places(engine, web)["bridge"]["Gateway"]
    assert f"default via {gateway} " in inside(engine, web, "ip", "route")
    await_page(port)
    assert connect(engine, "backend", "web").status == 200

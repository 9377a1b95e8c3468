"""Operations on networks and ports as a client sees them."""

from __future__ import annotations

from typing import Any

import pytest
from api_engine import NETWORK_ID, FakeEngine
from test_api_handlers import post, talk

from budu.spec.api.host_config import PortBinding


async def test_a_network_is_made() -> None:
    engine = FakeEngine()
    async with talk(engine) as client:
        body = {"Name": "backend", "CheckDuplicate": True, "Driver": "bridge"}
        made = await post(client, "/networks/create", body)
    assert (made.status, made.json) == (201, {"Id": NETWORK_ID, "Warning": ""})
    assert engine.networks.asked == [("create", "backend", "bridge", None)]


async def test_a_network_needs_a_body() -> None:
    async with talk(FakeEngine()) as client:
        assert (await post(client, "/networks/create")).status == 400


async def test_a_network_is_removed() -> None:
    engine = FakeEngine()
    async with talk(engine) as client:
        assert (await post(client, "/networks/backend", method="DELETE")).status == 204
    assert engine.networks.asked == [("remove", "backend")]


async def test_an_inspection_may_ask_for_a_scope() -> None:
    async with talk(FakeEngine()) as client:
        assert (await client.get("/networks/bridge?verbose=true&scope=local")).status == 200
        assert (await client.get("/networks/bridge?scope=swarm")).status == 404


@pytest.mark.parametrize(
    ("path", "body", "call"),
    [
        ("connect", {"Container": "web"}, ("connect", "backend", "web", None)),
        (
            "connect",
            {"Container": "web", "EndpointConfig": {"Aliases": ["db"]}},
            ("connect", "backend", "web", ["db"]),
        ),
        ("disconnect", {"Container": "web"}, ("disconnect", "backend", "web", False)),
        (
            "disconnect",
            {"Container": "web", "Force": True},
            ("disconnect", "backend", "web", True),
        ),
    ],
)
async def test_containers_come_and_go(path: str, body: Any, call: tuple[object, ...]) -> None:
    engine = FakeEngine()
    async with talk(engine) as client:
        assert (await post(client, f"/networks/backend/{path}", body)).status == 200
    assert engine.network_members.asked == [call]


async def test_ports_open_and_close() -> None:
    engine = FakeEngine()
    bindings = {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}
    async with talk(engine) as client:
        for verb in ("open", "close"):
            answer = await post(
                client, f"/budu/containers/web/ports/{verb}", {"PortBindings": bindings}
            )
            assert answer.status == 204
    ports = {"80/tcp": [PortBinding(host_port="8080")]}
    assert engine.network_members.asked == [("publish", "web", ports), ("unpublish", "web", ports)]


async def test_open_ports_are_listed_with_their_reach() -> None:
    async with talk(FakeEngine()) as client:
        [port] = (await client.get("/budu/ports")).json
    assert (port["Container"], port["HostPort"], port["Reach"]) == ("web", 8080, "world")


async def test_a_diagnosis_speaks_the_callers_language() -> None:
    async with talk(FakeEngine()) as client:
        path = "/budu/network/diagnosis?container=web"
        request = f"GET {path} HTTP/1.1\r\nAccept-Language: ko\r\n\r\n"
        found = (await client.ask(request.encode())).json
    assert found["Container"] == "web"
    assert found["Steps"] == [
        {"Name": "route", "Outcome": "ok", "Finding": "게이트웨이 10.9.0.1이(가) 응답합니다."}
    ]
    assert "포트의 프로토콜" in found["Problems"][0]

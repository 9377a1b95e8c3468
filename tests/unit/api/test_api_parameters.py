"""Every query parameter and header of the definition changes what its operation does.

Each served operation is called with a parameter and without it. What it asks of the engine, or
answers, must differ; or the parameter is listed in `api.unheeded` with the reason, and then nothing
may differ.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from api_engine import FakeEngine

from budu.api.errors import answer_error
from budu.api.http.head import RequestHead
from budu.api.http.hijack import HijackedStream
from budu.api.http.inbox import Inbox
from budu.api.http.limits import Limits
from budu.api.http.request import Body, Request
from budu.api.http.response import Response, StreamResponse
from budu.api.routes import build_router
from budu.api.routing import Route
from budu.api.unheeded import UNHEEDED_PARAMETERS
from budu.api.unserved import UNSERVED
from budu.base.errors import Conflict
from budu.base.filters import Filters
from budu.engine.images.tree import ImageTree
from budu.spec.image import MEDIA_OCI_MANIFEST, Descriptor

DEFINITION = yaml.safe_load(
    (Path(__file__).parents[2] / "api" / "engine-api-v1.51.yaml").read_text()
)
SERVED = {
    operation["operationId"]: operation
    for methods in DEFINITION["paths"].values()
    for operation in methods.values()
    if not any(operation["operationId"] in group for group in UNSERVED.values())
}
PARAMETERS = [
    (name, parameter["in"], parameter["name"], parameter["type"])
    for name, operation in sorted(SERVED.items())
    for parameter in operation.get("parameters", ())
    if parameter["in"] in ("query", "header") and parameter["name"] != "Content-type"
]

SAMPLES: dict[str, tuple[str, ...]] = {
    "boolean": ("1", "0"),
    "integer": ("7",),
    "string": ("sample", "1"),
    "array": ("sample",),
}
ARM = '{"os":"linux","architecture":"arm64"}'
SPECIAL: dict[str, tuple[str, ...]] = {
    "filters": ('{"label":["a"]}', '{"type":["container"]}'),
    "platform": ("linux/arm64", ARM),
    "platforms": (ARM,),
    "X-Registry-Auth": ("eyJ1c2VybmFtZSI6ICJ1cyJ9",),
    "X-Registry-Config": ("eyJodHRwczovL2luZGV4LmRvY2tlci5pby92MS8iOnsidXNlcm5hbWUiOiJ1cyJ9fQ==",),
    "type": ("volume",),
    "since": ("1",),
    "until": ("2",),
    "tail": ("7",),
    "scope": ("local", "swarm"),
}
"""Values for parameters of these names, where any word will not do."""

BASES: dict[str, dict[str, str]] = {
    "ContainerAttach": {"stream": "1", "stdin": "1", "stdout": "1"},
    "ContainerAttachWebsocket": {"stream": "1", "stdin": "1", "stdout": "1"},
    "ContainerLogs": {"stdout": "1", "stderr": "1"},
    "ContainerResize": {"h": "1", "w": "1"},
    "ContainerStats": {"stream": "0"},
    "ExecResize": {"h": "1", "w": "1"},
    "ImageCommit": {"container": "web"},
    "ImageCreate": {"fromImage": "httpd"},
    "ImageCreate fromSrc": {},
    "ImageCreate repo": {"fromSrc": "-"},
    "ImageCreate message": {"fromSrc": "-"},
    "ImageCreate changes": {"fromSrc": "-"},
    "ImageSearch": {"term": "x"},
    "ImageTag": {"repo": "x"},
}
"""The query beside the parameter, without which an operation would refuse or not look at it."""

PATHS = {"/images/{name:.*}": "httpd:2.4", "/networks/{id}": "bridge"}
WEBSOCKET = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}
BODIES = {"ContainerCreate": {"Image": "httpd:2.4"}}


ROOT = Descriptor(media_type=MEDIA_OCI_MANIFEST, digest="sha256:" + "5" * 64, size=7)


class Watched:
    """A service that tells what it was asked; a method that its fake lacks refuses."""

    def __init__(self, name: str, inner: Any, seen: list[str]) -> None:
        self._name = name
        self._inner = inner
        self._seen = seen

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **asked: Any) -> Any:
            self._seen.append(f"{self._name}.{name} {shown(args)} {shown(asked)}")
            method = getattr(self._inner, name, None)
            if method is None:
                raise Conflict("not played here")
            return method(*args, **asked)

        return call


def shown(value: Any) -> str:
    """A value as text, without addresses in memory."""
    if isinstance(value, Filters):
        return shown(value._values)
    if isinstance(value, Mapping):
        return str({key: shown(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return str([shown(item) for item in value])
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


class SilentMonitor:
    """Samples that never come."""

    async def follow(self, ref: str) -> AsyncIterator[object]:
        await asyncio.Future[None]()
        yield ref


class DeafWire:
    """A connection that keeps what is sent."""

    limits = Limits()

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    async def drain(self) -> None:
        await asyncio.sleep(0)

    def send_eof(self) -> None:
        self.sent.append(b"[eof]")

    def hang_up(self) -> None: ...
    def abort(self) -> None: ...
    def send_continue(self) -> None: ...
    def expect_body_within(self, seconds: float) -> None: ...
    def cancel_when_client_leaves(self) -> None: ...

    def begin_stream(
        self, status: int, *, content_type: str, headers: Mapping[str, str]
    ) -> StreamResponse:
        self.sent.append(f"{status} {content_type} {dict(headers)}".encode())
        return StreamResponse(self, chunked=False)

    def hijack(self, content_type: str, *, headers: Mapping[str, str]) -> HijackedStream:
        self.sent.append(f"101 {content_type} {dict(headers)}".encode())
        return HijackedStream(self, ended_inbox(b""))


def ended_inbox(data: bytes) -> Inbox:
    inbox = Inbox(lambda: None)
    if data:
        inbox.feed(data)
    inbox.feed_eof()
    return inbox


async def observe(operation: str, query: dict[str, str], headers: dict[str, str]) -> list[str]:
    """What the operation asked of the engine and answered."""
    seen: list[str] = []
    engine = FakeEngine()

    async def pulled(_: object) -> None:
        pass

    engine.images.pull_script = pulled
    engine.images.tree = lambda _: ImageTree(root=ROOT, is_index=False, nodes=())
    engine.monitor = SilentMonitor()
    for name, service in vars(engine).items():
        setattr(engine, name, Watched(name, service, seen))
    (found,) = (one for one in build_router(engine).routes if one.operation == operation)
    wire = DeafWire()
    request = make_request(found, wire, query, headers)
    try:
        answer = found.handler(request)
        if not isinstance(answer, Response):
            task = asyncio.ensure_future(answer)
            for _ in range(60):  # long enough for any that does not wait for an event
                await asyncio.sleep(0)
            task.cancel()
            (answer,) = await asyncio.gather(task, return_exceptions=True)
            if isinstance(answer, Exception):
                raise answer
    except Exception as error:
        answer = answer_error(request, error)
    if isinstance(answer, Response):
        seen.append(f"{answer.status} {answer.headers} {answer.body!r}")
    return [*seen, *(data.decode("latin-1") for data in wire.sent)]


def make_request(
    found: Route, wire: DeafWire, query: dict[str, str], headers: dict[str, str]
) -> Request:
    body = json.dumps(BODIES[found.operation]).encode() if found.operation in BODIES else b""
    if found.operation.endswith("Websocket"):
        headers = {**headers, **WEBSOCKET}
    lines = {"content-type": "application/json", **headers}
    head = RequestHead(
        found.method,
        f"/x?{urlencode(query)}",
        headers={name.lower(): value for name, value in lines.items()},
        keep_alive=True,
        http_1_0=False,
    )
    incoming = Body(wire, ended_inbox(body), length=len(body), expects_continue=False)
    request = Request(wire, head, body=incoming)
    named = next((value for start, value in PATHS.items() if found.path.startswith(start)), "web")
    request.params = {"id": named, "name": named}
    return request


def unheeded(operation: str) -> set[str]:
    return {name for group in UNHEEDED_PARAMETERS.values() for name in group.get(operation, ())}


@pytest.mark.parametrize(("operation", "place", "name", "kind"), PARAMETERS)
def test_a_parameter_is_acted_on_or_listed_with_its_reason(
    operation: str, place: str, name: str, kind: str
) -> None:
    base = BASES.get(f"{operation} {name}", BASES.get(operation, {}))
    others = {key: value for key, value in base.items() if key != name}
    without = asyncio.run(observe(operation, others, {}))
    assert without == asyncio.run(observe(operation, others, {})), (
        "the test cannot tell a difference"
    )
    changed = False
    for sample in SPECIAL.get(name, SAMPLES[kind]):
        query, headers = (others, {name: sample}) if place == "header" else (others, {})
        if place == "query":
            query = {**others, name: sample}
        changed = changed or asyncio.run(observe(operation, query, headers)) != without
    assert changed != (name in unheeded(operation))


def test_what_is_listed_is_in_the_definition() -> None:
    known = {(operation, name) for operation, _, name, _ in PARAMETERS}
    listed = {
        (operation, name)
        for group in UNHEEDED_PARAMETERS.values()
        for operation, names in group.items()
        for name in names
    }
    assert listed <= known


async def test_a_parameter_that_nobody_reads_would_be_found() -> None:
    assert await observe("ContainerList", {"colour": "red"}, {}) == await observe(
        "ContainerList", {}, {}
    )

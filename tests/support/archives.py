"""Archives over the API, for tests in which no foreign client is wanted."""

from __future__ import annotations

import base64
import http.client
import io
import json
import tarfile
import urllib.parse
from collections.abc import Iterable
from typing import Any

from tests.support.engine import EngineProcess, Reply, UnixConnection


def target(ref: str, path: str, *, volume: bool = False, **query: object) -> str:
    """The request's target."""
    place = f"/budu/volumes/{ref}" if volume else f"/containers/{ref}"
    return f"{place}/archive?" + urllib.parse.urlencode({"path": path, **query})


def open_archive(
    engine: EngineProcess, ref: str, path: str, **query: Any
) -> http.client.HTTPResponse:
    """The answer to a GET, its body unread; the caller closes it."""
    connection = UnixConnection(engine.socket)
    connection.request("GET", target(ref, path, **query))
    answer = connection.getresponse()
    answer.connection = connection  # type: ignore[attr-defined]  # or it is closed with the name
    return answer


def get(engine: EngineProcess, ref: str, path: str, **query: Any) -> Reply:
    """A whole archive, or the error."""
    answer = open_archive(engine, ref, path, **query)
    try:
        return Reply(answer.status, answer.read(), dict(answer.headers))
    finally:
        answer.connection.close()  # type: ignore[attr-defined]


def stat(engine: EngineProcess, ref: str, path: str, **query: Any) -> dict[str, Any]:
    """What the header of a HEAD says; empty for a path that is not there."""
    connection = UnixConnection(engine.socket)
    try:
        connection.request("HEAD", target(ref, path, **query))
        answer = connection.getresponse()
        answer.read()
        header = answer.headers.get("X-Docker-Container-Path-Stat", "e30=")
        return dict(json.loads(base64.b64decode(header)))
    finally:
        connection.close()


def put(
    engine: EngineProcess, ref: str, path: str, body: bytes | Iterable[bytes], **query: Any
) -> Reply:
    """Unpack an archive."""
    connection = UnixConnection(engine.socket)
    try:
        connection.request("PUT", target(ref, path, **query), body)
        answer = connection.getresponse()
        return Reply(answer.status, answer.read(), dict(answer.headers))
    finally:
        connection.close()


def files(reply: Reply) -> dict[str, bytes]:
    """Names and contents of an archive; empty for what is no file."""
    assert reply.status == 200, reply.body
    with tarfile.open(fileobj=io.BytesIO(reply.body)) as tar:
        return {
            each.name: tar.extractfile(each).read() if each.isreg() else b""  # type: ignore[union-attr]
            for each in tar
        }


def archive(*members: tuple[str, bytes, dict[str, Any]] | tuple[str, bytes]) -> bytes:
    """An archive of members: name, content, fields of TarInfo."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data, *fields in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in (fields[0] if fields else {}).items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()

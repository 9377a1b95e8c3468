"""Calls about images beyond the plain ones of `session`: push, save, load, search and more. Light.

Source: Engine API 1.51, ImagePush, ImageGet, ImageLoad, ImageSearch, DistributionInspect; calls
below `/budu` are our own.
"""

from __future__ import annotations

from budu.client.errors import stream_error
from budu.client.json import dumps, loads
from budu.client.query import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from budu.client.session import Session
    from budu.client.transport import Response


def push_image(
    session: Session,
    name: str,
    *,
    tag: str,
    platform: str = "",
    auth: str = "",
    tls_verify: bool = True,
) -> Iterator[dict[str, Any]]:
    """JSON messages of a push; without a `tag`, of all tags. Raises: the engine's error."""
    query = {
        "tag": tag or None,
        "platform": platform_json(platform) or None,
        "tlsVerify": _trust(tls_verify),
    }
    headers = {"X-Registry-Auth": auth or "e30="}
    path = f"/images/{image_path(name)}/push"
    return _messages(session.call("POST", path, query=query, headers=headers))


def save_images(session: Session, names: list[str], *, platforms: list[str]) -> Iterator[bytes]:
    """An archive of images. The answer has come when this returns."""
    query = {"names": names, "platform": [platform_json(each) for each in platforms] or None}
    return session.call("GET", "/images/get", query=query).chunks()


def load_images(
    session: Session, pieces: Iterable[bytes], *, quiet: bool, platforms: list[str]
) -> Iterator[dict[str, Any]]:
    """JSON messages of a load. Raises: the engine's error."""
    wanted = [platform_json(each) for each in platforms] or None
    query = {"quiet": "1" if quiet else "0", "platform": wanted}
    return _messages(session.upload("POST", "/images/load", pieces, query=query))


def _messages(response: Response) -> Iterator[dict[str, Any]]:
    for line in response.lines():
        message: dict[str, Any] = loads(line)
        if "error" in message:
            raise stream_error(message)
        yield message


def _trust(tls_verify: bool) -> str | None:
    return None if tls_verify else "0"


def image_path(name: str) -> str:
    """A name as a part of a path."""
    return quote(name, safe="/:@")


def platform_json(text: str) -> str:
    """`linux/arm64/v8` as the API wants it; empty for nothing."""
    if not text:
        return ""
    parts = [*text.split("/"), "", ""]
    if not parts[1]:
        return text
    fields = {"os": parts[0], "architecture": parts[1], "variant": parts[2]}
    return dumps({name: value for name, value in fields.items() if value}).decode()


def image_history(session: Session, ref: str, *, platform: str = "") -> list[dict[str, Any]]:
    """ImageHistoryItem objects, newest first."""
    query = {"platform": platform_json(platform) or None}
    rows: list[dict[str, Any]] = session.fetch(f"/images/{image_path(ref)}/history", query=query)
    return rows


def search_images(
    session: Session,
    term: str,
    *,
    limit: int | None,
    filters: Mapping[str, list[str]],
    auth: str = "",
    tls_verify: bool = True,
) -> list[dict[str, Any]]:
    """ImageSearchItem objects, the best first."""
    query = {
        "term": term,
        "limit": limit,
        "filters": filters or None,
        "tlsVerify": _trust(tls_verify),
    }
    headers = {"X-Registry-Auth": auth} if auth else {}
    rows: list[dict[str, Any]] = session.fetch("/images/search", query=query, headers=headers)
    return rows or []


def remote_tags(
    session: Session, name: str, *, limit: int, sort: str, auth: str = "", tls_verify: bool = True
) -> dict[str, Any]:
    """`Name`, `Total` and `Tags` of a repository in its registry. budu's own call."""
    query = {"name": name, "limit": limit, "sort": sort, "tlsVerify": _trust(tls_verify)}
    headers = {"X-Registry-Auth": auth} if auth else {}
    found: dict[str, Any] = session.fetch("/budu/registry/tags", query=query, headers=headers)
    return found


def remote_manifest(
    session: Session, name: str, *, auth: str = "", tls_verify: bool = True
) -> dict[str, Any]:
    """`Ref`, `Descriptor` and `Document` of what a name stands for. budu's own call."""
    headers = {"X-Registry-Auth": auth} if auth else {}
    query = {"name": name, "tlsVerify": _trust(tls_verify)}
    found: dict[str, Any] = session.fetch("/budu/registry/manifest", query=query, headers=headers)
    return found


def push_manifest_list(
    session: Session,
    name: str,
    entries: list[dict[str, Any]],
    *,
    auth: str = "",
    tls_verify: bool = True,
) -> dict[str, Any]:
    """Store a list of manifests in its registry; its descriptor. budu's own call."""
    headers = {"X-Registry-Auth": auth} if auth else {}
    stored: dict[str, Any] = session.fetch(
        "/budu/registry/manifest",
        method="POST",
        query={"name": name, "tlsVerify": _trust(tls_verify)},
        body={"Manifests": entries},
        headers=headers,
    )
    return stored


def explore_image(session: Session, name: str, *, files: int) -> dict[str, Any]:
    """`Size`, `Wasted` and `Layers` of an image. budu's own call."""
    query = {"name": name, "files": str(files)}
    found: dict[str, Any] = session.fetch("/budu/images/explore", query=query)
    return found


def compare_images(session: Session, first: str, second: str) -> list[dict[str, Any]]:
    """`Path`, `Kind`, `Size` and `Wasted` of what differs. budu's own call."""
    query = {"a": first, "b": second}
    found: list[dict[str, Any]] = session.fetch("/budu/images/diff", query=query)
    return found


def check_storage(session: Session, *, deep: bool, repair: bool) -> dict[str, Any]:
    """What is missing, broken and in nobody's use. budu's own call."""
    query = {"deep": deep, "repair": repair}
    found: dict[str, Any] = session.fetch("/budu/storage/check", method="POST", query=query)
    return found


def clean_images(
    session: Session, rules: Mapping[str, str], *, preview: bool
) -> list[dict[str, Any]]:
    """`Id`, `Name`, `Rule`, `Size` and `Deleted` of images that go. budu's own call."""
    query = {**rules, "preview": preview}
    rows: list[dict[str, Any]] = session.fetch("/budu/images/cleanup", method="POST", query=query)
    return rows

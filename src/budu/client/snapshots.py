"""Calls about what containers changed, and images made of containers and archives. Light.

Source: Engine API 1.51, ContainerChanges, ContainerExport, ImageCommit, ImageCreate with fromSrc.
"""

from __future__ import annotations

from budu.client.errors import stream_error
from budu.client.json import loads
from budu.client.query import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from budu.client.session import Session


def container_changes(session: Session, ref: str) -> list[dict[str, Any]]:
    """FilesystemChange objects: `Path` and `Kind`."""
    listed: list[dict[str, Any]] = session.fetch(f"/containers/{quote(ref)}/changes")
    return listed or []


def export_container(session: Session, ref: str) -> Iterator[bytes]:
    """The container's files as a tar archive. The answer has come when this returns."""
    return session.call("GET", f"/containers/{quote(ref)}/export").chunks()


def commit_container(session: Session, ref: str, query: Mapping[str, object]) -> str:
    """Make an image of a container; its id."""
    answer: dict[str, str] = session.fetch(
        "/commit", method="POST", query={"container": ref, **query}
    )
    return answer["Id"]


def import_image(
    session: Session, query: Mapping[str, object], pieces: Iterable[bytes] | None
) -> Iterator[dict[str, Any]]:
    """JSON messages of an import; the last one's `status` is the image's id.

    `pieces` are the archive, None when the engine fetches it itself.
    Raises: the engine's error, also one that comes as a message.
    """
    path = "/images/create"
    if pieces is None:
        response = session.call("POST", path, query=query)
    else:
        response = session.upload("POST", path, pieces, query=query)
    for line in response.lines():
        message: dict[str, Any] = loads(line)
        if "error" in message:
            raise stream_error(message)
        yield message

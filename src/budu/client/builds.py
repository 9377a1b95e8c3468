"""Calls about builds. Light.

Source: Engine API 1.51, ImageBuild and BuildPrune.
"""

from __future__ import annotations

from budu.client.json import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from budu.client.session import Session

_NO_REGISTRIES = "e30="


def build_image(
    session: Session, query: Mapping[str, object], pieces: Iterable[bytes], *, registries: str = ""
) -> Iterator[dict[str, Any]]:
    """JSON messages of a build; one with `error` is the last.

    `pieces` are the context, a tar archive. `registries` is the X-Registry-Config header's value.
    Raises: the engine's error when it does not begin to build, and what `pieces` raises.
    """
    headers = {"X-Registry-Config": registries or _NO_REGISTRIES}
    response = session.upload("POST", "/build", pieces, query=query, headers=headers)
    for line in response.lines():
        message: dict[str, Any] = loads(line)
        yield message


def prune_builds(session: Session, query: Mapping[str, object]) -> dict[str, Any]:
    """Remove cache records; `CachesDeleted` and `SpaceReclaimed`."""
    answer: dict[str, Any] = session.fetch("/build/prune", method="POST", query=query)
    return answer or {}

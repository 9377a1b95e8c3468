"""Pulls an image and shows how it goes; used by `pull`, `run` and `create`. Light."""

from __future__ import annotations

from budu.base.errors import Internal
from budu.client.errors import hint_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TextIO

    from budu.cli.context import Context
    from budu.cli.names import ImageName

AUTO, PLAIN, QUIET = "auto", "plain", "quiet"
"""How a pull is shown: a bar on a terminal, Docker's lines, nothing."""


def pull(
    context: Context,
    name: ImageName,
    *,
    out: TextIO,
    platform: str = "",
    mode: str = AUTO,
    all_tags: bool = False,
) -> None:
    """Pull `name` (every tag of it with `all_tags`).

    Raises: the registry's or the engine's error with its hint.
    """
    from budu.cli.credentials import registry_auth

    messages = context.session.pull_image(
        name.repository,
        tag="" if all_tags else name.digest or name.tag,
        platform=platform,
        auth=registry_auth(context.config, name.repository),
    )
    checked = _until_error(messages)
    if mode == QUIET:
        for _ in checked:
            pass
        return
    from budu.cli.progress import show_pull

    show_pull(checked, out, plain=mode == PLAIN, lang=context.lang)


def _until_error(messages: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The messages; one that tells of an error is raised."""
    for message in messages:
        if "error" in message:
            detail = message.get("errorDetail") or {}
            text = detail.get("message") or message["error"]
            raise Internal(str(text), hint=hint_of(message.get("hint") or detail.get("hint")))
        yield message

"""Pulls an image and shows how it goes; used by `pull`, `run` and `create`. Light."""

from __future__ import annotations

from budu.cli.terminal import screen_width
from budu.client.errors import stream_error

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
    tls_verify: bool = True,
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
        tls_verify=tls_verify,
    )
    checked = _until_error(messages)
    from budu.cli.progress import choose_view

    view = choose_view(
        out,
        quiet=mode == QUIET,
        plain=mode == PLAIN,
        width=screen_width,
        lang=context.lang,
    )
    try:
        for message in checked:
            view.feed(message)
    finally:
        view.close()


def _until_error(messages: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The messages; one that tells of an error is raised."""
    for message in messages:
        if "error" in message:
            raise stream_error(message)
        yield message

"""`budu import`. Light."""

from __future__ import annotations

import os

from budu.cli.declare import Call, Command, Flag
from budu.cli.reading import open_file, pieces_of
from budu.cli.terminal import screen_width
from budu.client.snapshots import import_image

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from budu.cli.context import Context
    from budu.cli.progress import View

_BODY = "-"


def run_import(context: Context, call: Call) -> int:
    """Make an image of an archive; the last line is its id."""
    source, *names = call.args
    pieces = _pieces(source)
    if names:
        _check_name(names[0])
    query = {
        "fromSrc": _BODY if pieces is not None else source,
        "repo": names[0] if names else None,
        "message": call.text("message") or None,
        "platform": call.text("platform") or None,
        "changes": call.texts("change") or None,
    }
    view = _view(context)
    try:
        for message in import_image(context.session, query, pieces):
            view.feed(_as_sum(message))
    finally:
        view.close()
    return 0


def _pieces(source: str) -> Iterator[bytes] | None:
    """The archive: standard input or a file; None for a URL, which the engine fetches."""
    if source.startswith(("http://", "https://")):
        return None
    if source == _BODY:
        return pieces_of(0)
    return pieces_of(open_file(source))


def _check_name(text: str) -> None:
    """Raises: InvalidArgument before anything is sent."""
    from budu.cli.names import parse_name

    parse_name(text)


def _view(context: Context) -> View:
    from budu.cli.progress import choose_view

    return choose_view(context.out, width=screen_width, lang=context.lang)


def _as_sum(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """A step with byte counts as the sum that a bar shows; other messages as they are."""
    detail = message.get("progressDetail") or {}
    return {"aux": {**detail, "layers": 1}} if detail.get("total") else message


IMPORT = Command(
    run_import,
    usage="[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
    help=("Make an image of a tar archive", "tar 보관 파일로 이미지를 만듭니다"),
    flags=(
        Flag("change", "list", short="c",
             help=("Dockerfile instruction to apply, such as CMD or ENV",
                   "적용할 Dockerfile 명령, 예: CMD, ENV")),
        Flag("message", "string", short="m", help=("Comment of the image", "이미지의 설명")),
        Flag("platform", "string", default=os.environ.get("DOCKER_DEFAULT_PLATFORM", ""),
             help=("Platform of the image (os/arch[/variant])",
                   "이미지 플랫폼 (os/arch[/variant])")),
    ),
    least=1,
    most=2,
    examples=("import web.tar mine:1", "export web | budu import - mine:1"),
)  # fmt: skip

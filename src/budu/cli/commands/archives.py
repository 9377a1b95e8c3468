"""`budu save` and `budu load`. Light."""

from __future__ import annotations

import os

from budu.cli.commands.export import write_archive
from budu.cli.declare import Call, Command, Flag
from budu.cli.failures import CommandFailed
from budu.cli.reading import open_file, pieces_of
from budu.cli.terminal import screen_width
from budu.client.images import load_images, save_images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context


def run_save(context: Context, call: Call) -> int:
    """Write images as an archive to a file or to standard output."""
    platforms = call.texts("platform")
    write_archive(
        context,
        call.text("output"),
        lambda: save_images(context.session, call.args, platforms=platforms),
        action="save image",
    )
    return 0


def run_load(context: Context, call: Call) -> int:
    """Take images in from a file or from standard input."""
    source, quiet = call.text("input"), call.on("quiet")
    if not source and os.isatty(0):
        raise CommandFailed("requested load from stdin, but stdin is empty")
    from budu.cli.progress import choose_view

    view = choose_view(
        context.out,
        quiet=quiet,
        width=screen_width,
        lang=context.lang,
    )
    pieces = pieces_of(open_file(source) if source else 0)
    platforms = call.texts("platform")
    try:
        for message in load_images(context.session, pieces, quiet=quiet, platforms=platforms):
            text = message.get("stream")
            if text:
                view.close()
                context.out.write(text)
            else:
                detail = message.get("progressDetail") or {}
                view.feed({"aux": {**detail, "layers": 1}} if detail.get("total") else message)
    finally:
        view.close()
    return 0


_PLATFORM = ("Only this platform (os/arch[/variant])", "이 플랫폼만 (os/arch[/variant])")
SAVE = Command(
    run_save,
    usage="[OPTIONS] IMAGE [IMAGE...]",
    help=("Write images as a tar archive", "이미지를 tar 보관 파일로 저장합니다"),
    flags=(
        Flag("output", "string", short="o", help=("Write to this file instead of standard output",
                                                  "표준 출력 대신 이 파일에 씁니다")),
        Flag("platform", "strings", help=_PLATFORM),
    ),
    least=1,
    examples=("save -o httpd.tar httpd", "save httpd busybox | gzip > both.tar.gz"),
)  # fmt: skip
LOAD = Command(
    run_load,
    usage="[OPTIONS]",
    help=("Take images in from a tar archive", "tar 보관 파일에서 이미지를 불러옵니다"),
    flags=(
        Flag("input", "string", short="i", help=("Read this file instead of standard input",
                                                 "표준 입력 대신 이 파일을 읽습니다")),
        Flag("platform", "strings", help=_PLATFORM),
        Flag("quiet", short="q", help=("Do not show progress", "진행 상황을 보이지 않습니다")),
    ),
    most=0,
    examples=("load -i httpd.tar", "load < both.tar.gz"),
)  # fmt: skip

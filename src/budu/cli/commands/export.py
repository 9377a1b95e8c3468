"""`budu export`. Light."""

from __future__ import annotations

import os

from budu.cli.declare import Call, Command, Flag
from budu.cli.failures import CommandFailed
from budu.client.snapshots import export_container

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from budu.cli.context import Context


def run_export(context: Context, call: Call) -> int:
    """Write a container's files as a tar archive to a file or to standard output."""
    write_archive(
        context,
        call.text("output"),
        lambda: export_container(context.session, call.args[0]),
        action="export container",
    )
    return 0


def write_archive(
    context: Context, target: str, begin: Callable[[], Iterator[bytes]], *, action: str
) -> None:
    """Write what `begin` gives to the file `target`, or to standard output.

    Raises: CommandFailed in Docker's words, before `begin` is called.
    """
    if not target:
        if os.isatty(1):
            raise CommandFailed(
                "cowardly refusing to save to a terminal. Use the -o flag or redirect"
            )
        pieces = begin()
        context.out.flush()
        _write(1, pieces, name="/dev/stdout")
        return
    try:
        _check_target(target, f"failed to {action}: ")
    except OSError as error:
        problem = f"stat {error.filename}: {(error.strerror or '').lower()}"
        raise CommandFailed(f"failed to {action}: invalid output path: {problem}") from None
    _write_file(target, begin(), begin=f"failed to {action}: ")


def _check_target(target: str, begin: str) -> None:
    """Raises: CommandFailed in Docker's words; OSError when its folder is not there."""
    folder = os.path.dirname(target)
    if folder:
        os.listdir(folder) if not os.path.isdir(folder) else None
    if os.path.islink(target):
        raise CommandFailed(begin + "cannot write to a symbolic link directly")
    if os.path.isdir(target):
        raise CommandFailed(begin + "cannot write to a directory")
    if os.path.exists(target) and not os.path.isfile(target):
        raise CommandFailed(begin + "cannot write to a non-regular file")


def _write_file(target: str, pieces: Iterator[bytes], *, begin: str) -> None:
    """The file appears whole or not at all. Raises: CommandFailed."""
    half = f"{target}.{os.getpid()}.tmp"
    try:
        fd = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CommandFailed(f"{begin}open {half}: {_reason(error)}") from None
    try:
        try:
            _write(fd, pieces, name=target)
        finally:
            os.close(fd)
        os.replace(half, target)
    except BaseException:
        os.unlink(half)
        raise


def _write(fd: int, pieces: Iterator[bytes], *, name: str) -> None:
    """Raises: CommandFailed for a full disk and the like; BrokenPipeError."""
    for piece in pieces:
        view = memoryview(piece)
        while view:
            try:
                view = view[os.write(fd, view) :]
            except BrokenPipeError:
                raise
            except OSError as error:
                raise CommandFailed(f"write {name}: {_reason(error)}") from None


def _reason(error: OSError) -> str:
    return (error.strerror or "").lower()


EXPORT = Command(
    run_export,
    usage="[OPTIONS] CONTAINER",
    help=("Write a container's files as a tar archive",
          "컨테이너의 파일을 tar 보관 파일로 내보냅니다"),
    flags=(Flag("output", "string", short="o",
                help=("Write to this file instead of standard output",
                      "표준 출력 대신 이 파일에 씁니다")),),
    least=1,
    most=1,
    examples=("export -o web.tar web",),
)  # fmt: skip

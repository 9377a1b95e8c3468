"""`budu build`. Light until it packs."""

from __future__ import annotations

from budu.base.errors import Hint
from budu.base.units import human_size
from budu.cli.build.flags import BUILD_FLAGS
from budu.cli.declare import Call, Command
from budu.cli.failures import CommandFailed, Exit
from budu.cli.pulling import QUIET
from budu.client.builds import build_image
from budu.client.errors import stream_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from budu.cli.build.prepare import Prepared
    from budu.cli.context import Context

_HIGHEST_STATUS = 255


def run_build(context: Context, call: Call) -> int:
    """Build an image; with `--quiet` the only line is its id."""
    from budu.cli.build.prepare import prepare
    from budu.cli.build.view import BuildView

    if call.on("squash"):
        raise CommandFailed(
            '"--squash" is only supported on a Docker daemon with experimental features enabled',
            hint=Hint("api.build-squash"),
        )
    _remove_id_file(call)
    mode = QUIET if call.on("quiet") else call.text("progress")
    view = BuildView(context.out, mode=mode, lang=context.lang)
    prepared = prepare(
        call.args[0],
        call.text("file"),
        arguments=call.texts("build-arg"),
        out=context.out,
        quiet=mode == QUIET,
    )
    try:
        for message in _send(context, call, prepared, quiet=mode == QUIET):
            view.feed(message)
    except Exit:
        context.err.write(view.held)
        raise
    finally:
        view.close()
        prepared.close()
    if call.on("quiet"):
        context.out.write(view.held)
    if context.talks_to_person and prepared.burden:
        name, size = prepared.burden
        context.hint(Hint("cli.build-burden", name=name, size=human_size(size, precision=3)))
    _write_id_file(call, view.image_id or view.held.strip())
    return 0


def _send(
    context: Context, call: Call, prepared: Prepared, *, quiet: bool
) -> Iterator[Mapping[str, Any]]:
    """The engine's messages. Raises: Exit for one that tells of an error, with its status."""
    from budu.cli.build.options import build_query
    from budu.cli.build.view import show_sending
    from budu.cli.credentials import registry_config

    proxy = context.config.proxy_environment(context.endpoint.address)
    query = build_query(call, dockerfile=prepared.dockerfile, proxy=proxy)
    pieces = prepared.pieces
    if call.on("compress"):
        from budu.cli.build.prepare import compress

        pieces = compress(pieces)
    sending = show_sending(pieces, context.out, quiet=quiet)
    registries = registry_config(context.config, context.tell)
    try:
        for message in build_image(context.session, query, sending, registries=registries):
            if "error" in message:
                raise _failure(message)
            yield message
    finally:
        sending.close()  # also when the engine refused before it had all of it


def _failure(message: Mapping[str, Any]) -> Exit:
    """Ends as the command that failed did: `errorDetail.code` is its status."""
    error = stream_error(dict(message))
    code = (message.get("errorDetail") or {}).get("code")
    status = code if isinstance(code, int) and 0 < code <= _HIGHEST_STATUS else 1
    return Exit(status, error.message, hint=error.hint)


def _advise(args: list[str]) -> Hint | None:
    """Whoever names no context and stands beside a Dockerfile most likely means that."""
    import os

    return Hint("cli.build-here") if not args and os.path.exists("Dockerfile") else None


def _remove_id_file(call: Call) -> None:
    """An old file must not pass for this build's. Raises: CommandFailed."""
    import os

    try:
        if call.text("iidfile"):
            os.unlink(call.text("iidfile"))
    except FileNotFoundError:
        return
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        path = call.text("iidfile")
        raise CommandFailed(f"Removing image ID file: remove {path}: {reason}") from None


def _write_id_file(call: Call, image_id: str) -> None:
    path = call.text("iidfile")
    if not path:
        return
    if not image_id:
        raise CommandFailed(f"Server did not provide an image ID. Cannot write {path}")
    try:
        with open(path, "w", encoding="ascii") as file:  # noqa: PTH123
            file.write(image_id)
    except OSError as error:
        raise CommandFailed(f"open {path}: {(error.strerror or '').lower()}") from None


BUILD = Command(
    run_build,
    usage="[OPTIONS] PATH | URL | -",
    help=("Build an image from a Dockerfile", "Dockerfile로 이미지를 빌드합니다"),
    flags=BUILD_FLAGS,
    least=1,
    most=1,
    examples=(
        "build -t web .",
        "build -t web -f docker/Dockerfile.dev --target test .",
        "build https://github.com/team/app.git#main:web",
        "build - < Dockerfile",
    ),
    advise=_advise,
)

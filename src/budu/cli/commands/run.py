"""`budu run`: create, attach, start, and stay until the end. Light.

Source: docker/cli `cli/command/container/run.go`.
"""

from __future__ import annotations

from budu.base.errors import BuduError
from budu.cli.commands.create import create_container, read_body, with_help
from budu.cli.declare import Call, Command
from budu.cli.failures import CommandFailed, Exit
from budu.cli.run_flags import RUN_FLAGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from budu.cli.context import Context

FAILED, NOT_EXECUTABLE, NOT_FOUND = 125, 126, 127


def run_run(context: Context, call: Call) -> int:
    """Run a program in a new container; its exit status is ours."""
    body = read_body(context, call)
    keys = call.text("detach-keys") or context.config.text("detachKeys")
    if call.on("detach"):
        if call.values["attach"]:
            raise CommandFailed("conflicting options: cannot specify both --attach and --detach")
        body.update(AttachStdin=False, AttachStdout=False, AttachStderr=False, StdinOnce=False)
    else:
        from budu.cli.attach import check_detach_keys, check_terminal

        check_terminal(context, stdin=body["AttachStdin"], tty=body["Tty"])
        check_detach_keys(keys)
    try:
        identity = create_container(context, call, body)
        if body["AttachStdin"] or body["AttachStdout"] or body["AttachStderr"]:
            return _run_attached(context, call, body, identity=identity, keys=keys)
        return _run_detached(context, call, body, identity=identity)
    except CommandFailed as error:
        raise Exit(FAILED, with_help(context, call, error.message), hint=error.hint) from None
    except BuduError as error:
        status = status_of(error.message)
        raise Exit(status, with_help(context, call, error.message), hint=error.hint) from None


def status_of(message: str) -> int:
    """126 for a program that may not run, 127 for one that is not there, 125 otherwise."""
    absent = ("executable file not found", "no such file or directory")
    if any(words in message for words in absent):
        return NOT_FOUND
    refused = ("permission denied", "is a directory")
    return NOT_EXECUTABLE if any(words in message for words in refused) else FAILED


def _run_detached(context: Context, call: Call, body: dict[str, Any], *, identity: str) -> int:
    context.out.write(identity + "\n")
    context.out.flush()
    context.session.start_container(identity)
    if context.talks_to_person:
        from budu.cli.advice import advise_after_start

        advise_after_start(context, call, identity, detached=True)
    return 0


def _run_attached(
    context: Context, call: Call, body: dict[str, Any], *, identity: str, keys: str
) -> int:
    from budu.cli.attach import Plan, start_attached

    def advise() -> None:
        from budu.cli.advice import advise_foreground

        advise_foreground(context, call, identity)

    guided = context.talks_to_person and not body["Tty"] and not body["AttachStdin"]
    context.out.flush()
    return start_attached(
        context,
        Plan(
            identity,
            tty=body["Tty"],
            stdin=body["AttachStdin"],
            stdout=body["AttachStdout"],
            stderr=body["AttachStderr"],
            detach_keys=keys,
            forward_signals=call.on("sig-proxy"),
            wait_for="removed" if call.on("rm") else "next-exit",
            on_quiet=advise if guided else None,
        ),
    )


RUN = Command(
    run_run,
    usage="[OPTIONS] IMAGE [COMMAND] [ARG...]",
    help=("Create and run a new container from an image", "이미지로 새 컨테이너를 실행합니다"),
    flags=RUN_FLAGS,
    least=1,
    options_first=True,
    examples=(
        "run -d --name web -p 8080:80 httpd",
        "run --rm -it debian bash",
        'run --rm -v "$PWD":/work -w /work python:3 python app.py',
    ),
)

"""`budu attach`. Light."""

from __future__ import annotations

from budu.cli.declare import Call, Command, Flag
from budu.cli.failures import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from budu.cli.context import Context


def run_attach(context: Context, call: Call) -> int:
    """Join the streams of a container that runs; returns its exit status, 0 after detaching."""
    from budu.cli.attach import Plan, check_detach_keys, check_terminal, join_attached

    keys = call.text("detach-keys") or context.config.text("detachKeys")
    check_detach_keys(keys)
    container = context.session.inspect_container(call.args[0])
    _check_running(container["State"])
    config = container["Config"]
    tty = bool(config.get("Tty"))
    stdin = not call.on("no-stdin") and bool(config.get("OpenStdin"))
    check_terminal(context, stdin=stdin, tty=tty)
    return join_attached(
        context,
        Plan(
            container["Id"],
            tty=tty,
            stdin=stdin,
            detach_keys=keys,
            forward_signals=call.on("sig-proxy") and not tty,
            wait_for="",
        ),
    )


def _check_running(state: dict[str, Any]) -> None:
    """Refuse what cannot be joined. Source: docker/cli, command/container/attach.go."""
    if not state["Running"]:
        raise CommandFailed("cannot attach to a stopped container, start it first")
    if state["Paused"]:
        raise CommandFailed("cannot attach to a paused container, unpause it first")
    if state["Restarting"]:
        raise CommandFailed("cannot attach to a restarting container, wait until it is running")


ATTACH = Command(
    run_attach,
    usage="[OPTIONS] CONTAINER",
    help=("Join the input and output of a running container",
          "실행 중인 컨테이너의 입출력에 연결합니다"),
    flags=(
        Flag("detach-keys", "string", help=("Key sequence for detaching", "분리할 때 누를 키")),
        Flag("no-stdin", help=("Do not attach STDIN", "STDIN에는 연결하지 않습니다")),
        Flag("sig-proxy", default=True, help=("Pass signals on to the process",
                                              "받은 신호를 프로세스에 전달합니다")),
    ),
    least=1,
    most=1,
)  # fmt: skip

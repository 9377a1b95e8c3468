"""`budu stop`, `restart`, `kill`, `pause`, `unpause` and `rename`. Light."""

from __future__ import annotations

from budu.base.errors import BuduError
from budu.cli.declare import Call, Command, Flag
from budu.cli.each import for_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context

_MANY = "[OPTIONS] CONTAINER [CONTAINER...]"
_SIGNAL = Flag("signal", "string", short="s",
               help=("Signal to send to the container", "컨테이너에 보낼 신호"))  # fmt: skip
_TIMEOUT = Flag("timeout", "int", short="t", also="time",
                help=("Seconds to wait before killing", "강제 종료까지 기다릴 초"))  # fmt: skip


def _timeout(call: Call) -> int | None:
    return call.number("timeout") if "timeout" in call.given else None


def run_stop(context: Context, call: Call) -> int:
    """Stop containers politely, then by force."""
    session, timeout_s, signal = context.session, _timeout(call), call.text("signal")
    return for_each(
        context,
        call.args,
        lambda ref: session.stop_container(ref, timeout_s=timeout_s, signal=signal),
    )


def run_restart(context: Context, call: Call) -> int:
    """Stop and start containers."""
    session, timeout_s, signal = context.session, _timeout(call), call.text("signal")
    return for_each(
        context,
        call.args,
        lambda ref: session.restart_container(ref, timeout_s=timeout_s, signal=signal),
    )


def run_kill(context: Context, call: Call) -> int:
    """Send a signal to containers."""
    session, signal = context.session, call.text("signal")
    return for_each(context, call.args, lambda ref: session.kill_container(ref, signal=signal))


def run_pause(context: Context, call: Call) -> int:
    """Freeze all processes of containers."""
    return for_each(context, call.args, context.session.pause_container)


def run_unpause(context: Context, call: Call) -> int:
    """Let frozen containers go on."""
    return for_each(context, call.args, context.session.unpause_container)


def run_rename(context: Context, call: Call) -> int:
    """Give a container another name."""
    old, new = call.args
    try:
        context.session.rename_container(old, new)
    except BuduError as error:
        context.report(error.after("failed to rename container: "))
        return 1
    return 0


STOP = Command(
    run_stop,
    usage=_MANY,
    help=("Stop one or more running containers", "실행 중인 컨테이너를 멈춥니다"),
    flags=(_SIGNAL, _TIMEOUT),
    least=1,
)
RESTART = Command(
    run_restart,
    usage=_MANY,
    help=("Restart one or more containers", "컨테이너를 다시 시작합니다"),
    flags=(_SIGNAL, _TIMEOUT),
    least=1,
)
KILL = Command(
    run_kill,
    usage=_MANY,
    help=("Send a signal to one or more running containers (KILL unless told)",
          "실행 중인 컨테이너에 신호를 보냅니다 (기본 KILL)"),
    flags=(_SIGNAL,),
    least=1,
)  # fmt: skip
PAUSE = Command(
    run_pause,
    usage="CONTAINER [CONTAINER...]",
    help=("Pause all processes of containers", "컨테이너의 모든 프로세스를 멈춰 둡니다"),
    least=1,
)
UNPAUSE = Command(
    run_unpause,
    usage="CONTAINER [CONTAINER...]",
    help=("Let paused containers go on", "멈춰 둔 컨테이너를 다시 움직입니다"),
    least=1,
)
RENAME = Command(
    run_rename,
    usage="CONTAINER NEW_NAME",
    help=("Rename a container", "컨테이너 이름을 바꿉니다"),
    least=2,
    most=2,
)

"""`budu start`. Light."""

from __future__ import annotations

from budu.base.errors import BuduError
from budu.cli.declare import Call, Command, Flag
from budu.cli.failures import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context


def run_start(context: Context, call: Call) -> int:
    """Start containers; with `-a` or `-i` one, attached."""
    if call.on("attach") or call.on("interactive"):
        if len(call.args) > 1:
            raise CommandFailed("you cannot start and attach multiple containers at once")
        return _start_attached(context, call)
    if call.text("checkpoint") and len(call.args) > 1:
        raise CommandFailed("you cannot restore multiple containers at once")
    failed = []
    for ref in call.args:
        try:
            context.session.start_container(
                ref,
                checkpoint=call.text("checkpoint"),
                checkpoint_dir=call.text("checkpoint-dir"),
            )
        except BuduError as error:
            context.out.flush()
            context.report(error)
            failed.append(ref)
        else:
            context.out.write(ref + "\n")
    if failed:
        raise CommandFailed("failed to start containers: " + ", ".join(failed))
    return 0


def _start_attached(context: Context, call: Call) -> int:
    from budu.cli.attach import Plan, check_detach_keys, check_terminal, start_attached

    keys = call.text("detach-keys") or context.config.text("detachKeys")
    check_detach_keys(keys)
    container = context.session.inspect_container(call.args[0])
    config = container["Config"]
    stdin = call.on("interactive") and bool(config.get("OpenStdin"))
    tty = bool(config.get("Tty"))
    check_terminal(context, stdin=stdin, tty=tty)
    removed = bool((container.get("HostConfig") or {}).get("AutoRemove"))
    return start_attached(
        context,
        Plan(
            container["Id"],
            tty=tty,
            stdin=stdin,
            detach_keys=keys,
            forward_signals=not tty,
            wait_for="removed" if removed else "next-exit",
        ),
    )


START = Command(
    run_start,
    usage="[OPTIONS] CONTAINER [CONTAINER...]",
    help=("Start one or more stopped containers", "멈춘 컨테이너를 다시 시작합니다"),
    flags=(
        Flag("attach", short="a", help=("Attach STDOUT and STDERR and forward signals",
                                        "출력에 연결하고 신호를 전달합니다")),
        Flag("checkpoint", "string", help=("Restore from this checkpoint",
                                           "이 체크포인트에서 되살립니다")),
        Flag("checkpoint-dir", "string", help=("Folder of checkpoints", "체크포인트 폴더")),
        Flag("detach-keys", "string", help=("Key sequence for detaching", "분리할 때 누를 키")),
        Flag("interactive", short="i", help=("Attach the container's STDIN",
                                             "컨테이너의 STDIN에 연결합니다")),
    ),
    least=1,
)  # fmt: skip

"""`budu exec`. Light."""

from __future__ import annotations

from budu.base.errors import BuduError
from budu.cli.declare import Call, Command, Flag
from budu.cli.environment import read_env, read_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context


def run_exec(context: Context, call: Call) -> int:
    """Run one more program in a container; returns its exit status, 0 with `-d`."""
    from budu.cli.attach import check_detach_keys, check_terminal

    name, *command = call.args
    keys = call.text("detach-keys") or context.config.text("detachKeys")
    check_detach_keys(keys)
    detached, tty = call.on("detach"), call.on("tty")
    stdin = call.on("interactive") and not detached
    if not detached:
        check_terminal(context, stdin=stdin, tty=tty)
    body: dict[str, object] = {
        "AttachStdin": stdin,
        "AttachStdout": not detached,
        "AttachStderr": not detached,
        "Cmd": command,
        "DetachKeys": keys,
        "Env": _environment(call),
        "Privileged": call.on("privileged"),
        "Tty": tty,
        "User": call.text("user"),
        "WorkingDir": call.text("workdir"),
    }
    size = _size() if tty else None
    if size is not None:
        body["ConsoleSize"] = size
    session = context.session
    id_ = session.create_exec(name, body)
    start: dict[str, object] = {"Detach": detached, "Tty": tty, "ConsoleSize": size}
    if detached:
        session.start_exec_detached(id_, start)
        return 0
    from budu.cli.attach import Plan, run_joined

    plan = Plan(id_, tty=tty, stdin=stdin, detach_keys=keys, forward_signals=False, wait_for="")
    plan.resize = lambda rows, columns: session.resize_exec(id_, height=rows, width=columns)
    pump = run_joined(context, plan, session.start_exec(id_, start))
    if pump.detached:
        return 0
    return _exit_status(context, id_)


def _exit_status(context: Context, id_: str) -> int:
    """What the program ended with; 125 when the engine cannot say any more."""
    try:
        code = context.session.inspect_exec(id_)["ExitCode"]
    except BuduError as error:
        context.report(error)
        return 125
    return int(code or 0)


def _environment(call: Call) -> list[str]:
    files = call.texts("env-file")
    if not files:
        return call.texts("env")
    from budu.base.environment import environment

    return read_files(files, environ=environment()) + call.texts("env")


def _size() -> tuple[int, int] | None:
    from budu.cli.terminal import size

    rows, columns = size(1)
    return (rows, columns) if rows and columns else None


EXEC = Command(
    run_exec,
    usage="[OPTIONS] CONTAINER COMMAND [ARG...]",
    help=("Run a command in a running container", "실행 중인 컨테이너에서 명령을 실행합니다"),
    flags=(
        Flag("detach", short="d", help=("Run it in the background", "뒤에서 실행합니다")),
        Flag("detach-keys", "string", help=("Key sequence for detaching", "분리할 때 누를 키")),
        Flag("env", "list", short="e", read=read_env,
             help=("Set environment variables", "환경 변수를 정합니다")),
        Flag("env-file", "list",
             help=("Read environment variables from a file", "파일에서 환경 변수를 읽습니다")),
        Flag("interactive", short="i",
             help=("Keep STDIN open", "STDIN을 열어 둡니다")),
        Flag("privileged", help=("Give it all privileges", "모든 권한을 줍니다")),
        Flag("tty", short="t", help=("Give it a terminal", "터미널을 붙입니다")),
        Flag("user", "string", short="u",
             help=("User or uid, with :group or :gid", "사용자 또는 uid, 필요하면 :그룹")),
        Flag("workdir", "string", short="w",
             help=("Working directory inside the container", "컨테이너 안의 작업 디렉터리")),
    ),
    least=2,
    options_first=True,
)  # fmt: skip

"""`budu logs`. Light."""

from __future__ import annotations

import os

from budu.base.errors import BuduError
from budu.cli.declare import Call, Command, Flag
from budu.cli.moments import moment_of
from budu.client.streams import STDERR, Demultiplexer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context
    from budu.client.transport import Response


def run_logs(context: Context, call: Call) -> int:
    """Print what a container wrote: its stdout on ours, its stderr on ours."""
    if not call.args and not call.on("all"):
        from budu.cli.parser import check_count

        check_count(call.command, call.path, 0, least=1)
    if call.on("clear"):
        return _clear(context, call)
    if len(call.args) != 1 or call.on("all"):
        return _print_many(context, call)
    session = context.session
    container = session.inspect_container(call.args[0])
    response = session.container_logs(container["Id"], _query(call))
    context.out.flush()
    write_log(response, tty=bool(container["Config"].get("Tty")))
    return 0


def _query(call: Call) -> dict[str, object]:
    return {
        "stdout": True,
        "stderr": True,
        "follow": call.on("follow"),
        "timestamps": call.on("timestamps"),
        "details": call.on("details"),
        "tail": call.text("tail"),
        "since": moment_of("since", call.text("since")),
        "until": moment_of("until", call.text("until")),
    }


def _names(context: Context, call: Call) -> list[str]:
    """The containers that are meant: those named, or all, the oldest first."""
    if not call.on("all"):
        return call.args
    rows = context.session.list_containers(everything=True)
    return [row["Id"] for row in reversed(rows)]


def _print_many(context: Context, call: Call) -> int:
    from budu.cli.log_merge import print_merged

    containers, failed = [], False
    for name in _names(context, call):
        try:
            containers.append(context.session.inspect_container(name))
        except BuduError as error:
            context.report(error)
            failed = True
    whole = print_merged(context, containers, _query(call))
    return 0 if call.on("all") or (whole and not failed) else 1


def _clear(context: Context, call: Call) -> int:
    from budu.cli.each import for_each

    names = _names(context, call)
    return for_each(context, names, context.session.clear_container_logs)


def write_log(response: Response, *, tty: bool) -> None:
    """Pass a log's answer on: stdout to ours, stderr to ours."""
    if tty:
        for data in response.chunks():
            _write(1, data)
        return
    frames = Demultiplexer()
    for data in response.chunks():
        for stream, piece in frames.feed(data):
            _write(2 if stream == STDERR else 1, piece)


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


LOGS = Command(
    run_logs,
    usage="[OPTIONS] CONTAINER [CONTAINER...]",
    help=("Show what containers wrote", "컨테이너의 출력을 봅니다"),
    flags=(
        Flag("all", help=("Of all containers, sorted by time",
                          "모든 컨테이너의 출력을 시간 순서로 봅니다")),
        Flag("clear", help=("Forget what was written so far, and show nothing",
                            "지금까지의 출력을 지우고 아무것도 보이지 않습니다")),
        Flag("details", help=("Show extra details of the logs", "추가 정보를 보입니다")),
        Flag("follow", short="f", help=("Keep showing what comes", "새 출력을 계속 보여 줍니다")),
        Flag("since", "string",
             help=("From this time on (2013-01-02T13:23:37Z) or this long ago (42m)",
                   "이 시각 이후 (2013-01-02T13:23:37Z) 또는 얼마 전부터 (42m)")),
        Flag("tail", "string", short="n", default="all",
             help=("Number of lines from the end", "끝에서부터 줄 수")),
        Flag("timestamps", short="t", help=("Show times", "시각을 보입니다")),
        Flag("until", "string",
             help=("Up to this time (2013-01-02T13:23:37Z) or this long ago (42m)",
                   "이 시각 이전 (2013-01-02T13:23:37Z) 또는 얼마 전까지 (42m)")),
    ),
    examples=("logs -f --tail 20 web db", "logs --all --since 10m", "logs --clear web"),
)  # fmt: skip

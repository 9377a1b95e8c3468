"""`budu logs`. Light."""

from __future__ import annotations

import os

from budu.cli.declare import Call, Command, Flag
from budu.cli.moments import moment_of
from budu.client.streams import STDERR, Demultiplexer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context
    from budu.client.transport import Response


def run_logs(context: Context, call: Call) -> int:
    """Print what a container wrote: its stdout on ours, its stderr on ours."""
    session = context.session
    container = session.inspect_container(call.args[0])
    query = {
        "stdout": True,
        "stderr": True,
        "follow": call.on("follow"),
        "timestamps": call.on("timestamps"),
        "details": call.on("details"),
        "tail": call.text("tail"),
        "since": moment_of("since", call.text("since")),
        "until": moment_of("until", call.text("until")),
    }
    response = session.container_logs(container["Id"], query)
    context.out.flush()
    write_log(response, tty=bool(container["Config"].get("Tty")))
    return 0


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
    usage="[OPTIONS] CONTAINER",
    help=("Show what a container wrote", "컨테이너의 출력을 봅니다"),
    flags=(
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
    least=1,
    most=1,
)  # fmt: skip

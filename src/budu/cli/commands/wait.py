"""`budu wait`. Light."""

from __future__ import annotations

from budu.base.errors import BuduError
from budu.cli.declare import Call, Command
from budu.client.json import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context


def run_wait(context: Context, call: Call) -> int:
    """Block until containers end, and print their exit codes."""
    status = 0
    for ref in call.args:
        try:
            document = loads(context.session.wait_container(ref).read())
        except BuduError as error:
            context.out.flush()
            context.report(error)
            status = 1
        else:
            context.out.write(f"{document['StatusCode']}\n")
            context.out.flush()
    return status


WAIT = Command(
    run_wait,
    usage="CONTAINER [CONTAINER...]",
    help=("Block until containers stop, then print their exit codes",
          "컨테이너가 끝날 때까지 기다렸다가 종료 코드를 출력합니다"),
    least=1,
)  # fmt: skip

"""`budu diff`. Light."""

from __future__ import annotations

from budu.cli.declare import Call, Command
from budu.cli.failures import CommandFailed
from budu.client.snapshots import container_changes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context

_LETTERS = "CAD"
"""Modified, added, deleted, by the API's number."""


def run_diff(context: Context, call: Call) -> int:
    """Print a line per path that the container changed."""
    if not call.args[0]:
        raise CommandFailed("Container name cannot be empty")
    changes = container_changes(context.session, call.args[0])
    lines = [f"{_LETTERS[each['Kind']]} {each['Path']}\n" for each in changes]
    context.out.write("".join(lines))
    return 0


DIFF = Command(
    run_diff,
    usage="CONTAINER",
    help=("Show which files a container changed (C), added (A) and deleted (D)",
          "컨테이너가 바꾼(C), 더한(A), 지운(D) 파일을 봅니다"),
    least=1,
    most=1,
)  # fmt: skip

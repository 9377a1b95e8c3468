"""`budu top`: the processes of a container. Light."""

from __future__ import annotations

from budu.cli.declare import Call, Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context

_MIN_WIDTH = 20


def run_top(context: Context, call: Call) -> int:
    """Print what `ps` on the engine's host shows of the container."""
    name, *options = call.args
    table = context.session.container_processes(name, " ".join(options))
    from budu.cli.format import render_table

    rows = [table["Titles"] or [""], *(table["Processes"] or [])]
    context.out.write(render_table(rows, min_width=_MIN_WIDTH))
    return 0


TOP = Command(
    run_top,
    usage="CONTAINER [ps OPTIONS]",
    help=("Show the processes of a container", "컨테이너의 프로세스를 봅니다"),
    least=1,
    options_first=True,
)

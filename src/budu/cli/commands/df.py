"""`budu system df`: what takes room on the disk. Light."""

from __future__ import annotations

from budu.cli.declare import Call, Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context


def run_df(context: Context, call: Call) -> int:
    """Print a row per kind, with `--verbose` one per object."""
    usage = context.session.disk_usage()
    from budu.cli.tables import disk_usage

    form = call.text("format")
    if call.on("verbose"):
        disk_usage.print_objects(usage, form, context.out)
    else:
        disk_usage.print_kinds(usage, form, context.out)
    return 0


DF = Command(
    run_df,
    usage="[OPTIONS]",
    help=("Show disk usage", "디스크 사용량을 봅니다"),
    flags=(
        Flag("format", "string", help=("table, json, or a Go template",
                                       "table, json 또는 Go 템플릿")),
        Flag("verbose", short="v", help=("Show details", "자세히 보입니다")),
    ),
    most=0,
)  # fmt: skip

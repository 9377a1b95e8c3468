"""`budu ps`. Light."""

from __future__ import annotations

from budu.cli.declare import Call, Command, Flag
from budu.cli.values import filters_of, read_filter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context


def run_ps(context: Context, call: Call) -> int:
    """List containers."""
    form = call.text("format")
    if not form and not call.on("quiet"):
        form = context.config.text("psFormat")
    last = 1 if call.on("latest") and "last" not in call.given else call.number("last")
    filters = call.values["filter"]
    containers = context.session.list_containers(
        everything=call.on("all"),
        limit=last,
        size=call.on("size") or (".Size" in form),
        filters=filters_of(filters) if isinstance(filters, list) else None,
    )
    from budu.cli.tables.containers import print_containers

    options = {**call.values, "format": form}
    print_containers(containers, options, context.out, lang=context.lang)
    return 0


PS = Command(
    run_ps,
    usage="[OPTIONS]",
    help=("List containers", "컨테이너 목록을 봅니다"),
    flags=(
        Flag("all", short="a", help=("Show all (default shows just running)",
                                     "모두 보입니다 (기본은 실행 중만)")),
        Flag("filter", "filter", short="f", read=read_filter,
             help=("Show only what matches", "조건에 맞는 것만 보입니다")),
        Flag("format", "string", help=("table, json, or a Go template",
                                       "table, json 또는 Go 템플릿")),
        Flag("last", "int", short="n", default=-1,
             help=("Show the last n created, in any state", "마지막에 만든 n개를 보입니다")),
        Flag("latest", short="l", help=("Show the latest created, in any state",
                                        "마지막에 만든 것을 보입니다")),
        Flag("no-trunc", help=("Do not shorten", "줄이지 않습니다")),
        Flag("quiet", short="q", help=("Show only IDs", "ID만 보입니다")),
        Flag("size", short="s", help=("Show sizes of files", "파일 크기를 보입니다")),
    ),
    most=0,
)  # fmt: skip

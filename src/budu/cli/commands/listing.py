"""`budu network ls` and `volume ls`. Light."""

from __future__ import annotations

from budu.cli.declare import Call, Command, Flag
from budu.cli.values import filters_of, read_filter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context

_FILTER = Flag("filter", "filter", short="f", read=read_filter,
               help=("Show only what matches", "조건에 맞는 것만 보입니다"))  # fmt: skip
_FORMAT = Flag("format", "string", help=("table, json, or a Go template",
                                         "table, json 또는 Go 템플릿"))  # fmt: skip


def _filters(call: Call) -> dict[str, list[str]]:
    pairs = call.values["filter"]
    return filters_of(pairs) if isinstance(pairs, list) else {}


def _options(context: Context, call: Call, setting: str) -> dict[str, object]:
    form = call.text("format")
    if not form and not call.on("quiet"):
        form = context.config.text(setting)
    return {**call.values, "format": form}


def run_network_ls(context: Context, call: Call) -> int:
    """List networks."""
    networks = context.session.list_networks(_filters(call))
    from budu.cli.tables.networks import print_networks

    print_networks(networks, _options(context, call, "networksFormat"), context.out)
    return 0


def run_volume_ls(context: Context, call: Call) -> int:
    """List volumes, with their use where somebody looks at it."""
    options = _options(context, call, "volumesFormat")
    from budu.cli.tables.volumes import print_volumes, shows_sizes
    from budu.client.volumes import list_with_usage

    if call.on("quiet"):
        volumes = context.session.list_volumes(_filters(call))
    else:
        sizes = call.on("size") and shows_sizes(options)
        volumes = list_with_usage(context.session, _filters(call), sizes=sizes)
    print_volumes(volumes, options, context.out)
    return 0


NETWORK_LS = Command(
    run_network_ls,
    usage="[OPTIONS]",
    help=("List networks", "네트워크 목록을 봅니다"),
    flags=(
        _FILTER,
        _FORMAT,
        Flag("no-trunc", help=("Do not shorten", "줄이지 않습니다")),
        Flag("quiet", short="q", help=("Show only IDs", "ID만 보입니다")),
    ),
    most=0,
)
VOLUME_LS = Command(
    run_volume_ls,
    usage="[OPTIONS]",
    help=("List volumes", "볼륨 목록을 봅니다"),
    flags=(
        _FILTER,
        _FORMAT,
        Flag("quiet", short="q", help=("Show only names", "이름만 보입니다")),
        Flag("cluster", hidden=True, missing="swarm's cluster volumes",
             help=("Show only cluster volumes of swarm", "스웜의 클러스터 볼륨만 보입니다")),
        Flag("size", default=True, help=("Look how much is in them", "담긴 양을 셉니다")),
    ),
    most=0,
)  # fmt: skip

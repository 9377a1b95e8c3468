"""`budu version`. Light."""

from __future__ import annotations

from budu.base.errors import BuduError
from budu.cli.declare import Call, Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context


def run_version(context: Context, call: Call) -> int:
    """Print versions of the client and the engine; the client's even when no engine answers."""
    from budu.cli.tables.version import print_version

    facts, form = context.client_facts, call.text("format")
    try:
        server = context.session.version()
    except BuduError as error:
        print_version(facts, None, form, context.out)
        context.out.flush()
        context.report(error)
        return 1
    print_version(facts, server, form, context.out)
    return 0


VERSION = Command(
    run_version,
    usage="[OPTIONS]",
    help=("Show the versions of budu", "budu의 버전을 봅니다"),
    flags=(Flag("format", "string", short="f", help=("json, or a Go template",
                                                     "json 또는 Go 템플릿")),),
    most=0,
)  # fmt: skip

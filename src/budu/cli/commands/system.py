"""`budu info` and `system stop`. Light."""

from __future__ import annotations

import time

from budu.base.errors import DeadlineExceeded
from budu.cli.declare import Call, Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context
    from budu.client.session import Session

_FORMAT = Flag("format", "string", short="f",
               help=("json, or a Go template", "json 또는 Go 템플릿"))  # fmt: skip
STOP_TIMEOUT_S = 15.0
_POLL_S = 0.02


def run_info(context: Context, call: Call) -> int:
    """Print facts about the engine and its host."""
    info = context.session.info()
    from budu.cli.tables.info import print_info

    print_info(context.client_facts, info, call.text("format"), context.out, context.err)
    return 0


def run_stop(context: Context, call: Call) -> int:
    """End the engine and wait until its socket is closed; nothing to do when none runs."""
    del call
    from budu.client.session import Session

    session = Session(context.endpoint)
    try:
        session.transport.connect()
    except (FileNotFoundError, ConnectionRefusedError):
        context.say(context.message("cli.engine-not-running"))
        return 0
    session.shut_down()
    session.close()
    _await_end(session)
    context.out.write(context.message("cli.engine-stopped") + "\n")
    return 0


def _await_end(session: Session) -> None:
    """Until the socket refuses connections.

    Raises: DeadlineExceeded after a quarter of a minute.
    """
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            session.transport.connect()
        except OSError:
            return
        session.close()
        time.sleep(_POLL_S)
    raise DeadlineExceeded(f"the engine at {session.endpoint.address} did not end in time")


INFO = Command(
    run_info,
    usage="[OPTIONS]",
    help=("Show facts about the engine", "엔진의 정보를 봅니다"),
    flags=(_FORMAT,),
    most=0,
)
STOP = Command(
    run_stop,
    usage="",
    help=("End the engine; containers keep running", "엔진을 끝냅니다. 컨테이너는 계속 실행됩니다"),
    most=0,
)

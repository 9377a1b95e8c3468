"""`budu why`: what ended a container, its last words, and what to do. Light."""

from __future__ import annotations

from budu.cli.declare import Call, Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from budu.cli.context import Context

_ALIVE = ("running", "paused")


def run_why(context: Context, call: Call) -> int:
    """Explain the last end of each container; the log lines go to standard output too."""
    for number, ref in enumerate(call.args):
        if number:
            context.out.write("\n")
        _explain(context, context.session.inspect_container(ref), lines=call.number("tail"))
    return 0


def _explain(context: Context, container: dict[str, Any], *, lines: int) -> None:
    from budu.base.endings import cure, sentence

    name, state = container["Name"].removeprefix("/"), container["State"]
    ending = state.get("Ending")
    say = context.out.write
    say(f"{name}: {_status(context, state, restarts=container['RestartCount'])}\n")
    if ending:
        told = sentence(ending, context.lang)
        lives_again = state["Status"] in _ALIVE
        say(f"  {context.message('cli.why-before', sentence=told) if lives_again else told}\n")
    if state.get("Error"):
        say(f"  {state['Error']}\n")
    if ending and lines:
        _show_log(context, container, lines)
    advice = cure(ending, context.lang, name=name) if ending else ""
    if advice:
        say(f"→ {advice}\n")


def _status(context: Context, state: dict[str, Any], *, restarts: int) -> str:
    """Where it stands now, and since when."""
    from budu.base.clock import now_ns, parse_time
    from budu.cli.tables.times import duration

    status = state["Status"]
    moment = state["FinishedAt"] if status in ("exited", "dead", "restarting") else ""
    moment = state["StartedAt"] if status in _ALIVE else moment
    since = parse_time(moment) if moment and not moment.startswith("0001-") else 0
    key = f"cli.why-{status}" if since else "cli.why-created"
    ago = duration(max(now_ns() - since, 0), context.lang) if since else ""
    words = context.message(key, since=ago, code=state["ExitCode"])
    return words + (context.message("cli.why-restarts", count=restarts) if restarts else "")


def _show_log(context: Context, container: dict[str, Any], lines: int) -> None:
    """The last lines, all to standard output: they belong to the explanation."""
    from budu.base.errors import BuduError
    from budu.client.streams import Demultiplexer

    query = {"stdout": True, "stderr": True, "tail": str(lines)}
    try:
        data = context.session.container_logs(container["Id"], query).read()
    except BuduError as error:
        context.report(error)
        return
    if not container["Config"].get("Tty"):
        data = b"".join(piece for _, piece in Demultiplexer().feed(data))
    if data:
        context.out.write(context.message("cli.why-log", count=lines) + "\n")
        context.out.flush()
        context.out.buffer.write(data if data.endswith(b"\n") else data + b"\n")
        context.out.buffer.flush()


WHY = Command(
    run_why,
    usage="[OPTIONS] CONTAINER [CONTAINER...]",
    help=("Say what ended a container, and what to do about it",
          "컨테이너가 왜 끝났는지와 해결 방법을 알려 줍니다"),
    flags=(
        Flag("tail", "int", short="n", default=10,
             help=("Lines of its log to show", "보여 줄 로그 줄 수")),
    ),
    least=1,
)  # fmt: skip

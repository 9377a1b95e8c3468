"""Attaches this terminal to a container or an exec, and returns its exit status. Light.

    attach (hijack) → wait (its head is read, so the end cannot be missed) → start → pump

Used by `run`, `start --attach`, `attach` and `exec`.
Source: docker/cli, cli/command/container/{run,hijack}.go.
"""

from __future__ import annotations

import posix

from budu.base.errors import BuduError, DataLoss, InvalidArgument, Unavailable
from budu.cli.failures import CommandFailed, Exit
from budu.cli.pump import Pump
from budu.cli.signals import FORWARDED, WINDOW_CHANGED, SignalPipe
from budu.cli.terminal import (
    DEFAULT_DETACH_KEYS,
    DetachWatcher,
    RawMode,
    parse_detach_keys,
    size,
)
from budu.client.json import loads
from budu.client.transport import Connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from budu.cli.context import Context
    from budu.client.session import Hijacked
    from budu.client.transport import Response

STDIN, STDOUT, STDERR = 0, 1, 2
REMOVAL_TIMEOUT_S = 10


class Plan:
    """What to attach, and how. `wait_for` is `removed` or `next-exit`."""

    __slots__ = (
        "after_start",
        "container",
        "detach_keys",
        "forward_signals",
        "on_quiet",
        "resize",
        "stderr",
        "stdin",
        "stdout",
        "tty",
        "wait_for",
    )

    def __init__(
        self,
        container: str,
        *,
        tty: bool,
        stdin: bool,
        stdout: bool = True,
        stderr: bool = True,
        detach_keys: str = "",
        forward_signals: bool = True,
        wait_for: str = "next-exit",
        after_start: Callable[[], None] | None = None,
        on_quiet: Callable[[], None] | None = None,
    ) -> None:
        self.container = container
        self.tty = tty
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.detach_keys = detach_keys
        self.forward_signals = forward_signals
        self.wait_for = wait_for
        self.after_start = after_start
        self.on_quiet = on_quiet
        self.resize: Callable[[int, int], None] | None = None
        """Tells another terminal than the container's its rows and columns."""


def check_terminal(context: Context, *, stdin: bool, tty: bool) -> None:
    """Refuse `-it` without a terminal, as docker does.

    Raises: CommandFailed.
    """
    if stdin and tty and not posix.isatty(STDIN):
        from budu.base.errors import Hint

        raise CommandFailed("the input device is not a TTY", hint=Hint("cli.no-tty"))


def check_detach_keys(text: str) -> None:
    """Refuse keys that cannot be typed, before anything is made.

    Raises: CommandFailed.
    """
    try:
        parse_detach_keys(text or DEFAULT_DETACH_KEYS)
    except InvalidArgument as error:
        raise CommandFailed(error.message) from None


def start_attached(context: Context, plan: Plan) -> int:
    """Attach, start and stay until the container ends or the person detaches.

    Returns the container's exit status, 0 after detaching. The error of a refused start passes
    through, with the terminal as it was.
    """
    session = context.session
    numbers = (WINDOW_CHANGED, *(FORWARDED if plan.forward_signals else ()))
    with SignalPipe(numbers) as signals:
        hijacked = session.attach_container(plan.container, _attach_query(plan))
        waiting = Connection(session.endpoint)
        awaited = session.wait_container(plan.container, plan.wait_for, connection=waiting)
        try:
            session.start_container(plan.container)
        except BuduError:
            hijacked.socket.close()
            if plan.wait_for == "removed":
                _await_removal(waiting, awaited)
            raise
        pump = _make_pump(context, plan, hijacked, waiting)
        if plan.after_start is not None:
            plan.after_start()
        _run(pump, signals, raw=plan.tty and plan.stdin and posix.isatty(STDIN))
    if pump.detached:
        return 0
    if pump.impatient:
        raise Exit(1, "\ngot 3 SIGTERM/SIGINTs, forcefully exiting")
    return exit_status(awaited)


def join_attached(context: Context, plan: Plan) -> int:
    """Attach to a container that runs, and stay until it ends or the person detaches.

    Returns the container's exit status, 0 after detaching.
    """
    session = context.session
    waiting = Connection(session.endpoint)
    awaited = session.wait_container(plan.container, plan.wait_for, connection=waiting)
    hijacked = session.attach_container(plan.container, _attach_query(plan))
    pump = run_joined(context, plan, hijacked, waiting)
    if pump.detached:
        return 0
    if pump.impatient:
        raise Exit(1, "\ngot 3 SIGTERM/SIGINTs, forcefully exiting")
    return exit_status(awaited)


def run_joined(
    context: Context, plan: Plan, hijacked: Hijacked, waiting: Connection | None = None
) -> Pump:
    """Move bytes between this terminal and what was hijacked until one of them is done."""
    numbers = (WINDOW_CHANGED, *(FORWARDED if plan.forward_signals else ()))
    with SignalPipe(numbers) as signals:
        pump = _make_pump(context, plan, hijacked, waiting)
        _run(pump, signals, raw=plan.tty and plan.stdin and posix.isatty(STDIN))
    return pump


def _make_pump(
    context: Context, plan: Plan, hijacked: Hijacked, waiting: Connection | None
) -> Pump:
    pump = Pump(
        hijacked,
        tty=plan.tty,
        stdin=STDIN if plan.stdin else None,
        stdout=STDOUT if plan.stdout else None,
        stderr=STDERR if plan.stderr else None,
        waiting=waiting,
        detach=_watcher(plan),
    )
    _connect_pump(context, plan, pump)
    return pump


def exit_status(awaited: Response) -> int:
    """The status in the body of a `wait`.

    Raises: Exit with 125 when the engine could not say.
    """
    try:
        document = loads(awaited.read())
    except (DataLoss, OSError):
        raise Exit(125, "error waiting for container: unexpected EOF") from None
    failure = document.get("Error")
    if failure and failure.get("Message"):
        raise Exit(125, f"Error waiting for container: {failure['Message']}")
    status: int = document["StatusCode"]
    return status


def _attach_query(plan: Plan) -> dict[str, object]:
    return {
        "stream": True,
        "stdin": plan.stdin,
        "stdout": plan.stdout,
        "stderr": plan.stderr,
        "detachKeys": plan.detach_keys or None,
    }


def _watcher(plan: Plan) -> DetachWatcher | None:
    if not plan.tty or not plan.stdin:
        return None
    return DetachWatcher(parse_detach_keys(plan.detach_keys or DEFAULT_DETACH_KEYS))


def _connect_pump(context: Context, plan: Plan, pump: Pump) -> None:
    session = context.session

    def forward(name: str) -> None:
        try:
            session.kill_container(plan.container, signal=name)
        except BuduError as error:
            _note(context, f"Error sending signal: {error.message}")

    def resize() -> None:
        rows, columns = size(STDOUT)
        if not rows or not columns:
            return
        try:
            if plan.resize is not None:
                plan.resize(rows, columns)
            else:
                session.resize_container(plan.container, height=rows, width=columns)
        except BuduError as error:
            _note(context, f"Error resize: {error.message}")

    if plan.forward_signals:
        pump.on_signal = forward
    if plan.tty and posix.isatty(STDOUT):
        pump.on_resize = resize
        resize()
    if plan.on_quiet is not None:
        pump.on_quiet = plan.on_quiet
        pump.quiet_after_s = 2.0


def _run(pump: Pump, signals: SignalPipe, *, raw: bool) -> None:
    if not raw:
        pump.run(signals)
        return
    with RawMode(STDIN):
        pump.run(signals)


def _await_removal(waiting: Connection, awaited: Response) -> None:
    """After a failed start of `--rm`: the container goes, but never wait for that without end."""
    import select

    poll = select.poll()
    poll.register(waiting.fileno(), select.POLLIN)
    if waiting.has_buffered or poll.poll(REMOVAL_TIMEOUT_S * 1000):
        try:
            awaited.read()
        except (DataLoss, OSError, Unavailable):
            waiting.close()


def _note(context: Context, text: str) -> None:
    if context.debug:
        context.say(text)

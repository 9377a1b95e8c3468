"""Starts the engine when the default socket does not answer. Light.

Only the default endpoint is started: whoever chose another one runs it himself. The engine gets a
session of its own and writes to a log file; the command waits until the socket answers.
"""

from __future__ import annotations

import os
import sys
import time

from budu.base.errors import Hint, Unavailable
from budu.base.resident import needs_own_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context
    from budu.client.session import Session

READY_TIMEOUT_S = 20.0
RIVAL_TIMEOUT_S = 2.0
POLL_S = 0.01
_LOG_LINES = 8
_GONE = (FileNotFoundError, ConnectionRefusedError)
_RUN = "import sys; sys.path[:0] = {path!r}; from budu.daemon.main import entry; sys.exit(entry())"


def connect_or_start(session: Session, context: Context) -> None:
    """Open the session's connection, starting the engine when nothing listens.

    Raises: Unavailable when the engine does not come up; PermissionDenied for a closed socket.
    """
    try:
        session.transport.connect()
    except _GONE:
        _start(session, context)
    except OSError as error:
        from budu.client.reach import unreachable

        raise unreachable(session.endpoint, error) from error


def _start(session: Session, context: Context) -> None:
    needs_own_process()
    log = log_path(session.endpoint.path)
    with _StartLock(log) as lock:
        if _is_ready(session):
            return
        context.say(context.message("cli.engine-starting"))
        if _await_ready(session, spawn_engine(log)):
            return
    raise Unavailable(
        f"Cannot connect to the Docker daemon at {session.endpoint.address}. "
        "Is the docker daemon running?",
        hint=Hint("cli.engine-failed", log=log, lines=_last_lines(log, lock.size_before)),
    )


def _await_ready(session: Session, pid: int) -> bool:
    """Until the socket answers. An engine that ended may have found another one starting."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    has_ended = False
    while time.monotonic() < deadline:
        if _is_ready(session):
            return True
        if not has_ended and os.waitpid(pid, os.WNOHANG)[0]:
            has_ended = True
            deadline = min(deadline, time.monotonic() + RIVAL_TIMEOUT_S)
        time.sleep(POLL_S)
    return False


def _is_ready(session: Session) -> bool:
    try:
        session.transport.connect()
    except _GONE:
        return False
    return True


class _StartLock:
    """Held by the one command that starts the engine; others wait for it and find it ready."""

    def __init__(self, log: str) -> None:
        os.makedirs(os.path.dirname(log), mode=0o700, exist_ok=True)
        self._fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.size_before = 0
        """Bytes of the log before the engine was started."""

    def __enter__(self) -> _StartLock:
        from fcntl import LOCK_EX, flock

        flock(self._fd, LOCK_EX)
        self.size_before = os.fstat(self._fd).st_size
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def log_path(socket_path: str) -> str:
    """The log of an engine that was started here: in /var/log, or beside a user's socket."""
    if os.getuid() == 0:
        return "/var/log/budu.log"
    return os.path.join(os.path.dirname(socket_path), "budud.log")


def spawn_engine(log: str) -> int:
    """Run budud detached, with this interpreter; returns its process id."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    actions = [(os.POSIX_SPAWN_DUP2, nothing, 0)]
    actions += [(os.POSIX_SPAWN_DUP2, output, stream) for stream in (1, 2)]
    try:
        return os.posix_spawn(
            sys.executable,
            [sys.executable, "-c", _RUN.format(path=_package_path())],
            _clean_environment(),
            file_actions=actions,
            setsid=True,
        )
    finally:
        os.close(output)
        os.close(nothing)


def _package_path() -> list[str]:
    """Where `budu` is imported from, for the engine's own `sys.path`."""
    package = sys.modules["budu"].__file__ or ""
    return [os.path.dirname(os.path.dirname(package))]


def _clean_environment() -> dict[str, str]:
    """Without the choice of an engine, which is the client's matter."""
    ours = ("BUDU_HOST", "DOCKER_HOST", "DOCKER_CONTEXT", "PYTHONPATH", "PYTHONHOME")
    return {name: value for name, value in os.environ.items() if name not in ours}


def _last_lines(log: str, begin: int) -> str:
    """The end of what was written after `begin`."""
    try:
        with open(log, "rb") as file:  # noqa: PTH123 - pathlib is slow to import
            file.seek(max(begin, os.fstat(file.fileno()).st_size - 8192))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-_LOG_LINES:])

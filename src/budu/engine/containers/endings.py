"""Why a container ended, decided from what the kernel, the cgroup and this engine saw. Pure.

The texts for people are in `base.endings`, because the command line words them as well.
"""

from __future__ import annotations

import signal
from enum import StrEnum

import msgspec

from budu.engine.containers.model import Container, EndCause, Ending
from budu.shim.client import ExitStatus

LOST_EXIT_CODE = 255
"""Exit code of a container whose end nobody saw, because the machine went down."""


class Asker(StrEnum):
    """Which operation of this engine asked for the end."""

    STOP = "stop"
    KILL = "kill"
    RESTART = "restart"
    REMOVE = "rm"
    HEALTH = "health"


class Force(StrEnum):
    """Why a stop did not stay polite."""

    TIMEOUT = "timeout"
    NO_HANDLER = "no-handler"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The last thing this engine did to end a container."""

    by: str
    """An `Asker`, or the name of another part of the engine such as `health`."""
    signal: int
    force: str = ""
    """A `Force`; empty when there was none."""


def judge(
    container: Container, status: ExitStatus, *, oom_kills: int, asked: Asked | None
) -> Ending:
    """The ending of a container whose process 1 is gone.

    A memory kill explains a SIGKILL that nobody of us sent; one of a mere child is only counted.
    """
    ours = asked is not None and (status.signal == asked.signal or status.signal is None)
    by = asked.by if asked is not None and (ours or container.stopped_by_user) else ""
    if asked is None and container.stopped_by_user:
        by = Asker.STOP
    return Ending(
        cause=_cause(status, oom_kills=oom_kills, ours=bool(by)),
        exit_code=status.code,
        signal=signal_name(status.signal) if status.signal else "",
        by=by,
        force=asked.force if asked is not None and by else "",
        oom_kills=oom_kills,
        memory_limit=container.host_config.memory,
        program=container.path,
        image=container.image_name,
    )


def _cause(status: ExitStatus, *, oom_kills: int, ours: bool) -> EndCause:
    if status.signal == signal.SIGKILL and (oom_kills or status.oom) and not ours:
        return EndCause.OUT_OF_MEMORY
    if status.signal:
        return EndCause.SIGNAL
    if not status.seen:
        return EndCause.LOST
    return EndCause.FAILED if status.code else EndCause.FINISHED


def not_started(container: Container, exit_code: int) -> Ending:
    """The ending of a container whose program could not be run."""
    cause = {126: EndCause.NOT_EXECUTABLE, 127: EndCause.NOT_FOUND}.get(
        exit_code, EndCause.NOT_STARTED
    )
    return Ending(
        cause=cause, exit_code=exit_code, program=container.path, image=container.image_name
    )


def signal_name(number: int) -> str:
    """`SIGKILL`; real-time signals by their distance from SIGRTMIN."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN+{number - 34}" if number >= 34 else str(number)

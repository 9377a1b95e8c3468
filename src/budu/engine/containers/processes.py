"""What runs in a container, as `ps` on the host shows it.

The default table (`-ef`) is read from /proc right here: no process is started for it, and it works
on hosts without `ps`. Every other set of options is left to the host's `ps`, asked for the
container's processes alone. That is the one program that the engine itself starts for a container:
by vfork, in a thread of its own, with nothing inherited.
Source: Engine API 1.51 ContainerTop; moby 28.5, daemon/top_unix.go (rules and sentences).
"""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Iterable, Sequence

from budu.base.errors import Conflict, Hint, Internal
from budu.engine.containers.model import Status
from budu.engine.containers.proc_table import DEFAULT_ARGUMENTS, TITLES, read_rows
from budu.engine.containers.service import ContainerService
from budu.engine.contract.monitor import ProcessTable

_OWN_PID_COLUMN = re.compile(r"\s+(\S*)=\s*(PID\S*)", re.ASCII)
_BLANKS = " \t\n\f\r"
_TIMEOUT_S = 30.0


class ProcessService:
    """See `engine.contract.monitor.Processes`."""

    def __init__(self, containers: ContainerService) -> None:
        self._containers = containers

    async def top(self, ref: str, arguments: str) -> ProcessTable:
        """See `Processes.top`."""
        check_arguments(arguments)
        container = self._containers.get(ref)
        if container.status is Status.RESTARTING:
            raise Conflict(
                f"Container {container.id} is restarting, wait until the container is running"
            )
        container, running = self._containers.running(container.id)
        pids = running.cgroup.pids()
        table = await asyncio.to_thread(_look, arguments, pids)
        self._containers.emit(container, "top")
        return table


def check_arguments(arguments: str) -> None:
    """Refuse a column that only calls itself PID. Raises: Internal with Docker's sentence."""
    for name, title in _OWN_PID_COLUMN.findall(arguments):
        if name != "pid":
            raise Internal(f'specifying "{name}={title}" is not allowed')


def _look(arguments: str, pids: Sequence[int]) -> ProcessTable:
    if arguments in ("", *DEFAULT_ARGUMENTS):
        return ProcessTable(titles=TITLES, rows=tuple(read_rows(pids)))
    return parse_table(_ps(arguments.split(" "), pids), pids)


def _ps(arguments: list[str], pids: Sequence[int]) -> str:
    """What `ps` prints. Some options do not go together with a choice of processes: without it
    then. Raises: Internal."""
    chosen = f"-q{','.join(map(str, pids))}"
    try:
        done = _run([*arguments, chosen])
        if done.returncode:
            done = _run(arguments)
    except FileNotFoundError:
        raise Internal(
            'ps: exec: "ps": executable file not found in $PATH', hint=Hint("engine.no-ps")
        ) from None
    except subprocess.TimeoutExpired:
        raise Internal("ps: did not end in time") from None
    if done.returncode:
        line = done.stderr.partition("\n")[0] or f"exit status {done.returncode}"
        raise Internal(f"ps: {line}")
    return done.stdout


def _run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["ps", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_TIMEOUT_S,
    )


def parse_table(text: str, pids: Iterable[int]) -> ProcessTable:
    """The rows of the processes `pids`, and of their threads, in what `ps` printed.

    Raises: Internal with Docker's sentences when no column is called PID, or something else than a
    number stands there.
    """
    wanted = frozenset(pids)
    first, *lines = text.split("\n")
    titles = _fields(first)
    if "PID" not in titles:
        raise Internal("Couldn't find PID field in ps output")
    column = titles.index("PID")
    rows = []
    is_inside = False
    for line in lines:
        fields = _fields(line)
        if len(fields) <= column:
            continue
        if fields[column] != "-":  # that is a thread of the process above
            is_inside = _pid(fields[column]) in wanted
        if is_inside:
            rows.append(_row(fields, len(titles)))
    return ProcessTable(titles=tuple(titles), rows=tuple(rows))


def _fields(line: str) -> list[str]:
    """Split at ASCII blanks only."""
    for blank in _BLANKS[1:]:
        line = line.replace(blank, " ")
    return [field for field in line.split(" ") if field]


def _pid(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Internal(
            f"Unexpected pid '{text}': strconv.Atoi: parsing \"{text}\": invalid syntax"
        ) from None


def _row(fields: list[str], width: int) -> tuple[str, ...]:
    """As many cells as there are titles: the last takes what is left over."""
    return (*fields[: width - 1], " ".join(fields[width - 1 :]))

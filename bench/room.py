"""A room: namespaces of its own for one engine, and the way to run programs in it.

Everything started in a room (daemons, shims, containers, networks, mounts) ends when the room is
closed or when this process dies, because the kernel ends a process namespace with its first
process. Nothing is ever ended by name.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
"""Root of the project."""
DEFAULT_TIMEOUT_S = 120.0
"""How long a measured program may take."""


class BenchError(Exception):
    """Something that was needed for a measurement did not work; the text says what."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A program that has ended."""

    wall_s: float
    """From before its start until its end was seen."""
    cpu_s: float
    """User and system time of the program itself, daemons not included."""
    code: int
    """Exit code; negative for a signal."""
    is_late: bool
    """Whether it was ended because it took too long."""
    out: str
    """Standard output when it was kept."""
    out_bytes: int
    """Length of standard output when it was kept."""
    errors: str
    """Standard error."""


class Room:
    """One set of namespaces; a context manager, so that they end."""

    def __init__(self, *, without_unified: bool = False) -> None:
        """`without_unified` takes the unified cgroup hierarchy off in the room."""
        self._without_unified = without_unified

    def __enter__(self) -> Room:
        reader, writer = os.pipe()
        unshare = ["unshare", "--net", "--mount", "--pid", "--ipc", "--fork", "--kill-child"]
        command = [*unshare, "--mount-proc", "--propagation", "private", sys.executable]
        command += ["-m", "bench.inside", "--replies", str(writer)]
        if self._without_unified:
            command.append("--without-unified")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, text=True, cwd=PROJECT, pass_fds=[writer]
        )
        os.close(writer)
        self._replies = os.fdopen(reader)
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._replies.close()

    def run(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        *,
        keep: bool = False,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> Finished:
        """Run one program to its end; its exit code is the caller's business."""
        result = self._ask(
            "run", argv=argv, environment=environment, keep=keep, timeout_s=timeout_s
        )
        return Finished(**result)

    def start(self, argv: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
        """Start a program that stays; its process id in the room."""
        return int(self._ask("start", argv=argv, environment=environment, log=str(log)))

    def stop(self, pid: int) -> None:
        """End a program started by `start`, with SIGTERM and later SIGKILL."""
        self._ask("stop", pid=pid)

    def parallel(
        self, argvs: Sequence[Sequence[str]], environment: Mapping[str, str], *, width: int
    ) -> float:
        """Run programs `width` at a time; wall seconds of all.

        Raises: BenchError when one failed.
        """
        result = self._ask("parallel", argvs=argvs, environment=environment, width=width)
        if result["failures"]:
            raise BenchError(f"{len(result['failures'])} failed: {result['failures'][0]}")
        return float(result["wall_s"])

    def memory(self, *, without: Sequence[int], names_without: Sequence[str] = ()) -> Memory:
        """Memory of all processes in the room but those named."""
        result = self._ask("memory", without=without, names_without=names_without)
        return Memory(
            rss_mib=result["rss"] / 1024,
            pss_mib=result["pss"] / 1024,
            processes=result["processes"],
        )

    def call(self, function: str, **arguments: object) -> Any:
        """Call `package.module:name` inside the room."""
        return self._ask("call", function=function, arguments=arguments)

    def _ask(self, operation: str, **arguments: object) -> Any:
        assert self._process.stdin is not None
        print(
            json.dumps({"operation": operation, **arguments}), file=self._process.stdin, flush=True
        )
        line = self._replies.readline()
        if not line:
            raise BenchError(f"the room ended during {operation}")
        reply = json.loads(line)
        if "error" in reply:
            raise BenchError(f"{operation}: {reply['error']}")
        return reply["result"]


@dataclass(frozen=True, kw_only=True)
class Memory:
    """A sample of the memory of a room."""

    rss_mib: float
    """Sum of resident sets; pages that are shared count for each process."""
    pss_mib: float
    """Sum of proportional sets; shared pages are divided among those who have them."""
    processes: Mapping[str, Mapping[str, int]]
    """Per process name: `count`, `rss` and `pss` in KiB."""

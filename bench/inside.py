"""The process inside a room: starts programs, times them, and counts their memory.

It is the first process of new network, process, mount and IPC namespaces, so that an engine and
all it leaves behind end with it. Requests and replies are JSON lines on standard input and on
the descriptor given by `--replies`. The other side is `bench.room`.

A program is timed from just before it is spawned until its exit is seen; nothing else runs in
this process meanwhile, so every peer pays the same.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

OUTPUT_LIMIT = 1 << 18
"""Bytes of a program's output that are sent back."""
STOP_WAIT_S = 30.0
"""How long a program may take to end after SIGTERM before it gets SIGKILL."""


def main() -> None:
    """Make the room, then serve it from a child, and be the init process of the room."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--replies", type=int, required=True)
    parser.add_argument("--without-unified", action="store_true")
    options = parser.parse_args()
    make_room(without_unified=options.without_unified)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            serve(options.replies)
            status = 0
        finally:
            os._exit(status)
    sys.exit(reap_until_end_of(child))


def make_room(*, without_unified: bool) -> None:
    """A private /run and /dev/shm, the loopback link up, and maybe cgroup v1 only.

    crun 1.8 refuses a hybrid hierarchy whose unified part has controllers.
    """
    for folder in ("/run", "/dev/shm"):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "room", folder], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    if without_unified:
        subprocess.run(["umount", "/sys/fs/cgroup/unified"], check=True)
    os.makedirs("/run/home", exist_ok=True)


def add_address(address: str) -> None:
    """Give the room an address of its own; nothing when it has that already."""
    subprocess.run(["ip", "address", "replace", f"{address}/32", "dev", "lo"], check=True)


def reap_until_end_of(child: int) -> int:
    """Collect every orphan of the room; the exit status of `child` when that is the one."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status)


def serve(replies: int) -> None:
    """Answer one request after another until the other side closes."""
    operations: Mapping[str, Callable[..., Any]] = {
        "run": run,
        "start": start,
        "stop": stop,
        "parallel": parallel,
        "call": call,
        "memory": memory,
    }
    with os.fdopen(replies, "w") as out:
        for line in sys.stdin:
            request = json.loads(line)
            try:
                reply = {"result": operations[request.pop("operation")](**request)}
            except Exception as error:  # the edge: the other side raises it again
                reply = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(reply), file=out, flush=True)


def run(
    argv: Sequence[str], environment: Mapping[str, str], *, keep: bool, timeout_s: float
) -> dict[str, Any]:
    """Run a program to its end; wall and CPU seconds, exit code and what it wrote.

    `keep` keeps its standard output, which otherwise goes to /dev/null.
    """
    out = os.memfd_create("out") if keep else os.open("/dev/null", os.O_WRONLY)
    errors = os.memfd_create("errors")
    try:
        began = time.perf_counter()
        pid = spawn(argv, environment, out, errors)
        is_late = not has_ended(pid, timeout_s)
        if is_late:
            os.kill(pid, signal.SIGKILL)
        _, status, usage = os.wait4(pid, 0)
        wall = time.perf_counter() - began
        return {
            "wall_s": wall,
            "cpu_s": usage.ru_utime + usage.ru_stime,
            "code": os.waitstatus_to_exitcode(status),
            "is_late": is_late,
            "out": content(out) if keep else "",
            "out_bytes": os.fstat(out).st_size if keep else 0,
            "errors": content(errors),
        }
    finally:
        os.close(out)
        os.close(errors)


def spawn(argv: Sequence[str], environment: Mapping[str, str], out: int, errors: int) -> int:
    """A new process with nothing to read; its id."""
    null = (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)
    actions = [null, (os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, errors, 2)]
    return os.posix_spawnp(argv[0], list(argv), environment, file_actions=actions)


def has_ended(pid: int, timeout_s: float) -> bool:
    """Wait for the end of a child without collecting it."""
    handle = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(timeout_s * 1000))
    finally:
        os.close(handle)


def content(fd: int) -> str:
    """The beginning of a memory file."""
    return os.pread(fd, OUTPUT_LIMIT, 0).decode(errors="replace")


def start(argv: Sequence[str], environment: Mapping[str, str], log: str) -> int:
    """Start a program that stays; its process id."""
    fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        return spawn(argv, environment, fd, fd)
    finally:
        os.close(fd)


def stop(pid: int) -> int:
    """End a program that `start` started; its exit status."""
    os.kill(pid, signal.SIGTERM)
    if not has_ended(pid, STOP_WAIT_S):
        os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def parallel(
    argvs: Sequence[Sequence[str]], environment: Mapping[str, str], *, width: int
) -> dict[str, Any]:
    """Run many programs, `width` at a time; the wall time of all and the failures."""
    with ThreadPoolExecutor(width) as pool:
        began = time.perf_counter()
        done = list(pool.map(lambda argv: run(argv, environment, keep=False, timeout_s=120), argvs))
        wall = time.perf_counter() - began
    return {"wall_s": wall, "failures": [one["errors"] for one in done if one["code"]]}


def call(function: str, arguments: Mapping[str, Any]) -> Any:
    """Call `package.module:name` with keyword arguments."""
    module, _, name = function.partition(":")
    return getattr(importlib.import_module(module), name)(**arguments)


def memory(without: Iterable[int], names_without: Iterable[str]) -> dict[str, Any]:
    """RSS and PSS in KiB of the room's processes, by process name and together.

    `without` are process ids, `names_without` process names that do not count; neither do this
    process and the room's init.
    """
    excluded = {1, os.getpid(), *without}
    processes: dict[str, dict[str, int]] = {}
    for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
        if pid in excluded:
            continue
        try:
            name, rss, pss = memory_of(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if name not in names_without:
            entry = processes.setdefault(name, {"count": 0, "rss": 0, "pss": 0})
            entry["count"] += 1
            entry["rss"] += rss
            entry["pss"] += pss
    total = {key: sum(entry[key] for entry in processes.values()) for key in ("rss", "pss")}
    return {**total, "processes": processes}


def memory_of(pid: int) -> tuple[str, int, int]:
    """Name, RSS and PSS (KiB) of one process. Source: man 5 proc, smaps_rollup."""
    with open(f"/proc/{pid}/comm") as file:  # noqa: PTH123
        name = file.read().strip()
    with open(f"/proc/{pid}/smaps_rollup") as file:  # noqa: PTH123
        values = dict(line.split(":", 1) for line in file if ":" in line and "-" not in line[:18])
    return name, kib(values.get("Rss", "0 kB")), kib(values.get("Pss", "0 kB"))


def kib(text: str) -> int:
    """`   12 kB` as a number."""
    return int(text.split()[0])


if __name__ == "__main__":
    main()

"""Who holds a port of this host: looked up in /proc when a port could not be taken.

Source: man 5 proc, /proc/net/tcp and /proc/PID/fd.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from budu.network.contract import TCP

_LISTEN = "0A"


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A process that has a socket on a port."""

    name: str
    pid: int


def find_holder(protocol: str, port: int, *, proc: Path = Path("/proc")) -> Holder | None:
    """The process that listens on the port, or None when it cannot be found out.

    Walks through the descriptors of every process: some milliseconds, for error messages only.
    """
    inodes = {
        inode
        for name in (protocol, f"{protocol}6")
        for inode in socket_inodes(_read(proc / "net" / name), port, listening=protocol == TCP)
    }
    if not inodes:
        return None
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for pid in _pids(proc):
        if wanted & set(_descriptor_targets(proc / str(pid) / "fd")):
            return Holder(name=_read(proc / str(pid) / "comm").strip() or "?", pid=pid)
    return None


def socket_inodes(table: str, port: int, *, listening: bool) -> list[str]:
    """Inodes of the sockets of a /proc/net table whose local port is `port`."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10 or int(fields[1].rpartition(":")[2], 16) != port:
            continue
        if not listening or fields[3] == _LISTEN:
            found.append(fields[9])
    return found


def _pids(proc: Path) -> Iterator[int]:
    for entry in proc.iterdir():
        if entry.name.isdecimal():
            yield int(entry.name)


def _descriptor_targets(directory: Path) -> Iterator[str]:
    """What the descriptors lead to; nothing for a process that ended or is somebody else's."""
    try:
        names = os.listdir(directory)
    except OSError:
        return
    for name in names:
        try:
            yield os.readlink(directory / name)
        except OSError:
            continue


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""

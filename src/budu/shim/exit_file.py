"""The file that keeps a container's exit status while no engine is there to be told.

One line of text: `code signal finished_ns oom dropped`, with `-` for no signal. Its space is
reserved when the container starts, so a full disk cannot lose the status. Light: standard library
only. Neighbours: `shim.main` writes it, `shim.client` reads it.
"""

from __future__ import annotations

import os

_RESERVED = 128


class ExitFile:
    """Reserves the file at `path` and removes an older one.

    Raises: OSError when the folder does not allow it.
    """

    __slots__ = ("_fd", "_path")

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self._fd = os.open(f"{path}.new", flags, 0o600)
        os.write(self._fd, b" " * _RESERVED)

    def write(self, fields: dict[str, int | bool | None]) -> None:
        """Put the status in place, whole or not at all."""
        signal = fields["signal"]
        line = (
            f"{fields['code']} {'-' if signal is None else signal} {fields['finished_ns']}"
            f" {int(bool(fields['oom']))} {fields['dropped']}"
        )
        os.pwrite(self._fd, line.encode().ljust(_RESERVED - 1) + b"\n", 0)
        os.rename(f"{self._path}.new", self._path)

    def discard(self) -> None:
        """Give the reserved file back; the container never ran."""
        os.close(self._fd)
        os.unlink(f"{self._path}.new")


def parse_exit_file(text: str) -> dict[str, int | bool | None]:
    """The fields of an exit file. Raises: ValueError when it is none."""
    code, signal, finished_ns, oom, dropped = text.split()
    return {
        "code": int(code),
        "signal": None if signal == "-" else int(signal),
        "finished_ns": int(finished_ns),
        "oom": oom == "1",
        "dropped": int(dropped),
    }

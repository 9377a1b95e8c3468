"""Writing files so that a reader sees the old content or the new, never a part."""

from __future__ import annotations

import os


def write_atomic(
    path: str | os.PathLike[str],
    data: bytes | bytearray | memoryview | str,
    *,
    mode: int = 0o644,
    durable: bool = False,
) -> None:
    """Replace `path` by a rename. `durable` also waits for the disk (file and directory).

    The temporary file is beside `path` and is removed when writing fails. Blocking.
    """
    target = os.fspath(path)
    temporary = f"{target}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    payload = data.encode() if isinstance(data, str) else data
    try:
        _write_new(temporary, payload, mode, durable)
        os.rename(temporary, target)
    except BaseException:
        remove_if_there(temporary)
        raise
    if durable:
        sync_directory(os.path.dirname(target) or ".")


def remove_if_there(path: str | os.PathLike[str]) -> bool:
    """Unlink a file; False when there was none."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True


def sync_directory(path: str | os.PathLike[str]) -> None:
    """Wait until the names in a directory are on the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_new(
    path: str, payload: bytes | bytearray | memoryview, mode: int, durable: bool
) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    fd = os.open(path, flags, mode)
    try:
        os.fchmod(fd, mode)
        view = memoryview(payload)
        while view:
            view = view[os.write(fd, view) :]
        if durable:
            os.fsync(fd)
    finally:
        os.close(fd)

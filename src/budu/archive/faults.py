"""Kernel errors of file work, mapped to budu's errors by one table.

`archive`, `content` and `snapshot` write the same kinds of files, so they share the table. The
sentences have the form that Go's `os.PathError` gives Docker: `write /x: no space left on device`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from budu.base.errors import (
    BuduError,
    Hint,
    Internal,
    InvalidArgument,
    PermissionDenied,
    ResourceExhausted,
)

_CLASSES: dict[int, type[BuduError]] = {
    errno.ENOSPC: ResourceExhausted,
    errno.EDQUOT: ResourceExhausted,
    errno.EMFILE: ResourceExhausted,
    errno.ENFILE: ResourceExhausted,
    errno.EPERM: PermissionDenied,
    errno.EACCES: PermissionDenied,
    errno.EROFS: PermissionDenied,
    errno.ENOTDIR: InvalidArgument,
    errno.ENOENT: InvalidArgument,
    errno.ELOOP: InvalidArgument,
    errno.ENAMETOOLONG: InvalidArgument,
    errno.EINVAL: InvalidArgument,
    errno.EMLINK: InvalidArgument,
    errno.E2BIG: InvalidArgument,
    errno.EFBIG: InvalidArgument,
}


def from_os_error(error: OSError, action: str) -> BuduError:
    """The error for a failed `action`, such as `write /etc/passwd`."""
    number = error.errno or 0
    sentence = f"{action}: {os.strerror(number).lower() if number else error}"
    hint = None
    if number in (errno.ENOSPC, errno.EDQUOT):
        hint = Hint("archive.disk-full", place=action.partition(" ")[2])
    return _CLASSES.get(number, Internal)(sentence, hint=hint)


@contextmanager
def os_errors(action: str) -> Iterator[None]:
    """Maps an `OSError` of the block: see `from_os_error`."""
    try:
        yield
    except OSError as error:
        raise from_os_error(error, action) from error

"""Binds functions of the C library with errno turned into OSError.

Bound with `PyDLL`, which keeps the interpreter's lock: callers are single-threaded or call things
that do not block. Every `bind` makes an independent prototype, so one function (`syscall`) can be
bound under many signatures. Bind at import: looking a symbol up in a freshly cloned child costs
100 microseconds of page faults. Its neighbours are one module per family of manual pages.
"""

from __future__ import annotations

import ctypes
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Function = Callable[..., int]

AT_FDCWD = -100  # <fcntl.h>
AT_RECURSIVE = 0x8000
AT_EMPTY_PATH = 0x1000

_LIBRARY = ctypes.PyDLL(None, use_errno=True)


def bind(name: str, *argtypes: Any, restype: Any = ctypes.c_int, label: str = "") -> Function:
    """Return the library's function `name`; a negative result raises.

    Raises: OSError(errno, text, label) from the returned function; `label` defaults to `name`.
    """
    function = _LIBRARY[name]
    function.argtypes = argtypes
    function.restype = restype
    function.errcheck = _raise_errno(label or name)
    return function


def bind_syscall(number: int, *argtypes: Any, label: str) -> Function:
    """Return system call `number`, for calls that not every C library wraps."""
    function = bind("syscall", ctypes.c_long, *argtypes, restype=ctypes.c_long, label=label)

    def call(*arguments: object) -> int:
        return function(number, *arguments)

    return call


def _raise_errno(label: str) -> Any:
    def check(result: int, _function: object, _arguments: object) -> int:
        if result < 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), label)
        return result

    return check

"""Trust that is given for one request: registries are spoken to without checking certificates.

A context variable, so that it reaches every task of the request and no other one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_is_blind: ContextVar[bool] = ContextVar("trusts blindly", default=False)


@contextmanager
def trusting(*, blindly: bool) -> Iterator[None]:
    """What is asked of registries inside trusts them, whoever they are."""
    token = _is_blind.set(blindly or _is_blind.get())
    try:
        yield
    finally:
        _is_blind.reset(token)


def trusts_blindly() -> bool:
    """Whether certificates are not to be checked now, and plain HTTP is fine."""
    return _is_blind.get()

"""Passwords: scrypt with its parameters in the string, so that they can grow with the machines.

    scrypt$n=16384,r=8,p=5$<salt>$<hash>        (base64 without padding)

A hash takes some hundred milliseconds of a processor: `Passwords` makes it in threads of its own.
Source: RFC 7914; OWASP, Password Storage Cheat Sheet.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from budu.base.errors import Internal, InvalidArgument
from budu.hub.options import ScryptCost
from budu.hub.sentences import Sentence

T = TypeVar("T")

LEAST = 8
MOST = 256
_THREADS = 2
_BYTES = 32


def check_password(password: str, *, name: str = "") -> str:
    """A new password. Raises: InvalidArgument when it is too short, too long or the name."""
    if not LEAST <= len(password) <= MOST:
        raise InvalidArgument(Sentence("hub.bad-password", least=LEAST, most=MOST))
    if name and password.lower() == name.lower():
        raise InvalidArgument(Sentence("hub.password-is-name"))
    return password


def hash_password(password: str, cost: ScryptCost) -> str:
    """The string to store. Slow on purpose."""
    salt = secrets.token_bytes(16)
    digest = _scrypt(password, salt, cost)
    return f"scrypt$n={cost.n},r={cost.r},p={cost.p}${_encode(salt)}${_encode(digest)}"


def matches(password: str, stored: str) -> bool:
    """Whether a password is the one of a stored string. As slow as storing it was.

    Raises: Internal when the string is no such one.
    """
    try:
        kind, parameters, salt, digest = stored.split("$")
        numbers = dict(part.split("=") for part in parameters.split(","))
        cost = ScryptCost(n=int(numbers["n"]), r=int(numbers["r"]), p=int(numbers["p"]))
        wanted = _decode(digest)
        salted = _decode(salt)
    except (ValueError, KeyError):
        raise Internal("a stored password has an unknown form") from None
    if kind != "scrypt":
        raise Internal("a stored password has an unknown form")
    return hmac.compare_digest(_scrypt(password, salted, cost), wanted)


def _scrypt(password: str, salt: bytes, cost: ScryptCost) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"),
        salt=salt,
        n=cost.n,
        r=cost.r,
        p=cost.p,
        maxmem=256 * cost.n * cost.r + (1 << 20),
        dklen=_BYTES,
    )


def _encode(data: bytes) -> str:
    return base64.b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


class Passwords:
    """Hashes beside the event loop. A few at once: each takes a processor and its memory."""

    def __init__(self, cost: ScryptCost) -> None:
        self._cost = cost
        self._threads = ThreadPoolExecutor(_THREADS, "scrypt")
        self._nobody = hash_password(secrets.token_hex(16), cost)

    async def hash(self, password: str) -> str:
        """The string to store for a password."""
        return await self._run(lambda: hash_password(password, self._cost))

    async def matches(self, password: str, stored: str | None) -> bool:
        """Whether it is the right one; takes as long when there is none to compare with."""
        right = await self._run(lambda: matches(password[: MOST + 1], stored or self._nobody))
        return right and stored is not None

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)

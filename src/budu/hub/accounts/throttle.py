"""Slows down who guesses passwords. Kept in memory: a guesser of several processes gets that many
times the attempts, which is still few.
"""

from __future__ import annotations

from collections import OrderedDict

from budu.base.errors import ResourceExhausted
from budu.hub.sentences import Sentence

WINDOW_S = 300.0
"""Failures older than this are forgotten."""
PER_PAIR = 10
"""Failed attempts for one account from one address in a window."""
PER_NAME = 100
"""Failed attempts for one account from everywhere: many, since whoever wants to keep somebody from
signing in could use them up."""
PER_ADDRESS = 50
"""Failed attempts from one address in a window."""
SIGN_UPS = 20
"""New accounts from one address in a window."""
_REMEMBERED = 10_000


class TooManyAttempts(ResourceExhausted):
    """Too many failed sign-ins; `retry_after_s` tells when the next one is looked at."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(Sentence("hub.too-many-attempts", seconds=retry_after_s))
        self.retry_after_s = retry_after_s


class Throttle:
    """Failed attempts by account and by address."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def check(self, name: str, address: str, *, now: float) -> None:
        """Raises: TooManyAttempts."""
        self._check(f"pair:{address} {name}", PER_PAIR, now)
        self._check(f"name:{name}", PER_NAME, now)
        self._check(f"address:{address}", PER_ADDRESS, now)

    def signed_up(self, address: str, *, now: float) -> None:
        """Somebody makes an account. Raises: TooManyAttempts."""
        self._check(f"new:{address}", SIGN_UPS, now)
        self._note(f"new:{address}", now)

    def _check(self, key: str, most: int, now: float) -> None:
        recent = [at for at in self._failures.get(key, ()) if at > now - WINDOW_S]
        if len(recent) >= most:
            raise TooManyAttempts(max(1, round(recent[-most] + WINDOW_S - now)))

    def failed(self, name: str, address: str, *, now: float) -> None:
        """An attempt failed."""
        self._note(f"pair:{address} {name}", now)
        self._note(f"name:{name}", now)
        self._note(f"address:{address}", now)

    def _note(self, key: str, now: float) -> None:
        recent = [at for at in self._failures.pop(key, ()) if at > now - WINDOW_S]
        self._failures[key] = [*recent[-PER_NAME:], now]
        while len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """The account's failures from there are forgiven; those of the address are not."""
        self._failures.pop(f"pair:{address} {name}", None)

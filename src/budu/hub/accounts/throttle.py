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
    """Attempts by account and by address. One counts as failed until it has succeeded, so that
    many at the same time are no way around."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def attempt(self, name: str, address: str, *, now: float) -> None:
        """Somebody tries to sign in. Raises: TooManyAttempts."""
        limits = {_pair(name, address): PER_PAIR, f"name:{name}": PER_NAME}
        limits[f"address:{address}"] = PER_ADDRESS
        for key, most in limits.items():
            self._check(key, most, now)
        for key in limits:
            self._note(key, now)

    def signed_up(self, address: str, *, now: float) -> None:
        """Somebody makes an account. Raises: TooManyAttempts."""
        self._check(f"new:{address}", SIGN_UPS, now)
        self._note(f"new:{address}", now)

    def _check(self, key: str, most: int, now: float) -> None:
        recent = [at for at in self._failures.get(key, ()) if at > now - WINDOW_S]
        if len(recent) >= most:
            raise TooManyAttempts(max(1, round(recent[-most] + WINDOW_S - now)))

    def _note(self, key: str, now: float) -> None:
        recent = [at for at in self._failures.pop(key, ()) if at > now - WINDOW_S]
        self._failures[key] = [*recent[-PER_NAME:], now]
        while len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)

    def succeeded(self, name: str, address: str, *, began: float) -> None:
        """The attempt that began then was right: the account's failures from there are forgiven,
        the other ones of the account and of the address are not."""
        self._failures.pop(_pair(name, address), None)
        for key in (f"name:{name}", f"address:{address}"):
            if began in self._failures.get(key, ()):
                self._failures[key].remove(began)


def _pair(name: str, address: str) -> str:
    return f"pair:{address} {name}"

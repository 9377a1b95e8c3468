"""When a request is sent again, and after how long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from budu.distribution.errors import RequestFailed, Step

if TYPE_CHECKING:
    from budu.distribution.transport import Response

_TOO_MANY_REQUESTS = 429
_RETRIED_STATUSES = frozenset({500, 502, 503, 504})

Sleep = Callable[[float], Awaitable[None]]


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How patient the client is with a registry that stumbles."""

    attempts: int = 5
    """Tries of one request, and of one layer without a byte of progress."""
    base_s: float = 0.5
    """The first pause; each further one is twice as long."""
    cap_s: float = 15.0
    """The longest pause of our own choosing."""
    patience_s: float = 60.0
    """The longest `Retry-After` that is waited for; beyond it the refusal is reported."""
    sleep: Sleep = asyncio.sleep
    """How to wait."""

    def pause_s(self, failures: int) -> float:
        """The pause after the given number of failures (1 or more)."""
        return float(min(self.cap_s, self.base_s * 2 ** (failures - 1)))


async def send_retrying(
    send: Callable[[], Awaitable[Response]], policy: RetryPolicy, *, patient: bool = False
) -> Response:
    """Send until an answer comes that is worth reading, at most `policy.attempts` times.

    A host that can't be reached at all is reported at once, unless `patient`: in the middle of
    a pull the network may be away for a moment. The last answer is returned, whatever it is.
    Raises: RequestFailed when the last try got no answer.
    """
    failures = 0
    while True:
        last = failures + 1 >= policy.attempts
        try:
            response = await send()
        except RequestFailed as failure:
            if last or not (patient or failure.step is Step.HTTP):
                raise
            wait_s = policy.pause_s(failures + 1)
        else:
            asked_s = _wait_for(response, policy, failures=failures + 1)
            if asked_s is None or last:
                return response
            response.close()
            wait_s = asked_s
        failures += 1
        await policy.sleep(wait_s)


def _wait_for(response: Response, policy: RetryPolicy, *, failures: int) -> float | None:
    """Seconds to wait before asking again, or None when the answer stands."""
    asked = retry_after_s(response.header("Retry-After"), now=time.time())
    if response.status in _RETRIED_STATUSES:
        wait_s = policy.pause_s(failures) if asked is None else asked
        return wait_s if wait_s <= policy.patience_s else None
    if response.status == _TOO_MANY_REQUESTS and asked is not None:
        return asked if asked <= policy.patience_s else None
    return None


def rate_reset_s(header: Callable[[str], str], *, now: float) -> float | None:
    """Seconds until a rate limit ends; None where the registry does not say.

    `Retry-After`, then `RateLimit-Reset` in seconds or as a moment, then the limit's window, which
    Docker Hub tells as `ratelimit-limit: 100;w=21600`.
    """
    asked = retry_after_s(header("Retry-After"), now=now)
    if asked is not None:
        return asked
    for name in ("RateLimit-Reset", "X-RateLimit-Reset", "X-RateLimit-Reset-After"):
        text = header(name).strip()
        if text.replace(".", "", 1).isdigit():
            value = float(text)
            return max(0.0, value - now) if value > 1e9 else value
    for name in ("RateLimit-Remaining", "RateLimit-Limit"):
        window = header(name).partition(";w=")[2].strip()
        if window.isdigit():
            return float(window)
    return None


def retry_after_s(text: str, *, now: float) -> float | None:
    """Seconds that a `Retry-After` header asks for; None when absent or malformed.

    Source: RFC 9110 10.2.3.
    """
    if text.strip().isdigit():
        return float(text)
    from email.utils import parsedate_to_datetime  # here, because it is rare and takes 0.5 MiB

    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except ValueError:
        return None

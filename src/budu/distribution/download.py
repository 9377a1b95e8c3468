"""Fetching one URL that is no registry's: archives for `import`, and the like."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from budu.base.errors import (
    BuduError,
    Hint,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
)
from budu.distribution.errors import RequestFailed, Step
from budu.distribution.hosts import HostsConfig

if TYPE_CHECKING:
    from budu.distribution.transport import Response, Transport

_TOLD_EVERY_BYTES = 512 << 10
_BODY_IN_MESSAGE = 500
_STATUSES: dict[int, type[BuduError]] = {
    400: InvalidArgument,
    401: Unauthenticated,
    403: PermissionDenied,
    404: NotFound,
}


class Downloads:
    """Opens URLs. The HTTP client is loaded with the first one; `close` in the same loop."""

    def __init__(self, hosts: HostsConfig) -> None:
        self._hosts = hosts
        self._transport: Transport | None = None

    async def open(self, source: str) -> Download:
        """The answer to a GET; `http://` is put before a source without a scheme.

        Raises: Unavailable when no answer comes; by its status when the answer is a refusal, with
        Docker's sentence. Source: moby 28.3 builder/remotecontext/remote.go GetWithStatusError.
        """
        url = source if "://" in source else f"http://{source}"
        if not url.startswith(("http://", "https://")):
            scheme = url.partition("://")[0]
            raise InvalidArgument(f'Get "{url}": unsupported protocol scheme "{scheme}"')
        if self._transport is None:
            from budu.distribution.transport import Timeouts, Transport

            self._transport = Transport(self._hosts, timeouts=Timeouts())
        try:
            response = await self._transport.send("GET", url)
        except RequestFailed as failure:
            raise _failed(failure) from failure
        if response.status >= 400:
            raise await _refused(url, response)
        return Download(url, response)

    async def close(self) -> None:
        """Close every connection."""
        if self._transport is not None:
            await self._transport.close()


class Download:
    """An answer whose body is still to come; closed by `async with`."""

    def __init__(self, url: str, response: Response) -> None:
        self.url = url
        """What was asked for."""
        length = response.header("Content-Length")
        self.size = int(length) if length.isdecimal() else 0
        """Announced bytes; 0 when unknown."""
        self._response = response

    def header(self, name: str) -> str:
        """The first value of one of the answer's headers, or empty."""
        return self._response.header(name)

    async def chunks(self, tell: Callable[[int], None]) -> AsyncIterator[bytes]:
        """The body; `tell` is told now and then how many bytes are here.

        Raises: Unavailable when it breaks off.
        """
        done = told = 0
        try:
            async for chunk in self._response.chunks():
                done += len(chunk)
                if done - told >= _TOLD_EVERY_BYTES or done == self.size:
                    told = done
                    tell(done)
                yield chunk
        except RequestFailed as failure:
            raise _failed(failure) from failure

    async def __aenter__(self) -> Download:
        await self._response.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._response.__aexit__(kind, error, trace)


def _failed(failure: RequestFailed) -> BuduError:
    is_unknown = failure.step is Step.NAME and failure.cause == "unknown"
    hint = Hint("distribution.url-failed", host=urlsplit(failure.url).netloc)
    kind = NotFound if is_unknown else Unavailable
    return kind(failure.message, hint=hint, reference=failure.url)


async def _refused(url: str, response: Response) -> BuduError:
    message = f"failed to GET {url} with status {response.status} {response.reason}"
    async with response:
        try:
            body = await response.read(1 << 20)
        except (BuduError, RequestFailed):
            return Unavailable(f"{message}: error reading body")
    kind = _STATUSES.get(response.status, Unavailable)
    words = body.decode(errors="replace").strip()[:_BODY_IN_MESSAGE]
    return kind(f"{message}: {words}", reference=url)

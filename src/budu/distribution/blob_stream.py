"""A blob as a registry sends it: from the wanted offset on, whether or not it knows ranges.

Source: OCI distribution-spec 1.1, "Pulling blobs"; RFC 9110, 14.4.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from budu.distribution.transport import Response

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)\Z")


class BlobStream:
    """A blob's bytes from the wanted offset on. Use it with `async with`."""

    def __init__(self, response: Response, *, skip: int) -> None:
        self._response = response
        self._skip = skip

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes as they arrive. Raises: RequestFailed when the stream breaks off."""
        skip = self._skip
        async for chunk in self._response.chunks():
            if skip >= len(chunk):
                skip -= len(chunk)
                continue
            yield chunk[skip:] if skip else chunk
            skip = 0

    async def __aenter__(self) -> BlobStream:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._response.__aexit__(kind, error, trace)


def start_of(response: Response) -> int | None:
    """The blob's offset at which the body of a blob answer begins; None for a refusal."""
    if response.status == 200:
        return 0
    match = _CONTENT_RANGE.match(response.header("Content-Range"))
    return int(match[1]) if response.status == 206 and match else None

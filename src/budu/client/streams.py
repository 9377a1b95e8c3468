"""Takes a multiplexed stdio stream apart: 8-byte header, then the payload. Light.

    stream (1 byte: 0 stdin, 1 stdout, 2 stderr, 3 system error), 3 zero bytes,
    length (4 bytes, big end first)

Source: Engine API 1.51, ContainerAttach, "Stream format".
"""

from __future__ import annotations

from budu.base.errors import DataLoss, Internal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER_SIZE = 8
STDOUT = 1
STDERR = 2
SYSTEM_ERROR = 3


class Demultiplexer:
    """Feed it bytes as they come; it gives `(stream, payload)` pieces, as early as it can.

    A long payload comes in several pieces, so nothing is held back until a frame is complete.
    """

    __slots__ = ("_header", "_left", "_stream")

    def __init__(self) -> None:
        self._header = b""
        self._stream = 0
        self._left = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The pieces in `data`.

        Raises: DataLoss for a header that is none; Internal with the text of an error frame.
        """
        while data:
            if self._left == 0:
                data = self._read_header(data)
                continue
            piece, data = data[: self._left], data[self._left :]
            self._left -= len(piece)
            if self._stream == SYSTEM_ERROR:
                text = piece.decode("utf-8", "replace")
                raise Internal(f"error from daemon in stream: {text}")
            yield self._stream, piece

    def _read_header(self, data: bytes) -> bytes:
        missing = HEADER_SIZE - len(self._header)
        self._header += data[:missing]
        if len(self._header) == HEADER_SIZE:
            self._stream = self._header[0]
            if self._stream > SYSTEM_ERROR:
                raise DataLoss(f"unrecognized input header: {self._stream}")
            self._left = int.from_bytes(self._header[4:], "big")
            self._header = b""
        return data[missing:]

"""What is stored of a volume: one JSON record a row, written by older engines too."""

from __future__ import annotations

import msgspec

from budu.volume.contract import LOCAL

ANONYMOUS_LABEL = "com.docker.volume.anonymous"
"""Label of a volume that nobody gave a name."""


class VolumeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One volume. Times in unix nanoseconds, 0 for never.

    `options` are the driver's, as they were given. `last_used_ns` is when a container with the
    volume last started or ended. `size_limit` is the most bytes it may hold, 0 for no limit.
    Records of engines that did not know a field get its default.
    """

    name: str
    created_ns: int
    driver: str = LOCAL
    labels: dict[str, str] = {}
    options: dict[str, str] = {}
    scope: str = LOCAL
    last_used_ns: int = 0
    size_limit: int = 0

    @property
    def is_anonymous(self) -> bool:
        """Whether it goes with its container, and with a prune that does not ask for all."""
        return ANONYMOUS_LABEL in self.labels


_decoder = msgspec.json.Decoder(VolumeRecord)


def decode_record(data: bytes) -> VolumeRecord:
    """The record of a row."""
    return _decoder.decode(data)


def encode_record(record: VolumeRecord) -> bytes:
    """The row of a record."""
    return msgspec.json.encode(record)

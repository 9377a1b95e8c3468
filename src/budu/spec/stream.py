"""Docker's framing of stdout and stderr on one stream. Light.

    byte 0    stream: 0 stdin, 1 stdout, 2 stderr, 3 system error
    byte 1-3  zero
    byte 4-7  length of the payload, big endian
    then the payload

Source: Engine API 1.51, ContainerAttach, "Stream format"; moby, pkg/stdcopy.
"""

from __future__ import annotations

import struct

STDOUT = 1
"""Stream number of standard output."""
STDERR = 2
"""Stream number of standard error."""

_header = struct.Struct(">B3xI")


def encode_frame(stream: int, payload: bytes) -> bytes:
    """A whole frame."""
    return _header.pack(stream, len(payload)) + payload

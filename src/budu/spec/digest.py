"""Content digests.

Source: OCI image-spec 1.1, descriptor, "Digests".
"""

from __future__ import annotations

import hashlib
import re

from budu.base.errors import Hint, InvalidArgument

_PATTERN = re.compile(r"sha256:[0-9a-f]{64}\Z")
_UNSUPPORTED = re.compile(r"(?:sha512:[0-9a-f]{128}|sha384:[0-9a-f]{96}|blake3:[0-9a-f]{64})\Z")
"""Digests elsewhere: OCI registers sha512 and blake3, Go's library has sha384."""

EMPTY_SHA256 = "sha256:" + hashlib.sha256(b"").hexdigest()


class Digest(str):
    """`sha256:` and 64 lower-case hex digits. The only algorithm that registries use in practice.

    Raises: InvalidArgument when the text is not of this form, with a hint when it is the digest of
    another algorithm.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Digest:
        if _UNSUPPORTED.match(text):
            algorithm = text.partition(":")[0]
            hint = Hint("spec.digest-algorithm", algorithm=algorithm)
            raise InvalidArgument(f"unsupported digest algorithm: {text[:100]}", hint=hint)
        if not _PATTERN.match(text):
            raise InvalidArgument(f"invalid checksum digest format: {text[:100]!r}")
        return super().__new__(cls, text)

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview) -> Digest:
        """The digest of `data`."""
        return cls("sha256:" + hashlib.sha256(data).hexdigest())

    @classmethod
    def from_hex(cls, hex_digits: str) -> Digest:
        """The digest whose 64 hex digits are known."""
        return cls("sha256:" + hex_digits)

    @property
    def hex(self) -> str:
        """The 64 hex digits without the algorithm."""
        return self[7:]

    @property
    def short(self) -> str:
        """The first twelve hex digits, Docker's short id."""
        return self[7:19]


def chain_id(diff_ids: list[Digest] | tuple[Digest, ...]) -> Digest:
    """The identity of a stack of layers, lowest first.

    Source: OCI image-spec 1.1, config, "Layer ChainID".
    """
    chain = diff_ids[0]
    for diff_id in diff_ids[1:]:
        chain = Digest.of(f"{chain} {diff_id}".encode())
    return chain

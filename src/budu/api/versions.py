"""Versions of the Engine API: which are served, and Docker's answers to the others."""

from __future__ import annotations

from typing import NamedTuple

from budu.base.errors import InvalidArgument


class ApiVersion(NamedTuple):
    """A version as in `/v1.51/…`; compares as numbers."""

    major: int
    """Always 1 so far."""
    minor: int
    """Grows with every change of the API."""

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    @classmethod
    def parse(cls, text: str) -> ApiVersion:
        """From `1.51`.

        Raises: InvalidArgument when the text is no version.
        """
        major, _, minor = text.partition(".")
        try:
            return cls(int(major), int(minor or "0"))
        except ValueError:
            raise InvalidArgument(f"invalid API version {text!r}: must be MAJOR.MINOR") from None


MIN_VERSION = ApiVersion(1, 40)
MAX_VERSION = ApiVersion(1, 51)


def negotiate(text: str) -> ApiVersion:
    """The version that the client named in the path.

    Raises: InvalidArgument when it is not served.
    Source: moby, daemon/server/middleware/version.go.
    """
    version = ApiVersion.parse(text)
    if version < MIN_VERSION:
        raise InvalidArgument(
            f"client version {text} is too old. Minimum supported API version is {MIN_VERSION}, "
            "please upgrade your client to a newer version"
        )
    if version > MAX_VERSION:
        raise InvalidArgument(
            f"client version {text} is too new. Maximum supported API version is {MAX_VERSION}"
        )
    return version

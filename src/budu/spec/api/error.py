"""The body of every answer that is an error.

Source: Engine API 1.51, ErrorResponse.
"""

from __future__ import annotations

import msgspec


class ErrorResponse(msgspec.Struct, frozen=True, kw_only=True):
    """`message` is Docker's sentence; clients show and parse it."""

    message: str

"""Records of the build cache. Source: Engine API 1.51, BuildCache."""

from __future__ import annotations

import msgspec

from budu.spec.api.fields import FALSE, NULL, TEXT, ZERO, Body


class BuildCache(Body, frozen=True, kw_only=True):
    """One step that need not be done again. Times are RFC 3339."""

    id: str = msgspec.field(name="ID", default_factory=str)
    parents: list[str] | None = None
    type: str = TEXT
    """`regular`, or `exec.cachemount` for a folder of `RUN --mount=type=cache`."""
    description: str = TEXT
    in_use: bool = FALSE
    """Whether a build is using it now."""
    shared: bool = FALSE
    """Whether an image that is here is made of it, so that removing it frees nothing."""
    size: int = ZERO
    """Bytes that it alone takes, unless `shared`."""
    created_at: str = TEXT
    last_used_at: str | None = NULL
    usage_count: int = ZERO

"""The contract of COPY and ADD: files of one tree become a layer over another.

`copy_digest` names what would be copied, so that the cache can tell whether it changed;
`write_copy` writes the layer. Both read the sources through descriptors below a root, because
contexts, images and archives are hostile. Blocking.
"""

from __future__ import annotations

import msgspec


class CopyPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One COPY or ADD, with everything looked up."""

    sources: tuple[str, ...]
    """Paths below the source root, with Go's wildcards."""
    files: tuple[tuple[str, bytes], ...] = ()
    """Files that have no source: name and content (here-documents, downloads)."""
    target: str
    """Absolute; with a slash at the end it is a folder."""
    owner: tuple[int, int] | None = None
    """uid and gid; None: root for what comes from the context, else as it is there."""
    mode: str = ""
    """Octal digits or symbols as of chmod; empty: as it is."""
    excludes: tuple[str, ...] = ()
    parents: bool = False
    unpacks: bool = False
    """Unpack archives into the target instead of copying them."""
    keeps_owners: bool = False
    """Whether the sources keep their owners where `owner` is None: those of stages and images."""

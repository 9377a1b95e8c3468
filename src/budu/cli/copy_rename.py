"""Gives the root of an archive another name, while it passes by. Imported when it is needed."""

from __future__ import annotations

import tarfile

from budu.cli.copy_rules import renamed
from budu.cli.copy_unpack import broken_off, members

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE = 1 << 16
_BLOCK = 512
_KEPT = ("SCHILY.xattr.", "mtime")


def rename_root(pieces: Iterator[bytes], old: str, new: str) -> Iterator[bytes]:
    """The same archive, its root called `new` where it was `old`."""
    for tar, info in members(pieces):
        content = tar.extractfile(info) if info.isreg() else None
        info.name = renamed(info.name, old, new)
        if info.islnk():
            info.linkname = renamed(info.linkname, old, new)
        if info.type == tarfile.GNUTYPE_SPARSE:
            info.type = tarfile.REGTYPE
        kept = {key: text for key, text in info.pax_headers.items() if key.startswith(_KEPT)}
        info.pax_headers = kept
        yield info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        try:
            while content is not None and (piece := content.read(_PIECE)):
                yield piece
        except tarfile.TarError as error:
            raise broken_off(error) from None
        if content is not None:
            yield bytes(-info.size % _BLOCK)
    yield bytes(2 * _BLOCK)

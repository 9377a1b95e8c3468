"""Changes of a container as the API tells them.

Source: Engine API 1.51, FilesystemChange.
"""

from __future__ import annotations

from budu.engine.contract.snapshots import Changes
from budu.spec.api.container import FilesystemChange


def change_rows(changes: Changes) -> list[FilesystemChange]:
    """A row per path; bytes that are no UTF-8 are replaced, as Go's encoder does."""
    return [
        FilesystemChange(path="/" + each.path.decode(errors="replace"), kind=int(each.kind))
        for each in changes
    ]

"""A layer put into a store, and what is in it then."""

from __future__ import annotations

import pytest
from tests.contract.layer_tools import (
    describe_tree,
    directory,
    make_tar,
    member,
)

from budu.snapshot.layers import LayerStore
from budu.spec.digest import Digest

EROFS_FORMS = [pytest.param(form, marks=pytest.mark.erofs) for form in ("erofs", "erofs attached")]


def add(store: LayerStore, tar: bytes, *, size: int = 100_000) -> Digest:
    writer = store.begin(Digest.of(tar))
    try:
        for at in range(0, len(tar), size):
            writer.write(tar[at : at + size])
        return writer.commit().diff_id
    finally:
        writer.abort()


def look(store: LayerStore, diff_id: Digest, **options) -> dict[str, tuple]:
    return describe_tree(f"/proc/self/fd/{store.lower(diff_id)}", **options)


LOWER = make_tar(
    [
        directory("./", mode=0o711, mtime=1),
        directory("etc"),
        member("etc/passwd", b"root", mode=0o640, gid=42),
        member("etc/removed", b"x"),
        directory("opaque"),
        member("opaque/old", b"x"),
        directory("tree/sub"),
        member("tree/sub/file", b"x"),
    ]
)
UPPER = make_tar(
    [
        directory("etc"),
        member("etc/.wh.removed"),
        member("etc/new", b"new", mode=0o4755),
        directory("opaque"),
        member("opaque/.wh..wh..opq"),
        member("opaque/new", b"x"),
        directory("only here"),
        member("only here/.wh.never was"),
        member("only here/kept", b"x"),
    ]
)

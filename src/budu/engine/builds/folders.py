"""The layer of a WORKDIR: the parts of its path that are missing."""

from __future__ import annotations

import os

from budu.archive.write import Sink
from budu.build.copying import MADE_NS
from budu.build.layer import CopiedLayer
from budu.build.target import Kind, Target


def write_folders(root: int, path: str, owner: tuple[int, int], write: Sink) -> bool:
    """Write a layer that makes `path` a directory below `root`; False, and nothing is written, when
    it is one already. Links in it are followed inside the root.

    Raises: InvalidArgument when a part of it is a file.
    """
    target = Target(root)
    place = target.resolve(os.fsencode(path))
    if target.kind(place) is Kind.FOLDER:
        return False
    layer = CopiedLayer(target, write, owner=owner, mtime_ns=MADE_NS)
    layer.ensure(place)
    layer.end()
    return True

"""Layers that COPY and ADD make, read back."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from budu.build.copying import CopyPart, CopyPlan, copy_digest, write_copies


@contextmanager
def opened(root: Path) -> Iterator[int]:
    """An `O_PATH` descriptor of a folder."""
    fd = os.open(root, os.O_PATH | os.O_DIRECTORY)
    try:
        yield fd
    finally:
        os.close(fd)


def layer_of(source: Path, target: Path | None, *sources: str, to: str, **plan: Any) -> bytes:
    """The bytes of the layer of one COPY."""
    out = io.BytesIO()
    with opened(source) as root, opened(target or source) as below:
        part = CopyPart(source_root=root, plan=CopyPlan(sources=sources, target=to, **plan))
        write_copies((part,), below if target else None, out.write)
    return out.getvalue()


def digest_of(source: Path, *sources: str, to: str, **plan: Any) -> str:
    """The digest of one COPY."""
    with opened(source) as root:
        return copy_digest(root, CopyPlan(sources=sources, target=to, **plan))


def members(layer: bytes) -> dict[str, tarfile.TarInfo]:
    """Members by name, the last one of each."""
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        return {each.name: each for each in tar}


def names(layer: bytes) -> list[str]:
    """Names of the members in order, without the root."""
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        return [each.name for each in tar if each.name != "."]


def content(layer: bytes, name: str) -> bytes:
    """What a file holds."""
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        file = tar.extractfile(name)
        assert file is not None
        return file.read()


def archive(*entries: tarfile.TarInfo | tuple[str, bytes]) -> bytes:
    """A tar of files, by name and content, and of other members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for each in entries:
            if isinstance(each, tarfile.TarInfo):
                tar.addfile(each)
                continue
            info = tarfile.TarInfo(each[0])
            info.size = len(each[1])
            tar.addfile(info, io.BytesIO(each[1]))
    return out.getvalue()


def member(name: str, kind: bytes, **fields: Any) -> tarfile.TarInfo:
    """A member that is no file."""
    info = tarfile.TarInfo(name)
    info.type = kind
    for field, value in fields.items():
        setattr(info, field, value)
    return info

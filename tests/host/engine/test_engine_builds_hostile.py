"""Contexts that mean harm, through the whole engine: nothing of the host is read, or goes."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from tests.support.builds import Built, send
from tests.support.engine import EngineProcess
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

MOUNTED = b"FROM busybox\nRUN --mount=type=bind,target=/m ls -aR /m\n"


class Hostile:
    """A tar, member by member."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._buffer, mode="w")

    def file(self, name: str, data: bytes = b"") -> Hostile:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        self._tar.addfile(entry, io.BytesIO(data))
        return self

    def link(self, name: str, target: str) -> Hostile:
        entry = tarfile.TarInfo(name)
        entry.type = tarfile.SYMTYPE
        entry.linkname = target
        self._tar.addfile(entry)
        return self

    def end(self) -> bytes:
        self._tar.close()
        return self._buffer.getvalue()


def test_an_ignored_dockerfile_below_a_link_leaves_the_host_alone(
    engine: EngineProcess, tmp_path: Path
) -> None:
    """The link leads to a folder of the host; within the context, to one of the same name."""
    victim = tmp_path / "Dockerfile"
    victim.write_text("of the host")
    context = Hostile().link("a", str(tmp_path)).file(f"{victim}"[1:], MOUNTED)
    context.file(".dockerignore", b"a/Dockerfile\n").file("f")
    built = Built(send(engine, context.end(), dockerfile="a/Dockerfile", forcerm=1))
    assert built.id
    assert victim.read_text() == "of the host"


def test_files_that_are_named_as_whiteouts_leave_nothing(engine: EngineProcess) -> None:
    text = b"FROM busybox\nCOPY f /got\nRUN cat /got\n"
    context = Hostile().file("Dockerfile", text).file(".wh.f").file("f", b"still here\n")
    built = Built(send(engine, context.end(), forcerm=1))
    assert "still here\n" in built.text, built.error
    eventually(lambda: not [*(engine.data_root / "build" / "contexts").iterdir()], "no context")

"""An engine that keeps what is asked of `POST /build`, for the genuine client and for ours."""

from __future__ import annotations

import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from cli_engine import main_words
from cli_recorder import EngineRecorder, Handler

IMAGE_ID = "sha256:" + "c0ffee" * 10 + "c0ff"
BUILT = [
    {"stream": "Step 1/1 : FROM scratch"},
    {"stream": "\n"},
    {"aux": {"ID": IMAGE_ID}},
    {"stream": "Successfully built c0ffeec0ffee\n"},
]
SHOWN = "Step 1/1 : FROM scratch\nSuccessfully built c0ffeec0ffee\n"


class Member(NamedTuple):
    """What an archive says of one member."""

    name: str
    kind: bytes
    mode: int
    owner: tuple[int, int]
    link: str
    data: bytes


class Request(NamedTuple):
    """One build as it came in."""

    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def members(self) -> list[Member]:
        return members_of(self.body)

    @property
    def names(self) -> list[str]:
        return [member.name for member in self.members]

    @property
    def files(self) -> dict[str, bytes]:
        return {member.name: member.data for member in self.members if member.kind == b"0"}


def members_of(body: bytes) -> list[Member]:
    """docker leaves an archive with a Dockerfile from elsewhere without its end."""
    whole = body if body[:2] == b"\x1f\x8b" else body + bytes(-len(body) % 512 + 1024)
    with tarfile.open(fileobj=io.BytesIO(whole)) as tar:
        return [
            Member(each.name, each.type, each.mode, (each.uid, each.gid), each.linkname,
                   _data(tar, each))
            for each in tar
        ]  # fmt: skip


def _data(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member) if member.isreg() else None
    return file.read() if file else b""


class _BuildHandler(Handler):
    def do_POST(self) -> None:
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.read_body()
        self.server.recorded.append(Request(parse_qs(url.query), headers, body))  # type: ignore[attr-defined]
        lines = self.server.messages  # type: ignore[attr-defined]
        self.answer(200, b"".join(json.dumps(line).encode() + b"\r\n" for line in lines))


class BuildRecorder(EngineRecorder):
    """`.request` is the only build that was asked for; `messages` are the answer."""

    def __init__(self, messages: list[dict[str, Any]] | None = None) -> None:
        super().__init__(_BuildHandler)
        self._server.messages = BUILT if messages is None else messages  # type: ignore[attr-defined]

    @property
    def request(self) -> Request:
        (found,) = self.recorded
        return found


@contextmanager
def standard_input(data: bytes) -> Iterator[None]:
    """Descriptor 0 gives `data`."""
    before = os.dup(0)
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        os.dup2(file.fileno(), 0)
        try:
            yield
        finally:
            os.dup2(before, 0)
            os.close(before)


def build(
    folder: Path,
    *words: str,
    stdin: bytes = b"",
    messages: list[dict[str, Any]] | None = None,
    status: int = 0,
) -> Request | None:
    """`budu build` with these words; what the engine was asked, None for nothing."""
    with BuildRecorder(messages) as engine, standard_input(stdin):
        assert main_words(engine.host, folder, "build", *words) == status
        return engine.recorded[-1] if engine.recorded else None

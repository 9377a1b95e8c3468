"""Builds at an engine's API, with contexts made of texts."""

from __future__ import annotations

import io
import json
import tarfile
import textwrap
import urllib.parse
from collections.abc import Mapping
from typing import Any

from tests.support.engine import EngineProcess, Reply, UnixConnection

Files = Mapping[str, str | bytes]


def context(files: Files, *, compression: str = "") -> bytes:
    """A tar of files; a name with a slash at its end is a folder."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=f"w:{compression}") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name.rstrip("/"))
            member.mtime = 1_700_000_000
            if name.endswith("/"):
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(member)
                continue
            body = content.encode() if isinstance(content, str) else content
            member.size, member.mode = len(body), 0o644
            archive.addfile(member, io.BytesIO(body))
    return data.getvalue()


class Built:
    """How a build went."""

    def __init__(self, reply: Reply) -> None:
        self.status = reply.status
        self.reply = reply
        self.lines = [json.loads(line) for line in reply.body.splitlines() if line.strip()]

    @property
    def text(self) -> str:
        """Everything that was told."""
        return "".join(line.get("stream", "") for line in self.lines)

    @property
    def id(self) -> str:
        """The image."""
        assert self.status == 200, self.reply.body
        assert self.error == "", self.error + "\n" + self.text
        (found,) = [line["aux"]["ID"] for line in self.lines if "aux" in line]
        return str(found)

    @property
    def error(self) -> str:
        """Why it failed."""
        if self.status != 200:
            return self.reply.message
        return str(self.lines[-1].get("error", "")) if self.lines else ""

    @property
    def code(self) -> int:
        """The status of the command that failed."""
        return int(self.lines[-1]["errorDetail"].get("code", 0))

    @property
    def cached(self) -> int:
        """Steps that came from the cache."""
        return self.text.count(" ---> Using cache\n")


def build(
    engine: EngineProcess, dockerfile: str, files: Files | None = None, **query: object
) -> Built:
    """Build a Dockerfile with a context of these files."""
    body = context({"Dockerfile": textwrap.dedent(dockerfile).lstrip("\n"), **(files or {})})
    return Built(send(engine, body, **query))


def send(engine: EngineProcess, body: bytes, **query: object) -> Reply:
    """POST /build with any body."""
    connection = UnixConnection(engine.socket)
    try:
        target = "/build?" + urllib.parse.urlencode(query, doseq=True)
        connection.request("POST", target, body, {"Content-Type": "application/x-tar"})
        answer = connection.getresponse()
        return Reply(answer.status, answer.read(), dict(answer.headers))
    finally:
        connection.close()


def config_of(engine: EngineProcess, image: str) -> dict[str, Any]:
    """How an image is run."""
    config = engine.request("GET", f"/images/{image}/json").json["Config"]
    assert isinstance(config, dict)
    return config


def created_by(engine: EngineProcess, image: str) -> list[str]:
    """The image's history, oldest first."""
    rows = engine.request("GET", f"/images/{image}/history").json
    return [row["CreatedBy"] for row in reversed(rows)]

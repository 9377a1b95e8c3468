"""A command of ours against an engine that answers by a script."""

from __future__ import annotations

import json
from pathlib import Path

from tests.fakes.scripted_http import ScriptedServer, answer, raw

from budu.cli.main import main

ID = "c0ffee" * 10 + "c0ff"


CREATED = answer(json.dumps({"Id": ID, "Warnings": []}).encode(), status="201 Created")


NO_CONTENT = raw(b"HTTP/1.1 204 No Content\r\n\r\n")


def refusal(message: str, status: str) -> object:
    return answer(json.dumps({"message": message}).encode(), status=status)


def run(server: ScriptedServer, folder: Path, *words: str, **environ: str) -> int:
    return main_words(f"unix://{server.path}", folder, *words, **environ)


def main_words(host: str, folder: Path, *words: str, **environ: str) -> int:
    """Our command line in this process, with an engine at `host` and its settings in `folder`."""
    return main(list(words), {"BUDU_HOST": host, "DOCKER_CONFIG": str(folder), **environ})


def requests_of(server: ScriptedServer) -> list[str]:
    return [" ".join(request.decode().split(" ", 2)[:2]) for request in server.requests]

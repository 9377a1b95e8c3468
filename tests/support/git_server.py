"""Repositories on loopback, by Git's own server and by a plain web server."""

from __future__ import annotations

import functools
import http.server
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

from tests.support.ports import free_port
from tests.support.waiting import eventually

DATE = "2001-02-03T04:05:06Z"
TIME_S = 981_173_106
"""When every commit was made."""

_ENV = {
    **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
       for what, value in (("NAME", "a"), ("EMAIL", "a@localhost"), ("DATE", DATE))},
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip


def git(folder: Path, *arguments: str) -> str:
    """What a command prints, by a person's own git."""
    command = ["git", "-c", "protocol.file.allow=always", "-c", "init.defaultBranch=trunk"]
    done = subprocess.run(
        [*command, *arguments], cwd=folder, env=_ENV, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def make_repository(folder: Path) -> Path:
    """An empty repository with a work tree."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet")
    return folder


def commit(folder: Path, message: str = "change") -> str:
    """Commit all that is there; the commit."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    git(folder, "update-server-info")
    return git(folder, "rev-parse", "HEAD")


class GitDaemon:
    """`git daemon` over the repositories below a folder; `git://127.0.0.1:PORT/NAME`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self.url = f"git://127.0.0.1:{self._port}"

    def __enter__(self) -> GitDaemon:
        self._process = subprocess.Popen(
            [
                "git",
                "daemon",
                "--export-all",
                "--reuseaddr",
                f"--base-path={self._folder}",
                "--listen=127.0.0.1",
                f"--port={self._port}",
            ],
            env=_ENV,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        eventually(self._answers, "git daemon listens")
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _answers(self) -> bool:
        assert self._process.poll() is None, "git daemon ended"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


class PlainServer:
    """A web server that knows nothing of Git; `http://127.0.0.1:PORT/NAME/.git`."""

    def __init__(self, folder: Path) -> None:
        handler = functools.partial(_Quiet, directory=os.fspath(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> PlainServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

"""A Git repository as a context: cloned with the `git` of this machine, so with the person's keys.

The repository is not trusted: only network transports are used, also for its submodules, none of
its hooks runs, and the folder that is asked for may not lead out of it.
Source: docker/cli 28.2 `cli/command/image/build/internal/git` (addresses, sentences); Docker
reference, `docker build`, "Git repositories".
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile

from budu.base.environment import environment
from budu.base.errors import Hint
from budu.cli.build.source import unprepared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from budu.cli.failures import CommandFailed

_TRANSPORTS = "git:http:https:ssh"
_SETTINGS = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "advice.detachedHead=false")
_KEEP_FOLDER = "BUILDKIT_CONTEXT_KEEP_GIT_DIR"
_TRUE = ("1", "true")


class Repository:
    """What an address names: `REMOTE[#[REF][:FOLDER]]`."""

    __slots__ = ("folder", "ref", "remote")

    def __init__(self, text: str) -> None:
        remote, _, fragment = text.partition("#")
        ref, _, folder = fragment.partition(":")
        self.remote = f"https://{remote}" if remote.startswith("github.com/") else remote
        self.ref = ref or "HEAD"
        self.folder = folder


class Clone:
    """A clone in a folder of its own; whoever makes it removes it, too."""

    def __init__(self, text: str, arguments: Sequence[str]) -> None:
        """`arguments` are those of `--build-arg`: one of them keeps `.git`."""
        self._repository = Repository(text)
        self._keeps_git = any(
            name == _KEEP_FOLDER and value.lower() in _TRUE
            for name, _, value in (pair.partition("=") for pair in arguments)
        )
        self._top = ""

    def folder(self) -> str:
        """Clones it; the folder that is the context. Raises: CommandFailed in Docker's words."""
        if shutil.which("git", path=environment().get("PATH")) is None:
            raise unprepared(
                "unable to find 'git': exec: \"git\": executable file not found in $PATH",
                hint=Hint("cli.build-no-git"),
            )
        self._top = os.path.realpath(tempfile.mkdtemp(prefix="budu-build-git"))
        self._fetch()
        return self._context_folder()

    def remove(self) -> None:
        """Takes it away, also when it was not finished."""
        if self._top:
            shutil.rmtree(self._top, ignore_errors=True)

    def _fetch(self) -> None:
        repository = self._repository
        self._git("init", "--quiet", "--template=", why="failed to init repo")
        self._git("remote", "add", "origin", "--", repository.remote, why="failed add origin repo")
        fetch = ("origin", "--", repository.ref)
        if self._run("fetch", "--quiet", "--depth=1", *fetch).returncode:
            self._git("fetch", "--quiet", *fetch, why="error fetching")
        why = f"error checking out {repository.ref}"
        self._git("checkout", "--quiet", "--force", "FETCH_HEAD", why=why)
        modules = ("submodule", "update", "--quiet", "--init", "--recursive")
        self._git(*modules, why="error initializing submodules")
        if not self._keeps_git:
            shutil.rmtree(os.path.join(self._top, ".git"))

    def _context_folder(self) -> str:
        named = self._repository.folder.lstrip("/")
        folder = os.path.realpath(os.path.join(self._top, named))
        if folder != self._top and not folder.startswith(f"{self._top}/"):
            raise _failure(f'error setting git context, "{named}" not within git root')
        if not os.path.isdir(folder):
            raise _failure(f"error setting git context, not a directory: {named}")
        return folder

    def _git(self, *words: str, why: str) -> None:
        done = self._run(*words)
        if done.returncode:
            raise _failure(f"{why}: {done.stdout.decode('utf-8', 'replace').strip()}")

    def _run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        environ = {**environment(), "GIT_ALLOW_PROTOCOL": _TRANSPORTS}
        return subprocess.run(
            ["git", *settings, *words],
            cwd=self._top,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )


def _failure(message: str) -> CommandFailed:
    return unprepared(f"unable to 'git clone' to temporary context directory: {message}")

"""Git repositories as contexts and as sources of ADD, by the host's `git`. Blocking.

A repository may be hostile. `git` runs with a configuration of ours alone: no hooks, templates,
filters, prompts or credential helpers, submodules included, and nothing but HTTP, SSH and Git's own
protocol, so that no address leads to files of this host. What is checked out is then a context like
any other. The same commit always makes the same tree: `.git` goes, and all files are as old as the
commit. Source: Dockerfile reference, "ADD" and docker build, "Git repositories"; moby 28.3
builder/remotecontext/git (sentences); git-config(1), git(1). Addresses: `git_address`.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit, urlunsplit

from budu.archive.faults import os_errors
from budu.archive.remove import remove_entry
from budu.archive.walk import handle_path, walk
from budu.base.environment import environment
from budu.base.errors import (
    BuduError,
    DeadlineExceeded,
    Hint,
    InvalidArgument,
    NotFound,
    Unavailable,
)
from budu.build.context import ROOT_NAME, Context, discard, make_root, remove_below
from budu.build.git_address import SCHEMES, GitSource
from budu.linux.waiting import open_below

DEADLINE_S = 3600.0
"""For one command of `git`. Transfers that stand still end after a minute."""

_LINGERS_S = 10.0
_COMMIT = re.compile(r"[0-9a-f]{7,64}\Z")
_PASSED_ON = (
    "PATH",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    *(f"{way}_proxy" for way in ("http", "https", "all", "no")),
    *(f"{way}_PROXY" for way in ("HTTP", "HTTPS", "ALL", "NO")),
)
_OUTPUT_MAX = 8 << 10
_CONFIG = """\
[core]
    hooksPath = /dev/null
    fsmonitor = false
    symlinks = true
    autocrlf = false
[init]
    templateDir =
    defaultBranch = main
[protocol]
    allow = never
[protocol "http"]
    allow = always
[protocol "https"]
    allow = always
[protocol "ssh"]
    allow = always
[protocol "git"]
    allow = always
[credential]
    helper =
[http]
    lowSpeedLimit = 1
    lowSpeedTime = 60
[advice]
    detachedHead = false
[gc]
    auto = 0
[maintenance]
    auto = false
[fetch]
    recurseSubmodules = false
"""


class GitFetch:
    """One fetch. `run` blocks in a thread of its own; `stop` may be called from any other."""

    def __init__(self, source: GitSource, folder: Path, *, keeps_git: bool = False) -> None:
        self._source = source
        self._folder = folder
        self._keeps_git = keeps_git if source.keeps_git is None else source.keeps_git
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopped = False

    def stop(self) -> None:
        """End `run` soon, with an error."""
        with self._lock:
            self._is_stopped = True
            if self._process is not None:
                _kill(self._process)

    def run(self) -> Context:
        """The files of the commit, as a context in the folder. On an error nothing stays.

        Raises: NotFound for what is not in the repository; Unavailable when it cannot be had or
        there is no `git`; DeadlineExceeded; InvalidArgument for a checksum or folder that does not
        fit.
        """
        root = make_root(self._folder)
        try:
            with os_errors("write git's configuration"):
                (self._folder / "config").write_text(_CONFIG)
            commit = self._check_out(root)
            self._settle(root, commit)
            self._choose(root)
            (self._folder / "config").unlink()
            return Context(self._folder)
        except BaseException:
            discard(self._folder)
            raise

    # Git

    def _check_out(self, root: Path) -> str:
        source = self._source
        self._git(root, "init", "--quiet", "--template=", why="failed to init repo")
        self._git(
            root, "remote", "add", "origin", "--", source.remote, why="failed add origin repo"
        )
        found = self._fetch(root, source.ref or "HEAD")
        name = f"{found}^{{commit}}"
        commit = self._line(root, "rev-parse", "--verify", name)
        if source.checksum and not _is_of(commit, source.checksum):
            raise InvalidArgument(
                f"expected checksum to match {source.checksum}, got {commit}",
                reference=source.remote,
            )
        why = f"error checking out {source.ref or 'HEAD'}"
        self._git(root, "checkout", "--quiet", "--force", "--detach", commit, why=why)
        if source.submodules and (root / ".gitmodules").is_file():
            modules = ("submodule", "--quiet", "update", "--init", "--recursive", "--depth=1")
            self._git(root, *modules, why="error initializing submodules")
        return commit

    def _fetch(self, root: Path, ref: str) -> str:
        """Fetch as little as the server lets us; what the commit is called here."""
        why = "error fetching"
        fetch = ("fetch", "--quiet", "--no-tags")
        try:
            try:
                self._git(root, *fetch, "--depth=1", "origin", "--", ref, why=why)
            except Unavailable as error:
                if "shallow" not in error.message:
                    raise
                self._git(root, *fetch, "origin", "--", ref, why=why)
        except (Unavailable, NotFound):
            if not _COMMIT.match(ref):
                raise
            everything = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
            self._git(root, *fetch, "origin", "--", *everything, why=why)
            return ref
        return "FETCH_HEAD"

    def _line(self, root: Path, *arguments: str) -> str:
        """The last line of what a command prints: warnings may stand before it."""
        return self._git(root, *arguments, why="error fetching").strip().rpartition("\n")[2]

    def _git(self, root: Path, *arguments: str, why: str) -> str:
        """What a command prints. Raises: as `run`."""
        with self._lock:
            if self._is_stopped:
                raise Unavailable("git: stopped")
            self._process = _start(["git", *arguments], root, self._environment())
        process = self._process
        is_whole = False
        try:
            output = _read_output(process, self._source.remote)
            is_whole = True
        finally:
            with self._lock:  # from here on nobody else sends it a signal: its id may become free
                self._process = None
            _end(process, by_force=not is_whole)
        if process.returncode == 0:
            return output
        reason = output.strip() or f"exit status {process.returncode}"
        raise _failed(f"{why}: {reason}", self._source.remote)

    def _environment(self) -> dict[str, str]:
        known = environment()
        passed = {name: known[name] for name in _PASSED_ON if name in known}
        return {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            **passed,
            "HOME": os.fspath(self._folder),
            "XDG_CONFIG_HOME": os.fspath(self._folder),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.fspath(self._folder / "config"),
            "GIT_ALLOW_PROTOCOL": ":".join(SCHEMES),
            "GIT_PROTOCOL_FROM_USER": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
            "GIT_CEILING_DIRECTORIES": os.fspath(self._folder),
        }

    # Files

    def _settle(self, root: Path, commit: str) -> None:
        """Take Git's own files away and date the others like the commit."""
        shown = self._line(root, "show", "-s", "--format=%ct", commit)
        time_s = int(shown) if shown.isdecimal() else 0
        fd = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with os_errors("settle the files of a repository"):
                if not self._keeps_git:
                    for path in _git_files(fd):
                        remove_below(fd, path)
                for found in walk(fd, prunes=lambda path: path == b".git"):
                    os.utime(handle_path(found.fd), (time_s, time_s))
                os.utime(handle_path(fd), (time_s, time_s))
        finally:
            os.close(fd)

    def _choose(self, root: Path) -> None:
        """Make the folder that was asked for the root."""
        if not self._source.subdir:
            return
        chosen = self._folder / "chosen"
        with os_errors("settle the files of a repository"):
            os.rename(_folder_in(root, self._source.subdir), chosen)
            fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                with suppress(FileNotFoundError):  # it was the root itself that was chosen
                    remove_entry(ROOT_NAME, dir_fd=fd)
            finally:
                os.close(fd)
            os.rename(chosen, root)


def _folder_in(root: Path, subdir: str) -> str:
    """The real path of a folder of the repository, links followed inside it."""
    fd = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        inner = open_below(fd, subdir, os.O_PATH | os.O_DIRECTORY)
    except NotADirectoryError as error:
        message = f"error setting git context, not a directory: {subdir}"
        raise InvalidArgument(message, reference=subdir) from error
    except OSError as error:
        message = f'error setting git context, "{subdir}" not within git root'
        raise NotFound(message, reference=subdir) from error
    finally:
        os.close(fd)
    try:
        return os.readlink(handle_path(inner)).decode(errors="surrogateescape")
    finally:
        os.close(inner)


def _git_files(fd: int) -> list[bytes]:
    """The repository itself, and what submodules say of theirs."""
    is_git = {b".git"}
    return [
        found.path
        for found in walk(fd, prunes=lambda path: path.rpartition(b"/")[2] in is_git)
        if found.path.rpartition(b"/")[2] in is_git
    ]


def _is_of(commit: str, checksum: str) -> bool:
    return _COMMIT.match(checksum) is not None and commit.startswith(checksum)


def _start(command: list[str], root: Path, env: dict[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            cwd=root,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o022,
        )
    except FileNotFoundError:
        raise Unavailable(
            "unable to find 'git': exec: \"git\": executable file not found in $PATH",
            hint=Hint("contexts.no-git"),
        ) from None


def _read_output(process: subprocess.Popen[bytes], remote: str) -> str:
    """The end of what a command prints, without what only its user may know."""
    assert process.stdout is not None
    fd = process.stdout.fileno()
    deadline = monotonic() + DEADLINE_S
    kept = b""
    while True:
        ready, _, _ = select.select([fd], [], [], max(deadline - monotonic(), 0))
        if not ready:
            raise DeadlineExceeded(f"git: no end within {DEADLINE_S:.0f} seconds")
        piece = os.read(fd, 64 << 10)
        if not piece:
            return _without_secrets(kept.decode(errors="replace"), remote)
        kept = (kept + piece)[-_OUTPUT_MAX:]


def _without_secrets(text: str, remote: str) -> str:
    url = urlsplit(remote)
    known, at, host = url.netloc.rpartition("@")
    if not at or url.scheme not in ("http", "https"):
        return text
    bare = urlunsplit(url._replace(netloc=host))
    return text.replace(remote, bare).replace(f"{known}@", "")


def _failed(message: str, remote: str) -> BuduError:
    is_missing = "couldn't find remote ref" in message or "not found" in message
    kind = NotFound if is_missing else Unavailable
    return kind(
        message, hint=Hint("contexts.git-failed"), reference=_without_secrets(remote, remote)
    )


def _end(process: subprocess.Popen[bytes], *, by_force: bool) -> None:
    """Wait for a command that has said all it had to say."""
    if by_force:
        _kill(process)
    try:
        process.wait(_LINGERS_S)
    except subprocess.TimeoutExpired:
        _kill(process)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a command and what it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)

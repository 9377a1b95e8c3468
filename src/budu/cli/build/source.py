"""Where a build's context is, and where its Dockerfile. Light.

Source: docker/cli 28.2 `cli/command/image/build/context.go` and `context_detect.go` (rules and
sentences); moby `builder/remotecontext/urlutil` (what a Git address looks like).
"""

from __future__ import annotations

import os

from budu.base.errors import Hint
from budu.cli.failures import CommandFailed

LOCAL, STDIN, GIT, URL = "local", "stdin", "git", "url"
"""Kinds of contexts."""
STANDARD_INPUT = "-"
DOCKERFILE = "Dockerfile"
IGNORE_FILE = ".dockerignore"

_WEB = ("http://", "https://")
_GIT = ("git://", "git@", "github.com/")


class Place:
    """A folder that is a context, and its Dockerfile."""

    __slots__ = ("dockerfile", "name", "root")

    def __init__(self, root: str, dockerfile: str) -> None:
        self.root = root
        """The folder: absolute, without links."""
        self.dockerfile = dockerfile
        """The Dockerfile: absolute, without links; `-` for standard input."""
        self.name = os.path.relpath(dockerfile, root) if os.path.isabs(dockerfile) else dockerfile
        """The Dockerfile seen from the folder; begins with `../` when it is not in there."""

    @property
    def is_inside(self) -> bool:
        """Whether the Dockerfile is a file of the context."""
        return self.name != STANDARD_INPUT and not self.name.startswith("../")

    @property
    def rules(self) -> tuple[str, ...]:
        """Where ignore files may be: beside the Dockerfile, which counts first, and on top."""
        beside = () if self.name == STANDARD_INPUT else (f"{self.dockerfile}{IGNORE_FILE}",)
        return (*beside, os.path.join(self.root, IGNORE_FILE))


def kind_of(text: str) -> str:
    """What an argument of `build` names. Raises: CommandFailed for nothing."""
    if text == STANDARD_INPUT:
        return STDIN
    if os.path.exists(text):
        return LOCAL
    if text.startswith(_GIT):
        return GIT
    if text.startswith(_WEB):
        return GIT if text.partition("#")[0].endswith(".git") else URL
    raise unprepared(f'path "{text}" not found')


def unprepared(message: str, *, hint: Hint | None = None) -> CommandFailed:
    """The error of a context that cannot be had."""
    return CommandFailed(f"unable to prepare context: {message}", hint=hint)


def locate(folder: str, given: str) -> Place:
    """The context in `folder`, whose Dockerfile is at `given`; empty for the usual place.

    A relative `given` counts from the current folder, not from the context.
    Raises: CommandFailed in Docker's words.
    """
    root = _resolve(folder, "context path")
    if not os.path.isdir(root):
        raise unprepared(f"context must be a directory: {root}")
    if given == STANDARD_INPUT:
        return Place(root, given)
    path = given or _usual(root)
    return Place(root, _resolve(path, "Dockerfile path", hint=_find_hint(folder, root, given)))


def locate_inside(root: str, given: str) -> Place:
    """As `locate`, for a folder that was fetched: `given` is in it, and nothing that is read of it
    may lead out. Raises: CommandFailed.
    """
    place = locate(root, os.path.join(root, given) if given not in ("", STANDARD_INPUT) else given)
    if place.name.startswith("../"):
        raise unprepared(f"the Dockerfile ({given}) must be within the build context")
    for path in place.rules:
        real = os.path.realpath(path)
        if os.path.relpath(real, place.root).startswith("../"):
            name = os.path.relpath(path, place.root)
            raise unprepared(f"the ignore file ({name}) must be within the build context")
    return place


def _usual(root: str) -> str:
    """`Dockerfile`; `dockerfile` where only that one is there."""
    path = os.path.join(root, DOCKERFILE)
    other = os.path.join(root, DOCKERFILE.lower())
    return other if not os.path.lexists(path) and os.path.lexists(other) else path


def _resolve(path: str, what: str, *, hint: Hint | None = None) -> str:
    try:
        return os.path.realpath(os.path.abspath(path), strict=True)
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise unprepared(
            f"unable to evaluate symlinks in {what}: lstat {error.filename}: {reason}",
            hint=hint if isinstance(error, FileNotFoundError) else None,
        ) from None


def _find_hint(folder: str, root: str, given: str) -> Hint | None:
    """What may have been meant, by what there is."""
    if given:
        inside = os.path.join(folder, given)
        meant = os.path.exists(inside) and not os.path.exists(given)
        return Hint("cli.build-file-inside", path=inside) if meant else None
    near = sorted(name for name in os.listdir(root) if _looks_like_one(name))
    if not near:
        return Hint("cli.build-no-file", folder=root)
    return Hint("cli.build-file-near", path=os.path.join(folder, near[0]), folder=folder)


def _looks_like_one(name: str) -> bool:
    small = name.lower()
    return not small.endswith(".dockerignore") and (
        small.startswith(("dockerfile", "containerfile")) or small.endswith(".dockerfile")
    )

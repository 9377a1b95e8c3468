"""The rules of `cp`: what its arguments mean, where things go, what they are called there. Light.

Pure but for `os.path`'s text functions. Source: docker/cli `container cp` (arguments, sentences);
moby `pkg/archive/copy.go` (the table that `place` is).
"""

from __future__ import annotations

import os.path

from budu.cli.failures import CommandFailed

VOLUME = "volume:"
_MAGIC = frozenset("*?[")


class End:
    """One argument of `cp`: a path here, in a container, in a volume, or `-`."""

    __slots__ = ("kind", "path", "ref", "text")

    def __init__(self, kind: str, path: str, *, ref: str = "", text: str = "") -> None:
        self.kind = kind
        """`local`, `container`, `volume` or `pipe`."""
        self.path = path
        """The path there, as written."""
        self.ref = ref
        """The container or volume."""
        self.text = text
        """The argument as written."""

    @property
    def is_remote(self) -> bool:
        """Whether an engine has it."""
        return self.kind in ("container", "volume")

    @property
    def has_pattern(self) -> bool:
        """Whether the path may be a pattern."""
        return self.is_remote and not _MAGIC.isdisjoint(self.path)

    def at(self, path: str) -> End:
        """Another path of the same tree."""
        return End(self.kind, path, ref=self.ref, text=self.show(path))

    def show(self, path: str) -> str:
        """A path of this tree, as an argument would name it."""
        if not self.is_remote:
            return path
        return f"{VOLUME}{self.ref}{path}" if self.kind == "volume" else f"{self.ref}:{path}"


def parse_end(text: str) -> End:
    """What an argument means. `./a:b` and `/a:b` are always here, `-` is standard input or output.

    `volume:NAME/path` is in a volume; `volume:/path` is still in a container of that name.
    """
    if text == "-":
        return End("pipe", "-", text=text)
    name, colon, path = text.partition(":")
    if text.startswith("/") or not colon or name.startswith(".") or not name:
        return End("local", text, text=text)
    if name == "volume" and path and not path.startswith("/"):
        volume, slash, rest = path.partition("/")
        return End("volume", slash + rest or "/", ref=volume, text=text)
    return End("container", path, ref=name, text=text)


def check_direction(source: End, target: End) -> None:
    """Raises: CommandFailed when an engine has neither end, or both are pipes and paths here."""
    if not source.is_remote and not target.is_remote:
        raise CommandFailed("must specify at least one container source")


class Target:
    """What is known of the place that something is copied to."""

    __slots__ = ("exists", "is_directory", "path")

    def __init__(self, path: str, *, exists: bool = False, is_directory: bool = False) -> None:
        self.path = path
        self.exists = exists
        self.is_directory = is_directory


def place(base: str, *, is_directory: bool, target: Target) -> tuple[str, str]:
    """The directory to unpack in, and the name that the source called `base` has there.

    Raises: CommandFailed with Docker's sentence for what cannot be copied onto that.
    """
    if target.exists and target.is_directory:
        return target.path, base
    folder, name = split_entry(target.path)
    if target.exists and is_directory:
        raise CommandFailed("cannot copy directory")
    if not target.exists and not is_directory and asserts_directory(target.path):
        raise CommandFailed("no such directory")
    return folder, name


def split_entry(path: str) -> tuple[str, str]:
    """Directory and last name; of `x/.` they are `x` and `.`."""
    cleaned = os.path.normpath(path or ".")
    if is_current(path):
        return cleaned, "."
    return os.path.dirname(cleaned) or ".", os.path.basename(cleaned) or "/"


def base_name(path: str) -> str:
    """The last name, without slashes behind it."""
    if not path:
        return "."
    return os.path.basename(path.rstrip("/")) or "/"


def is_current(path: str) -> bool:
    """Whether a path ends in `.`: what is in the directory is meant, not the directory."""
    return base_name(path) == "."


def asserts_directory(path: str) -> bool:
    """Whether a path says that it is a directory."""
    return path.endswith("/") or is_current(path)


def keep_ending(cleaned: str, original: str) -> str:
    """A cleaned path with the `/` or `/.` that the original had at its end."""
    if is_current(original) and not is_current(cleaned):
        cleaned = cleaned.rstrip("/") + "/."
    if original.endswith("/") and not cleaned.endswith("/"):
        cleaned += "/"
    return cleaned


def rebase(path: str, resolved: str) -> tuple[str, str]:
    """For a link that was followed: where it leads, and the name it keeps (empty: none)."""
    resolved = keep_ending(resolved, path)
    name = base_name(path)
    return resolved, name if name != base_name(resolved) else ""


def renamed(name: str, old: str, new: str) -> str:
    """A member's name when the root `old` of its archive is called `new`."""
    if old == "/":
        return new + name if name.strip("/") else new
    if name.rstrip("/") == old:
        return new
    return new + name[len(old) :] if name.startswith(old + "/") else name

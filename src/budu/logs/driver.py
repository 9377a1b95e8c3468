"""The contract of log drivers, and the drivers of this engine.

A driver says how the shim writes a container's output and how the engine reads it back. The shim
always writes the frame log (`logs.frames`): attach lives on it, and Docker's formats are rendered
when somebody reads. The drivers differ in what they keep and whether it may be read:

    json-file, local   rotated frame log, 10 MiB × 5 unless the options say otherwise
    none               a small ring, for attach only

Life cycle: `settings()` when the container is created, `LogSettings.shim_order()` at each start,
a `LogReader` over the folder at any time; `files.clear` and the folder's removal end it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from budu.base.errors import Hint, InvalidArgument, NotImplementedHere
from budu.logs.files import LOG_NAME

DEFAULT_MAX_SIZE = 10 * 1024 * 1024
"""Bytes after which a file is rotated unless `max-size` says otherwise."""
DEFAULT_MAX_FILES = 5
"""Files that are kept unless `max-file` says otherwise."""
DEFAULT_DRIVER = "json-file"
"""The driver of containers that name none."""
_RING_SIZE = 8 * 1024 * 1024
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_ATTRIBUTE_OPTIONS = frozenset({"labels", "labels-regex", "env", "env-regex", "tag"})
_ROTATION_OPTIONS = frozenset({"max-size", "max-file", "compress", "mode", "max-buffer-size"})


class LogSettings(Struct, frozen=True, kw_only=True):
    """How one container's output is kept."""

    max_size: int
    """Bytes after which a file is rotated; 0 never."""
    max_files: int
    """Files that are kept, the current one included."""

    def shim_order(self, directory: str) -> dict[str, object]:
        """The `log` part of the shim's start order for a log in `directory`."""
        return {
            "path": f"{directory}/{LOG_NAME}",
            "max_size": self.max_size,
            "max_files": self.max_files,
        }


class LogDriver(Protocol):
    """One way to keep what containers write."""

    @property
    def name(self) -> str:
        """Docker's name of the driver."""

    def settings(self, options: Mapping[str, str]) -> LogSettings:
        """Check a container's log options and read them.

        Raises: InvalidArgument for an unknown or malformed option.
        """

    def check_readable(self) -> None:
        """Do nothing when logs may be read back.

        Raises: NotImplementedHere when this driver keeps nothing to read.
        """


class FrameLogDriver:
    """`json-file` and `local`: the rotated frame log."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        """Docker's name of the driver."""
        return self._name

    def settings(self, options: Mapping[str, str]) -> LogSettings:
        """Read `max-size` and `max-file`; `compress` is accepted and has no effect.

        Raises: InvalidArgument for an unknown or malformed option.
        """
        for option in options:
            if option not in _ATTRIBUTE_OPTIONS | _ROTATION_OPTIONS:
                raise InvalidArgument(
                    f"unknown log opt '{option}' for {self._name} log driver",
                    hint=Hint("logs.known-options", options="max-size, max-file, labels, env, tag"),
                )
        return LogSettings(
            max_size=_parse_size(options.get("max-size")),
            max_files=_parse_count(options.get("max-file")),
        )

    def check_readable(self) -> None:
        """Logs of this driver may be read."""


class NoneDriver:
    """`none`: nothing may be read back; a ring of two files serves attached clients."""

    name = "none"

    def settings(self, options: Mapping[str, str]) -> LogSettings:
        """The ring. Docker takes any option here."""
        return LogSettings(max_size=_RING_SIZE, max_files=2)

    def check_readable(self) -> None:
        """Refuse, in Docker's words.

        Raises: NotImplementedHere always.
        """
        raise NotImplementedHere(
            "configured logging driver does not support reading", hint=Hint("logs.driver-none")
        )


def find_driver(name: str) -> LogDriver:
    """The driver of this name; the empty name is the default.

    Raises: InvalidArgument when there is none.
    """
    match name or DEFAULT_DRIVER:
        case "json-file" | "local" as known:
            return FrameLogDriver(known)
        case "none":
            return NoneDriver()
    raise InvalidArgument(
        f"logger: no log driver named '{name}' is registered",
        hint=Hint("logs.known-drivers", drivers="json-file, local, none"),
        reference=name,
    )


def _parse_size(text: str | None) -> int:
    """`10m` in bytes; `-1` is no limit."""
    if text is None:
        return DEFAULT_MAX_SIZE
    if text == "-1":
        return 0
    lower = text.strip().lower()
    number = lower.removesuffix("b").rstrip("kmgtp")
    unit = lower[len(number) :].rstrip("b").removesuffix("i")
    try:
        size = int(float(number) * _UNITS[unit])
    except (ValueError, KeyError, OverflowError):
        size = 0
    if size <= 0:
        raise InvalidArgument(
            f"invalid size: '{text}'", hint=Hint("logs.max-size-form", value=text)
        )
    return size


def _parse_count(text: str | None) -> int:
    if text is None:
        return DEFAULT_MAX_FILES
    if not text.isdecimal() or not 0 < int(text) <= 1000:
        raise InvalidArgument(
            "max-file cannot be less than 1", hint=Hint("logs.max-file-form", value=text)
        )
    return int(text)

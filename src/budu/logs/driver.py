"""The contract of log drivers, and the drivers of this engine.

A driver says how the shim writes a container's output, whether it may be read back, and where
else it goes. The shim always writes the frame log (`logs.frames`): attach and `logs` live on it.

    local                                rotated frame log
    json-file                            the same, and Docker's JSON lines for other programs
    syslog, journald, fluentd, gelf      the same, sent on by the engine
    none                                 a small ring, for attach only

Life cycle: `settings()` when the container is created, `LogSettings.shim_order()` at each start,
a `LogReader` over the folder at any time, a `sink()` while there is something to pass on;
`files.clear` and the folder's removal end it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from budu.base.errors import Hint, InvalidArgument, NotImplementedHere
from budu.logs.files import LOG_NAME
from budu.logs.options import COMMON, check_known, read_count, read_flag, read_size
from budu.logs.senders import fluentd, gelf, journald, syslog
from budu.logs.senders.contract import Sender
from budu.logs.sinks import JsonFileSink, SendingSink, Sink
from budu.logs.source import LogSource

DEFAULT_MAX_SIZE = 20 * 1024 * 1024
"""Bytes after which a file is rotated unless `max-size` says otherwise."""
DEFAULT_MAX_FILES = 5
"""Files that are kept unless `max-file` says otherwise."""
DEFAULT_DRIVER = "local"
"""The driver of containers that name none, unless the engine's settings say otherwise."""
UNLIMITED_PIECE = 64 * 1024 * 1024
"""Where `max-size` is unlimited, bytes of one file: pieces can be packed and counted."""
_RING_SIZE = 8 * 1024 * 1024
_ROTATION = frozenset({"max-size", "max-file", "compress"})


class LogSettings(Struct, frozen=True, kw_only=True):
    """How one container's output is kept."""

    max_size: int
    """Bytes after which a file is rotated; 0 never."""
    max_files: int
    """Files that are kept, the current one included; 0 for any number."""
    compress: bool = True
    """Whether the engine packs rotated files."""
    readable: bool = True
    """Whether `logs` may read."""

    def shim_order(self, directory: str) -> dict[str, object]:
        """The `log` part of the shim's start order for a log in `directory`."""
        return {
            "path": f"{directory}/{LOG_NAME}",
            "max_size": self.max_size,
            "max_files": self.max_files,
        }

    def check_readable(self) -> None:
        """Do nothing when logs may be read back.

        Raises: NotImplementedHere, in Docker's words, when nothing is kept to read.
        """
        if not self.readable:
            raise NotImplementedHere(
                "configured logging driver does not support reading", hint=Hint("logs.driver-none")
            )


class LogDriver(Protocol):
    """One way to keep what containers write."""

    @property
    def name(self) -> str:
        """Docker's name of the driver."""

    @property
    def forwards(self) -> bool:
        """Whether there is a sink."""

    def settings(self, options: Mapping[str, str]) -> LogSettings:
        """Check a container's log options and read them.

        Raises: InvalidArgument for an unknown or malformed option.
        """

    def sink(self, source: LogSource, json_path: str) -> Sink | None:
        """Where the output goes besides; `json_path` is that of Docker's JSON file.

        Raises: InvalidArgument for what only shows when it is used, as a tag.
        """


class LocalDriver:
    """`local`: the rotated frame log."""

    name = "local"
    forwards = False

    def settings(self, options: Mapping[str, str]) -> LogSettings:
        """`max-size`, `max-file`, `compress`. Raises: InvalidArgument."""
        check_known(self.name, options, _ROTATION | COMMON)
        return _rotation(options)

    def sink(self, source: LogSource, json_path: str) -> Sink | None:
        """None."""
        return None


class JsonFileDriver(LocalDriver):
    """`json-file`: the frame log, and the file that Docker would have written."""

    name = "json-file"
    forwards = True

    def sink(self, source: LogSource, json_path: str) -> Sink | None:
        """The JSON file."""
        settings = self.settings(source.options)
        return JsonFileSink(
            json_path, source, max_size=settings.max_size, max_files=settings.max_files or 1000
        )


class SendingDriver:
    """A driver that sends entries to a server; `logs` reads the frame log, Docker's "cache"."""

    forwards = True

    def __init__(
        self,
        name: str,
        check: Callable[[Mapping[str, str]], None],
        sender: Callable[[LogSource], Sender],
    ) -> None:
        self.name = name
        self._check = check
        self._sender = sender

    def settings(self, options: Mapping[str, str]) -> LogSettings:
        """The `cache-` options. Raises: InvalidArgument for anything wrong in the others too."""
        self._check(options)
        return _rotation(
            options,
            prefix="cache-",
            readable=not read_flag(options, "cache-disabled", default=False),
        )

    def sink(self, source: LogSource, json_path: str) -> Sink | None:
        """The server."""
        return SendingSink(self._sender(source))


class NoneDriver:
    """`none`: nothing may be read back; a ring of two files serves attached clients."""

    name = "none"
    forwards = False

    def settings(self, options: Mapping[str, str]) -> LogSettings:
        """The ring. Docker takes any option here."""
        return LogSettings(max_size=_RING_SIZE, max_files=2, compress=False, readable=False)

    def sink(self, source: LogSource, json_path: str) -> Sink | None:
        """None."""
        return None


_DRIVERS: dict[str, Callable[[], LogDriver]] = {
    "fluentd": lambda: SendingDriver("fluentd", fluentd.check, fluentd.FluentdSender),
    "gelf": lambda: SendingDriver("gelf", gelf.check, gelf.GelfSender),
    "journald": lambda: SendingDriver("journald", journald.check, journald.JournaldSender),
    "json-file": JsonFileDriver,
    "local": LocalDriver,
    "none": NoneDriver,
    "syslog": lambda: SendingDriver("syslog", syslog.check, syslog.SyslogSender),
}
DRIVER_NAMES = tuple(_DRIVERS)
"""All drivers, sorted."""


def find_driver(name: str) -> LogDriver:
    """The driver of this name; the empty name is the default.

    Raises: InvalidArgument when there is none.
    """
    make = _DRIVERS.get(name or DEFAULT_DRIVER)
    if make is None:
        raise InvalidArgument(
            f"logger: no log driver named '{name}' is registered",
            hint=Hint("logs.known-drivers", drivers=", ".join(DRIVER_NAMES)),
            reference=name,
        )
    return make()


def _rotation(
    options: Mapping[str, str], *, prefix: str = "", readable: bool = True
) -> LogSettings:
    size = read_size(options, f"{prefix}max-size", DEFAULT_MAX_SIZE)
    files = read_count(options, f"{prefix}max-file", DEFAULT_MAX_FILES)
    return LogSettings(
        max_size=size or UNLIMITED_PIECE,
        max_files=files if size else 0,
        compress=read_flag(options, f"{prefix}compress", default=True),
        readable=readable,
    )

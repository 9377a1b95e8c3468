"""Sets up the standard library's logging: one line a record, `key=value` pairs or JSON.

Extra fields are given as `logger.info("pulled", extra={"image": name})`.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import TextIO

from budu.base.clock import format_time
from budu.base.errors import InvalidArgument

LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
    "panic": logging.CRITICAL,
}
"""Docker's names of the levels."""

_LEVEL_NAMES = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warning",
    logging.ERROR: "error",
    logging.CRITICAL: "fatal",
}
_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def parse_level(name: str) -> int:
    """The level called `name`.

    Raises: InvalidArgument with Docker's sentence.
    """
    level = LEVELS.get(name.lower())
    if level is None:
        raise InvalidArgument(f"invalid logging level: {name}")
    return level


def set_up_logging(level: int, *, as_json: bool = False, stream: TextIO | None = None) -> None:
    """Send everything of `level` and above to `stream` (stderr). Called once, by main programs."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else KeyValueFormatter())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)


def record_fields(record: logging.LogRecord, formatter: logging.Formatter) -> dict[str, object]:
    """What a record says: time, level, msg, logger, its extra fields and the exception."""
    fields: dict[str, object] = {
        "time": format_time(int(record.created * 1_000_000) * 1_000),
        "level": _LEVEL_NAMES.get(record.levelno, record.levelname.lower()),
        "msg": record.getMessage(),
        "logger": record.name,
    }
    for name, value in vars(record).items():
        if name not in _STANDARD_FIELDS:
            fields[name] = value
    if record.exc_info:
        fields["error"] = formatter.formatException(record.exc_info)
    return fields


class KeyValueFormatter(logging.Formatter):
    """`time=… level=info msg="container started" id=…`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; values are quoted where they need it, line ends inside become `\\n`."""
        fields = record_fields(record, self)
        return " ".join(f"{name}={_quoted(str(value))}" for name, value in fields.items())


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; values that JSON does not know become text."""
        return json.dumps(record_fields(record, self), default=str, ensure_ascii=False)


def _quoted(value: str) -> str:
    if value and not any(c.isspace() or c in '"=' or not c.isprintable() for c in value):
        return value
    return json.dumps(value, ensure_ascii=False)

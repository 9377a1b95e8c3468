"""Reading log options: sizes, counts, switches and addresses, with Docker's sentences."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from budu.base.errors import Hint, InvalidArgument
from budu.base.units import parse_bytes
from budu.logs.source import check_pattern, check_tag

COMMON = frozenset({"labels", "labels-regex", "env", "env-regex", "tag"})
"""Options of every driver that writes entries."""
CACHE = frozenset({"cache-disabled", "cache-max-size", "cache-max-file", "cache-compress"})
"""Options of the copy from which `logs` reads when the driver sends entries away."""
NOT_STARTED = "failed to initialize logging driver: "
"""Before sentences about values, which Docker reads when a container starts."""
_MODES = frozenset({"mode", "max-buffer-size"})
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


class Address(Struct, frozen=True, kw_only=True):
    """Where a log server listens."""

    scheme: str
    """`tcp`, `udp`, `unix`, `unixgram`, `tcp+tls`, …"""
    host: str = ""
    """Name or address."""
    port: int = 0
    """0 when none was given."""
    path: str = ""
    """Of a unix socket."""


_UNKNOWN = {
    "gelf": 'unknown log opt "{0}" for gelf log driver',
    "local": "unknown log opt '{0}' for log driver local",
}


def check_known(driver: str, options: Mapping[str, str], known: Collection[str]) -> None:
    """Refuse what the driver does not know, and what every driver refuses.

    Raises: InvalidArgument.
    """
    sentence = _UNKNOWN.get(driver, f"unknown log opt '{{0}}' for {driver} log driver")
    for option in options:
        if option not in known and option not in _MODES:
            raise InvalidArgument(
                sentence.format(option),
                hint=Hint("logs.known-options", options=", ".join(sorted(known))),
            )
    _check_mode(options)
    check_tag(options.get("tag", ""))
    for name in ("labels-regex", "env-regex"):
        check_pattern(options.get(name, ""))


def _check_mode(options: Mapping[str, str]) -> None:
    mode = options.get("mode", "")
    if mode not in ("", "blocking", "non-blocking"):
        raise InvalidArgument(f"logger: logging mode not supported: {mode}")
    if "max-buffer-size" in options:
        if mode != "non-blocking":
            raise InvalidArgument(
                "logger: max-buffer-size option is only supported with 'mode=non-blocking'"
            )
        try:
            parse_bytes(options["max-buffer-size"])
        except InvalidArgument as error:
            raise InvalidArgument(
                f"error parsing option max-buffer-size: {error.message}"
            ) from None


def read_flag(options: Mapping[str, str], name: str, *, default: bool) -> bool:
    """A switch, by the words that Go takes. Raises: InvalidArgument."""
    text = options.get(name, "")
    if not text:
        return default
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise InvalidArgument(
        f'invalid value for {name}: strconv.ParseBool: parsing "{text}": invalid syntax'
    )


def read_size(options: Mapping[str, str], name: str, default: int) -> int:
    """`10m` in bytes; `-1` is no limit and becomes 0. Raises: InvalidArgument."""
    text = options.get(name)
    if text is None:
        return default
    if text == "-1":
        return 0
    try:
        size = parse_bytes(text)
    except InvalidArgument:
        size = 0
    if size <= 0:
        raise InvalidArgument(
            f"{NOT_STARTED}invalid size: '{text}'", hint=Hint("logs.max-size-form", value=text)
        )
    return size


def read_count(options: Mapping[str, str], name: str, default: int) -> int:
    """A number of files, 1 to 1000. Raises: InvalidArgument."""
    text = options.get(name)
    if text is None:
        return default
    if not text.isdecimal() or not 0 < int(text) <= 1000:
        raise InvalidArgument(
            f"{NOT_STARTED}{name} cannot be less than 1",
            hint=Hint("logs.max-file-form", value=text),
        )
    return int(text)


def read_number(options: Mapping[str, str], name: str, default: int) -> int:
    """A whole number, not negative. Raises: InvalidArgument."""
    text = options.get(name, "")
    if not text:
        return default
    if not text.isdecimal():
        raise InvalidArgument(f'unknown value "{text}" for log opt "{name}"')
    return int(text)


def read_address(text: str, *, option: str, schemes: Collection[str]) -> Address:
    """`tcp://host:port` or `unix:///path`. Raises: InvalidArgument."""
    parts = urlsplit(text)
    if not parts.scheme or "://" not in text or parts.scheme not in schemes:
        raise InvalidArgument(
            f"{option} should be in form proto://address, got {text}",
            hint=Hint("logs.address-form", schemes=", ".join(sorted(schemes))),
        )
    try:
        port = parts.port or 0
    except ValueError as error:
        raise InvalidArgument(f"invalid {option} {text}: {error}") from None
    if parts.scheme.startswith("unix"):
        return Address(scheme=parts.scheme, path=parts.path)
    return Address(scheme=parts.scheme, host=parts.hostname or "", port=port)

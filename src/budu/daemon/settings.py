"""The engine's settings: command line over `daemon.json` over defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from budu.base.errors import InvalidArgument
from budu.daemon.flags import read_flags
from budu.daemon.option_rules import check
from budu.daemon.options import (
    DEFAULT_CONFIG_FILE,
    DEFAULT_DATA_ROOT,
    DEFAULT_EXEC_ROOT,
    Options,
)
from budu.daemon.settings_file import KEYS, read_file

_LISTS = frozenset(
    {"hosts", "insecure_registries", "registry_mirrors", "dns", "dns_search", "dns_opts"}
)
"""Settings that add up when they are given in both places."""


def read_options(argv: Sequence[str]) -> Options:
    """The settings from the command line and the settings file.

    Raises: InvalidArgument for a bad file, a key set in both places, or a wrong value.
    """
    given, config_file = read_flags(argv)
    from_file = read_file(config_file)
    both = sorted(set(given) & set(from_file) - _LISTS)
    if both:
        flag = next(key for key, name in KEYS.items() if name == both[0])
        raise InvalidArgument(
            "unable to configure the Docker daemon with file "
            f"{config_file or DEFAULT_CONFIG_FILE}: the following directives are specified both "
            f"as a flag and in the configuration file: {flag}"
        )
    for key in _LISTS & set(given) & set(from_file):
        given[key] = [*_as_list(from_file[key]), *_as_list(given[key])]
    return _build({**from_file, **given})


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _build(values: Mapping[str, object]) -> Options:
    data_root = Path(str(values.get("data_root", DEFAULT_DATA_ROOT))).absolute()
    exec_root = Path(str(values.get("exec_root", DEFAULT_EXEC_ROOT))).absolute()
    complete = {
        **values,
        "data_root": str(data_root),
        "exec_root": str(exec_root),
        "hosts": values.get("hosts") or [f"unix://{exec_root}/budu.sock"],
        "pidfile": str(values.get("pidfile") or exec_root / "budu.pid"),
    }
    try:
        options = msgspec.convert(complete, Options, dec_hook=_to_path)
    except msgspec.ValidationError as error:
        raise InvalidArgument(f"invalid settings: {error}") from None
    check(options)
    return options


def _to_path(kind: type, value: object) -> object:
    return kind(value)

"""The engine's default log driver and options, and what a container makes of them.

A container that is given none by anybody has a driver without a name: that is `local`, shown to
clients as `json-file`. docker-py and old composes read the output of drivers of that name only.
Source: moby, daemon/logs.go (mergeAndVerifyLogConfig): options count for the default driver only;
docker-py, models/containers.py (run).
"""

from __future__ import annotations

from budu.base.errors import InvalidArgument
from budu.logs.driver import DEFAULT_DRIVER, find_driver
from budu.spec.api.host_config import LogConfig


def default_log_config(driver: str, options: dict[str, str]) -> LogConfig:
    """The engine's setting, checked.

    Raises: InvalidArgument for an unknown driver or option.
    """
    try:
        find_driver(driver).settings(options)
    except InvalidArgument as error:
        raise InvalidArgument(f"failed to set log opts: {error.message}", hint=error.hint) from None
    return LogConfig(type=driver or DEFAULT_DRIVER, config=options)


def complete_log_config(wanted: LogConfig, default: LogConfig) -> LogConfig:
    """What a container was created with, completed by the engine's setting."""
    driver = wanted.type or default.type
    options = wanted.config or {}
    if driver == default.type:
        options = {**(default.config or {}), **options}
    unnamed = not wanted.type and driver == DEFAULT_DRIVER
    return LogConfig(type="" if unnamed else driver, config=options)


def shown_log_config(config: LogConfig) -> LogConfig:
    """What clients are told of a container's driver."""
    return LogConfig(type=config.type or "json-file", config=config.config or {})

"""The engine's default log driver and options, and what a container makes of them.

Source: moby, daemon/logs.go (mergeAndVerifyLogConfig): options count for the default driver only.
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
    return LogConfig(type=driver, config=options)

"""A container's record as log drivers see it."""

from __future__ import annotations

import os

from budu.base.clock import format_time
from budu.engine.containers.model import Container
from budu.logs.driver import LogSettings, find_driver
from budu.logs.source import LogSource


def log_settings(container: Container) -> LogSettings:
    """How its output is kept."""
    config = container.host_config.log_config
    return find_driver(config.type).settings(config.config or {})


def log_source(container: Container) -> LogSource:
    """What tags and attributes are made of."""
    return LogSource(
        id=container.id,
        name=container.name,
        image_id=container.image_id,
        image_name=container.image_name,
        command=" ".join((container.path, *container.args)),
        created=format_time(container.created_ns),
        hostname=os.uname().nodename,
        labels=container.config.labels or {},
        env=dict(entry.partition("=")[::2] for entry in container.config.env or ()),
        options=container.host_config.log_config.config or {},
    )

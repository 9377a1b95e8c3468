"""All cases, in the order of the table. What each group measures is in `bench.groups`."""

from __future__ import annotations

from bench.case import Case
from bench.groups import api, builds, commands, images, logs, many, memory, networks, ports

CASES: tuple[Case, ...] = (
    *commands.CASES,
    *api.CASES,
    *many.CASES,
    *images.CASES,
    *builds.CASES,
    *logs.CASES,
    *ports.CASES,
    *networks.CASES,
    *memory.CASES,
)
"""Every case."""

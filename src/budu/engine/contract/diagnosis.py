"""What a look at a container's network found. See `engine.networks.doctor`."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import msgspec

from budu.base.errors import Hint


class Outcome(StrEnum):
    """How a step of a diagnosis ended. Skipped: it cannot be told here."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was tried: `name`, `route`, `nat` or `port`; `finding` says what came."""

    name: str
    outcome: Outcome
    finding: Hint


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """All that was tried, in the order of dependence, from inside `container`.

    `container` is empty when none runs that could be asked. `problems` are what the host itself
    shows.
    """

    container: str = ""
    steps: tuple[Step, ...] = ()
    problems: tuple[Hint, ...] = ()


class NetworkDoctor(Protocol):
    """Finds out why a container has no network."""

    async def examine(self, ref: str) -> Diagnosis:
        """Try name, route, NAT and ports from inside a container; any when `ref` is empty.

        Takes some seconds at worst. Raises: NotFound; Conflict when it does not run.
        """

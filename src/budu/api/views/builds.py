"""The lines of a build as Docker's clients read them, and the answer to a prune of its cache.

Source: Engine API 1.51, BuildInfo, BuildPrune; moby 28.5, pkg/streamformatter, pkg/jsonmessage.
"""

from __future__ import annotations

from typing import assert_never

import msgspec

from budu.api.views.pull import error_line, pull_line
from budu.base.errors import BuduError
from budu.distribution.progress import PullEvent
from budu.engine.contract.builds import (
    BuildEvent,
    BuildResult,
    BuildText,
    PrunedCache,
    StepFailed,
)
from budu.spec.api.image import BuildPruneResponse, ProgressMessage


def build_line(event: BuildEvent) -> bytes:
    """One line."""
    match event:
        case BuildText():
            return text_line(event.text)
        case BuildResult():
            message = ProgressMessage(aux={"ID": event.image_id})
            return msgspec.json.encode(message) + b"\r\n"
        case PullEvent():
            return pull_line(event)
    assert_never(event)


def text_line(text: str) -> bytes:
    """A line whose text a client prints as it is."""
    return msgspec.json.encode(ProgressMessage(stream=text)) + b"\r\n"


def failure_line(error: BuduError, language: str) -> bytes:
    """The last line of a build that failed; `code` is what a command of the Dockerfile returned,
    and what `docker build` then returns."""
    return error_line(error, language, code=error.code if isinstance(error, StepFailed) else 0)


def prune_view(pruned: PrunedCache) -> BuildPruneResponse:
    """The records that went, null for none, and bytes."""
    return BuildPruneResponse(caches_deleted=list(pruned.ids) or None, space_reclaimed=pruned.freed)

"""Why a container ended, as the list and the inspection tell it."""

from __future__ import annotations

import msgspec

from budu.base.endings import sentence
from budu.engine.containers import model
from budu.engine.containers.model import Container
from budu.spec.api.container import Ending


def ending_view(container: Container) -> Ending | None:
    """How the last life ended, worded in English; None before the first end."""
    return _view(container.ending) if container.ending is not None else None


def ending_of_row(container: Container) -> Ending | None:
    """The same for the list, where it matters only while nothing runs."""
    return None if container.is_running else ending_view(container)


def _view(ending: model.Ending) -> Ending:
    view = Ending(**msgspec.structs.asdict(ending))
    return msgspec.structs.replace(view, message=sentence(msgspec.to_builtins(view), "en"))

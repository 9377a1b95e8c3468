"""The lines of a pull as Docker's clients read them.

Source: Engine API 1.51, CreateImageInfo; moby 28.3, pkg/jsonmessage and pkg/streamformatter.
"""

from __future__ import annotations

import msgspec

from budu.api.errors import code_of
from budu.base import messages
from budu.base.errors import BuduError
from budu.base.units import human_size
from budu.distribution.progress import ProgressEvent, PullEvent
from budu.spec.api.image import ProgressDetail, ProgressMessage

_BAR_WIDTH = 50
_PULLING_FROM = "Pulling from"


class StreamErrorDetail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error inside a stream; `kind` and `hint` are ours, as `code` and `hint` of an answer.

    `code` is the exit status of a build's command.
    """

    code: int = 0
    message: str
    kind: str = ""
    hint: str = ""


class StreamError(msgspec.Struct, frozen=True, kw_only=True):
    """The line that ends a failed stream."""

    error_detail: StreamErrorDetail = msgspec.field(name="errorDetail")
    error: str


def pull_line(event: ProgressEvent) -> bytes:
    """One line. The sum over all layers goes out as `aux`, which Docker's clients pass over."""
    return msgspec.json.encode(_message(event)) + b"\r\n"


def import_line(event: PullEvent) -> bytes:
    """One line of an import, whose steps belong to no layer."""
    if not event.total:
        return status_line(event.status)
    message = ProgressMessage(
        status=event.status,
        progress_detail=ProgressDetail(current=event.current, total=event.total),
        progress=progress_bar(event.current, event.total),
    )
    return msgspec.json.encode(message) + b"\r\n"


def status_line(status: str) -> bytes:
    """A line that only says something."""
    return msgspec.json.encode(ProgressMessage(status=status)) + b"\r\n"


def error_line(error: BuduError, language: str, *, code: int = 0) -> bytes:
    """The line that ends a stream whose work failed after it had begun."""
    hint = messages.render(error.hint, language) if error.hint is not None else ""
    detail = StreamErrorDetail(code=code, message=error.message, kind=code_of(error), hint=hint)
    return msgspec.json.encode(StreamError(error_detail=detail, error=error.message)) + b"\r\n"


def _message(event: ProgressEvent) -> ProgressMessage:
    if not isinstance(event, PullEvent):
        return ProgressMessage(aux=msgspec.to_builtins(event))
    if not event.id or event.status.startswith(_PULLING_FROM):
        return ProgressMessage(status=event.status, id=event.id)
    detail = ProgressDetail(current=event.current, total=event.total)
    return ProgressMessage(
        status=event.status,
        id=event.id,
        progress_detail=detail,
        progress=progress_bar(event.current, event.total),
    )


def progress_bar(current: int, total: int) -> str:
    """`[=====>     ]  1.2MB/3MB`, for clients that print it as it comes; empty without a size."""
    if total <= 0:
        return ""
    done = min(current * _BAR_WIDTH // total, _BAR_WIDTH)
    bar = "=" * done + ">" + " " * (_BAR_WIDTH - done)
    return f"[{bar}] {human_size(current):>8}/{human_size(total)}"

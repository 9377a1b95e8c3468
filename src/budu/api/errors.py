"""The one table from our errors to HTTP, and the body that tells them.

Docker's clients read the status and `message`. Ours also read `code`, which keeps classes apart
that share a status, and show `hint` below the message; others ignore both.
"""

from __future__ import annotations

import errno
import logging

from budu.api.http.limits import ClientGone, HttpFault
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.base import errors, messages

log = logging.getLogger(__name__)

_UNEXPECTED = "unexpected error in the engine: {}"

STATUSES: dict[type[errors.BuduError], int] = {
    errors.InvalidArgument: 400,
    errors.Unauthenticated: 401,
    errors.PermissionDenied: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.AlreadyExists: 409,
    errors.NotModified: 304,
    errors.ResourceExhausted: 500,
    errors.NotImplementedHere: 501,
    errors.Unavailable: 500,
    errors.DeadlineExceeded: 500,
    errors.Internal: 500,
    errors.DataLoss: 500,
}
"""Docker answers 500 for everything that is not the client's fault, registries included."""

_CODES = {
    kind: "".join("-" + c.lower() if c.isupper() else c for c in kind.__name__).lstrip("-")
    for kind in STATUSES
}


def status_of(error: errors.BuduError) -> int:
    """The HTTP status for an error of our tree."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)


def code_of(error: errors.BuduError) -> str:
    """The class of an error as our clients read it: `not-found`, `already-exists` …"""
    return next((_CODES[kind] for kind in type(error).__mro__ if kind in _CODES), "internal")


def language_of(request: Request) -> str:
    """The language for hints: what Accept-Language prefers of the catalogue's."""
    return messages.accepted_language(request.header("accept-language"))


def error_document(error: errors.BuduError, language: str) -> dict[str, str]:
    """The body that tells an error: `message`, `code` and, where there is one, `hint`."""
    document = {"message": error.message, "code": code_of(error)}
    if error.hint is not None:
        document["hint"] = messages.render(error.hint, language)
    return document


def answer_error(request: Request, error: Exception) -> Response:
    """The answer to a request whose handler raised; logs what is not the client's doing.

    Raises: `error` itself when an answer has begun already, and when the client is gone.
    """
    if request.began or isinstance(error, ClientGone):
        raise error
    match error:
        case HttpFault():
            return Response.json({"message": error.message}, status=error.status)
        case errors.BuduError():
            return _answer_known(request, error)
        case OSError(errno=errno.ENOSPC):
            return _answer_known(request, _no_room(error))
        case _:
            log.error("%s %s: unexpected error", request.method, request.path, exc_info=error)
            message = _UNEXPECTED.format(type(error).__name__)
            return Response.json({"message": message, "code": "internal"}, status=500)


def told_error(request: Request, error: Exception) -> errors.BuduError:
    """What the last line of an answer that has begun says of a failure; logs what is not ours.

    Raises: `error` itself when the client is gone.
    """
    match error:
        case ClientGone():
            raise error
        case errors.BuduError():
            return error
        case HttpFault():
            return errors.InvalidArgument(error.message)
        case OSError(errno=errno.ENOSPC):
            return _no_room(error)
        case _:
            log.error("%s %s: unexpected error", request.method, request.path, exc_info=error)
            return errors.Internal(_UNEXPECTED.format(type(error).__name__))


def _no_room(error: OSError) -> errors.BuduError:
    place = str(error.filename or "")
    return errors.ResourceExhausted(
        f"write {place}: no space left on device" if place else "no space left on device",
        hint=errors.Hint("archive.disk-full", place=place) if place else None,
    )


def _answer_known(request: Request, error: errors.BuduError) -> Response:
    status = status_of(error)
    if status >= 500 and status != 501:
        log.error("%s %s: %s", request.method, request.path, error.message)
    if status == 304:
        return Response.empty(304)
    return Response.json(error_document(error, language_of(request)), status=status)

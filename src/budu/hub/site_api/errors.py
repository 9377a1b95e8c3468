"""The one table from our errors to the site's API, and the body that tells them."""

from __future__ import annotations

import logging

from aiohttp import web

from budu.base import errors, messages
from budu.hub.accounts.throttle import TooManyAttempts
from budu.hub.http import json_response
from budu.hub.sentences import Sentence
from budu.hub.site_api.records import Failure

log = logging.getLogger(__name__)

STATUSES: dict[type[errors.BuduError], int] = {
    errors.InvalidArgument: 400,
    errors.Unauthenticated: 401,
    errors.PermissionDenied: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.AlreadyExists: 409,
    TooManyAttempts: 429,
    errors.ResourceExhausted: 507,
    errors.NotImplementedHere: 501,
    errors.Unavailable: 503,
    errors.DeadlineExceeded: 504,
    errors.Internal: 500,
    errors.DataLoss: 500,
}


def code_of(error: errors.BuduError) -> str:
    """The class of an error in words: `not-found`, `too-many-attempts` …"""
    kind = next((each for each in type(error).__mro__ if each in STATUSES), errors.Internal)
    return "".join("-" + c.lower() if c.isupper() else c for c in kind.__name__).lstrip("-")


def status_of(error: errors.BuduError) -> int:
    """The HTTP status of an error."""
    return next((STATUSES[each] for each in type(error).__mro__ if each in STATUSES), 500)


def failure_of(error: errors.BuduError, language: str) -> Failure:
    """What tells an error in the reader's language."""
    message = error.message
    return Failure(
        message=message.in_language(language) if isinstance(message, Sentence) else str(message),
        hint=messages.render(error.hint, language) if error.hint else None,
        code=code_of(error),
    )


def answer_error(request: web.Request, error: Exception, language: str) -> web.Response:
    """The answer to a request that failed; logs what is not the client's doing."""
    if not isinstance(error, errors.BuduError):
        log.error("%s %s: unexpected error", request.method, request.path, exc_info=error)
        error = errors.Internal(Sentence("hub.unexpected", kind=type(error).__name__))
    status = status_of(error)
    if status >= 500:
        log.error("%s %s: %s", request.method, request.path, error.message)
    headers = {}
    if isinstance(error, TooManyAttempts):
        headers["Retry-After"] = str(error.retry_after_s)
    return json_response(failure_of(error, language), status=status, headers=headers)

"""From a method and a path to a handler: the table of operations and its compiled form.

A path template's `{name}` stands for one segment, `{name:.*}` for one or more, because image names
contain slashes. A lookup asks one dict for paths without parameters, then one for the method with
the first and last segment, which leaves one or two patterns to try.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

import msgspec

from budu.api.errors import answer_error
from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.versions import MAX_VERSION, MIN_VERSION, ApiVersion, negotiate
from budu.base.errors import InvalidArgument, NotFound

T = TypeVar("T", bound=msgspec.Struct)

Handler = Callable[[Request], Response | Coroutine[Any, Any, Reply]]
"""A plain function answers at once, which spares the request a task; others are coroutines."""

_PREFIX = re.compile(r"/v([0-9]+(?:\.[0-9]+)*)(/.*)\Z", re.DOTALL)
_PARAMETER = re.compile(r"\{(\w+)(:\.\*)?\}")
_SLASHED = "/containers//"
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One operation of the API."""

    method: str
    """Upper-case method."""
    path: str
    """Template without the version prefix."""
    operation: str
    """Operation id in the API's definition, such as `ContainerCreate`."""
    handler: Handler
    """Answers a request."""
    body: type | None = None
    """What the JSON body is decoded to; None when there is none."""
    since: ApiVersion = MIN_VERSION
    """First API version that has it."""
    until: ApiVersion = MAX_VERSION
    """Last API version that has it."""
    follows_client: bool = False
    """Whether the handler is cancelled when the client leaves before its answer."""
    waits: bool = True
    """Whether the handler is a coroutine; a plain function answers at once."""


def route(
    method: str,
    path: str,
    handler: Handler,
    *,
    operation: str,
    body: type[msgspec.Struct] | None = None,
    since: ApiVersion = MIN_VERSION,
    until: ApiVersion = MAX_VERSION,
    follows_client: bool = False,
) -> Route:
    """An operation without a JSON body, or with one that its handler decodes by itself."""
    return Route(
        method=method,
        path=path,
        operation=operation,
        handler=handler,
        body=body,
        since=since,
        until=until,
        follows_client=follows_client,
        waits=inspect.iscoroutinefunction(handler),
    )


def route_json(
    method: str,
    path: str,
    handler: Callable[[Request, T], Coroutine[Any, Any, Reply]],
    *,
    operation: str,
    body: type[T],
    body_required: bool = False,
) -> Route:
    """An operation whose JSON body is decoded before its handler is called."""

    async def decode_then_handle(request: Request) -> Reply:
        return await handler(request, await request.json(body, required=body_required))

    return Route(
        method=method, path=path, operation=operation, handler=decode_then_handle, body=body
    )


class _Pattern(msgspec.Struct, frozen=True):
    route: Route
    regex: re.Pattern[str]


class Router:
    """Finds the operation of a request and runs it; what it raises becomes the answer.

    Two routes of one method and path must not share a version: ValueError.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        """The table, as given."""
        self._static: dict[tuple[str, str], list[Route]] = {}
        self._patterns: dict[tuple[str, str, str], list[_Pattern]] = {}
        for one in self.routes:
            self._refuse_overlap(one)
            self._add(one)

    def __call__(self, request: Request) -> Response | Coroutine[Any, Any, Reply]:
        """Answers a request. Only `asyncio.CancelledError`, a client that left, and a failure after
        the answer began come out."""
        try:
            if request.method == "OPTIONS":
                return Response.empty(200)
            found = self._resolve(request)
            if isinstance(found, Response):
                return found
            return _wait(found, request) if found.waits else found.handler(request)
        except Exception as error:
            return answer_error(request, error)

    def find(self, method: str, path: str, version: ApiVersion) -> tuple[Route, dict[str, str]]:
        """The operation of a path without version prefix, and the path's parameters.

        Raises: NotFound.
        """
        for one in self._static.get((method, path), ()):
            if one.since <= version <= one.until:
                return one, {}
        segments = path.split("/")
        for last in (segments[-1], ""):
            for pattern in self._patterns.get((method, segments[1], last), ()):
                if not pattern.route.since <= version <= pattern.route.until:
                    continue
                if match := pattern.regex.match(path):
                    return pattern.route, match.groupdict()
        raise NotFound("page not found")

    def _resolve(self, request: Request) -> Route | Response:
        """Cuts the version off the path and fills the request in."""
        if "\0" in request.path or not request.path.startswith("/"):
            raise InvalidArgument("invalid request path")
        if versioned := _PREFIX.match(request.path):
            request.version = negotiate(versioned[1])
            request.path = versioned[2]
        if request.path.startswith(_SLASHED):  # a container's name as Docker spells it: /web
            request.path = "/containers/" + request.path[len(_SLASHED) :].lstrip("/")
        try:
            found, request.params = self.find(request.method, request.path, request.version)
        except NotFound:
            allowed = self._methods_of(request)
            if not allowed:
                raise
            document = {"message": f"method {request.method} is not allowed here"}
            return Response.json(document, status=405, headers={"Allow": ", ".join(allowed)})
        return found

    def _methods_of(self, request: Request) -> list[str]:
        return [method for method in _METHODS if self._has(method, request)]

    def _has(self, method: str, request: Request) -> bool:
        try:
            _, params = self.find(method, request.path, request.version)
        except NotFound:
            return False
        # a greedy parameter takes any rest of a path: that says nothing about this one
        return not any("/" in value for value in params.values())

    def _add(self, one: Route) -> None:
        if "{" not in one.path:
            self._static.setdefault((one.method, one.path), []).append(one)
            return
        segments = one.path.split("/")
        last = "" if "{" in segments[-1] else segments[-1]
        patterns = self._patterns.setdefault((one.method, segments[1], last), [])
        patterns.append(_Pattern(one, _compile(one.path)))
        # longer templates are the more particular ones: /containers/{id}/attach/ws before a greedy
        patterns.sort(key=lambda pattern: -pattern.route.path.count("/"))

    def _refuse_overlap(self, one: Route) -> None:
        for other in self.routes:
            same = other is not one and (other.method, other.path) == (one.method, one.path)
            if same and other.since <= one.until and one.since <= other.until:
                raise ValueError(f"two routes for {one.method} {one.path}")


async def _wait(found: Route, request: Request) -> Reply:
    """Runs a handler that waits."""
    try:
        if found.follows_client:
            request.follow_client()
        answer = found.handler(request)
        return answer if isinstance(answer, Response) else await answer
    except Exception as error:
        return answer_error(request, error)


def _compile(template: str) -> re.Pattern[str]:
    """A regular expression of the template, with a named group per parameter."""
    parts = []
    at = 0
    for parameter in _PARAMETER.finditer(template):
        parts.append(re.escape(template[at : parameter.start()]))
        parts.append(f"(?P<{parameter[1]}>{'.+' if parameter[2] else '[^/]+'})")
        at = parameter.end()
    parts.append(re.escape(template[at:]))
    return re.compile("".join(parts) + r"\Z", re.DOTALL)

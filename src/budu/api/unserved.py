"""Operations of Docker's API that this engine does not serve, and what it answers.

Each is answered 501 with a sentence, so that a client learns what is missing instead of "page not
found". A test holds this table and the served routes against the API's definition; `Grpc` is not in
it, but buildx asks for it.
"""

from __future__ import annotations

from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.routing import Route, route
from budu.base.errors import Hint, NotImplementedHere

_BUILDKIT = "BuildKit's protocol is not served by this engine"
_SWARM = "swarm mode is not part of this engine"
_PLUGINS = "managed plugins are not part of this engine"

UNSERVED: dict[str, dict[str, str]] = {
    _BUILDKIT: {
        "Session": "POST /session",
        "Grpc": "POST /grpc",
    },
    _SWARM: {
        "ConfigCreate": "POST /configs/create",
        "ConfigDelete": "DELETE /configs/{id}",
        "ConfigInspect": "GET /configs/{id}",
        "ConfigList": "GET /configs",
        "ConfigUpdate": "POST /configs/{id}/update",
        "NodeDelete": "DELETE /nodes/{id}",
        "NodeInspect": "GET /nodes/{id}",
        "NodeList": "GET /nodes",
        "NodeUpdate": "POST /nodes/{id}/update",
        "SecretCreate": "POST /secrets/create",
        "SecretDelete": "DELETE /secrets/{id}",
        "SecretInspect": "GET /secrets/{id}",
        "SecretList": "GET /secrets",
        "SecretUpdate": "POST /secrets/{id}/update",
        "ServiceCreate": "POST /services/create",
        "ServiceDelete": "DELETE /services/{id}",
        "ServiceInspect": "GET /services/{id}",
        "ServiceList": "GET /services",
        "ServiceLogs": "GET /services/{id}/logs",
        "ServiceUpdate": "POST /services/{id}/update",
        "SwarmInit": "POST /swarm/init",
        "SwarmInspect": "GET /swarm",
        "SwarmJoin": "POST /swarm/join",
        "SwarmLeave": "POST /swarm/leave",
        "SwarmUnlock": "POST /swarm/unlock",
        "SwarmUnlockkey": "GET /swarm/unlockkey",
        "SwarmUpdate": "POST /swarm/update",
        "TaskInspect": "GET /tasks/{id}",
        "TaskList": "GET /tasks",
        "TaskLogs": "GET /tasks/{id}/logs",
    },
    _PLUGINS: {
        "GetPluginPrivileges": "GET /plugins/privileges",
        "PluginCreate": "POST /plugins/create",
        "PluginDelete": "DELETE /plugins/{name:.*}",
        "PluginDisable": "POST /plugins/{name:.*}/disable",
        "PluginEnable": "POST /plugins/{name:.*}/enable",
        "PluginPull": "POST /plugins/pull",
        "PluginPush": "POST /plugins/{name:.*}/push",
        "PluginSet": "POST /plugins/{name:.*}/set",
        "PluginUpgrade": "POST /plugins/{name:.*}/upgrade",
    },
}
"""Reason → operation id → method and path."""


def unserved_routes() -> tuple[Route, ...]:
    """A route for each, answering 501."""
    return tuple(
        _unserved(operation, where, reason)
        for reason, operations in UNSERVED.items()
        for operation, where in operations.items()
    )


def _unserved(operation: str, where: str, reason: str) -> Route:
    method, _, path = where.partition(" ")
    sentence = f"{method} {path.replace(':.*', '')}: {reason}"
    hint = Hint("api.buildkit" if reason == _BUILDKIT else "api.unserved")

    async def refuse(_: Request) -> Reply:
        raise NotImplementedHere(sentence, hint=hint)

    return route(method, path, refuse, operation=operation)

"""Scopes of the token service, and what of them a role allows. Pure.

    repository:library/httpd:pull,push

Source: distribution/distribution, docs/spec/auth/scope.md and token.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from budu.hub.access import Role

REPOSITORY = "repository"
_NEEDS = {"pull": Role.READER, "push": Role.WRITER, "delete": Role.OWNER}
_ALL = tuple(_NEEDS)
MOST = 64
"""Scopes of one token; more are left out."""


@dataclass(frozen=True)
class Scope:
    """What somebody wants to do with a thing."""

    kind: str
    name: str
    actions: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}:{','.join(self.actions)}"


def parse_scopes(texts: Iterable[str]) -> tuple[Scope, ...]:
    """Scopes of `scope` parameters, apart by spaces in one; what is no scope is left out."""
    found: dict[tuple[str, str], set[str]] = {}
    for text in " ".join(texts).split():
        kind, colon, rest = text.partition(":")
        name, second, actions = rest.rpartition(":")
        if colon and second and name and len(found) < MOST:
            wanted = found.setdefault((kind.partition("(")[0], name), set())
            wanted.update(action for action in actions.split(",") if action)
    return tuple(
        Scope(kind, name, tuple(sorted(actions))) for (kind, name), actions in found.items()
    )


def allowed_actions(wanted: Iterable[str], role: Role) -> tuple[str, ...]:
    """Those of the wanted actions that a role allows; `*` wants all of them."""
    actions = set(wanted)
    return tuple(
        action
        for action in _ALL
        if (action in actions or "*" in actions) and role >= _NEEDS[action]
    )


def role_of_actions(actions: Iterable[str]) -> Role:
    """The role that a set of allowed actions amounts to."""
    return max((_NEEDS.get(action, Role.NONE) for action in actions), default=Role.NONE)

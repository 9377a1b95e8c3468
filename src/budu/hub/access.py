"""Who may do what with a repository. Pure: facts in, an answer out.

    role      may
    reader    pull, see the page
    writer    also push, tag
    owner     also delete, change settings, grant

A public repository has everybody as a reader. The account's own user and an organization's owners
own its repositories; other members read the organization's private ones only by a grant, their own
or a team's. A hub's admin owns everything. A token narrows what its user may do, never widens it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum


class Role(IntEnum):
    """How much of a repository is somebody's; each includes the ones below it."""

    NONE = 0
    READER = 1
    WRITER = 2
    OWNER = 3


@dataclass(frozen=True)
class Actor:
    """Who asks."""

    user_id: int | None = None
    """None: nobody signed in."""
    name: str = ""
    is_admin: bool = False
    limit: Role = Role.OWNER
    """The most that the token or session allows."""
    scopes: Mapping[str, Role] | None = None
    """The repositories that a token of the token service is for; None: it is for all."""


ANONYMOUS = Actor()


@dataclass(frozen=True)
class Facts:
    """What of a repository decides; read from the database for one actor."""

    is_private: bool
    account_id: int
    owners: frozenset[int] = field(default_factory=frozenset)
    """User ids: the user whose account it is, or the owners of the organization."""
    granted: Role = Role.NONE
    """The highest role that the actor was granted, by name or through a team."""


def role_of(actor: Actor, facts: Facts) -> Role:
    """What the actor is to the repository."""
    public = Role.NONE if facts.is_private else Role.READER
    if actor.user_id is None:
        return public
    owns = actor.is_admin or actor.user_id in facts.owners
    return max(public, min(Role.OWNER if owns else facts.granted, actor.limit))

"""Sessions and accounts; tokens; organizations with their teams."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from budu.hub.site_api.records.base import AccountKind, MemberRole, Record, Role, Scope


class HubFacts(Record, frozen=True, kw_only=True):
    """What is true for everybody."""

    name: str
    address: str
    can_sign_up: bool
    version: str


class Membership(Record, frozen=True, kw_only=True):
    """An organization somebody belongs to."""

    name: str
    display_name: str
    role: MemberRole


class User(Record, frozen=True, kw_only=True):
    """Who is signed in."""

    name: str
    display_name: str
    email: str
    is_admin: bool
    organizations: tuple[Membership, ...]


class Session(Record, frozen=True, kw_only=True):
    """Who asks; `user` is null for nobody, `csrf_token` empty then."""

    user: User | None
    csrf_token: str
    hub: HubFacts


class SignIn(Record, frozen=True, kw_only=True):
    """A sign-in."""

    name: str
    password: str


class SignUp(Record, frozen=True, kw_only=True):
    """A new user."""

    name: str
    password: str
    email: str = ""
    display_name: str = ""


class Account(Record, frozen=True, kw_only=True):
    """A profile. `email` is null for others than its owner; `role` is what the reader is to it."""

    name: str
    kind: AccountKind
    display_name: str
    about: str
    email: str | None
    is_verified: bool
    role: Role
    repository_count: int
    created_at: str


class AccountChange(Record, frozen=True, kw_only=True):
    """New values of one's own account, or of an organization one owns."""

    display_name: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    about: str | UnsetType = UNSET
    password: str | UnsetType = UNSET
    old_password: str | UnsetType = UNSET


class AccountDelete(Record, frozen=True, kw_only=True):
    """What has to be shown before an account is removed: the password of who asks."""

    password: str


class Token(Record, frozen=True, kw_only=True):
    """A personal access token."""

    id: int
    name: str
    scope: Scope
    hint: str
    created_at: str
    last_used_at: str | None
    expires_at: str | None


class Tokens(Record, frozen=True, kw_only=True):
    """All of a user."""

    results: tuple[Token, ...]


class TokenNew(Record, frozen=True, kw_only=True):
    """A new token."""

    name: str
    scope: Scope = "read"
    expires_in_days: int | None = None


class TokenMade(Record, frozen=True, kw_only=True):
    """A new token and its secret, which is shown this once."""

    token: Token
    secret: str


class OrganizationNew(Record, frozen=True, kw_only=True):
    """A new organization; who makes it owns it."""

    name: str
    display_name: str = ""


class Member(Record, frozen=True, kw_only=True):
    """A member."""

    name: str
    display_name: str
    role: MemberRole


class Members(Record, frozen=True, kw_only=True):
    """All members."""

    results: tuple[Member, ...]


class MemberChange(Record, frozen=True, kw_only=True):
    """The role to give."""

    role: MemberRole = "member"


class Team(Record, frozen=True, kw_only=True):
    """A team with its members' names."""

    name: str
    about: str
    members: tuple[str, ...]


class Teams(Record, frozen=True, kw_only=True):
    """All teams."""

    results: tuple[Team, ...]


class TeamChange(Record, frozen=True, kw_only=True):
    """What is said about a team."""

    about: str = ""

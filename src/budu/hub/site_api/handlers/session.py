"""Who is signed in; signing in and out; accounts and their profiles."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from budu import __version__
from budu.base.errors import InvalidArgument, PermissionDenied
from budu.hub.access import ANONYMOUS, Actor
from budu.hub.accounts import leaving, names, people, sessions
from budu.hub.accounts.audit import Author
from budu.hub.accounts.passwords import check_password
from budu.hub.accounts.people import USER, AccountRow
from budu.hub.accounts.tokens import PREFIX
from budu.hub.repositories import catalog, facts
from budu.hub.schema import repositories
from budu.hub.sentences import Sentence
from budu.hub.services import Services
from budu.hub.site_api import records
from budu.hub.site_api.cards import card_of
from budu.hub.site_api.render import moment
from budu.hub.site_api.routing import Answer, Call, page_of


async def get_session(hub: Services, call: Call) -> records.Session:
    """Who asks."""
    return await _session(hub, call.actor, call.secret)


async def sign_in(hub: Services, call: Call) -> Answer:
    """Begin a session with name and password."""
    given = call.given(records.SignIn)
    if given.password.startswith(PREFIX):
        raise InvalidArgument(Sentence("hub.no-token-sign-in"))
    proof = await hub.credentials.prove(given.name, given.password, address=call.author.address)
    actor = await hub.credentials.actor_of_proof(proof)
    return await _open(hub, actor, old=call.secret)


async def sign_out(hub: Services, call: Call) -> Answer:
    """End the session."""
    if call.secret:
        await hub.database.write(lambda c: sessions.close_session(c, call.secret))
    return Answer(await _session(hub, ANONYMOUS, ""), {sessions.COOKIE: ""})


async def sign_up(hub: Services, call: Call) -> Answer:
    """Make an account and begin its session."""
    given = call.given(records.SignUp)
    if not hub.options.can_sign_up and not call.actor.is_admin:
        raise PermissionDenied(Sentence("hub.sign-up-closed"))
    name = names.check_account(given.name.strip())
    password = check_password(given.password, name=name)
    if not call.actor.is_admin:
        hub.throttle.signed_up(call.author.address, now=time.monotonic())
    stored = await hub.passwords.hash(password)

    def add(connection: Connection) -> int:
        return people.add(
            connection,
            name,
            kind=USER,
            password=stored,
            display_name=given.display_name,
            email=given.email,
            author=call.author if call.actor.user_id else _oneself(call, name),
            takes_retired=call.actor.is_admin,
        )

    user_id = await hub.database.write(add)
    if call.actor.user_id is not None:  # an admin makes accounts for others
        return Answer(await _session(hub, call.actor, call.secret))
    return await _open(hub, Actor(user_id, name), old="")


def _oneself(call: Call, name: str) -> Author:
    return Author(name, call.author.address)


async def _open(hub: Services, actor: Actor, *, old: str) -> Answer:
    user_id = actor.user_id
    assert user_id is not None

    def replace(connection: Connection) -> str:
        sessions.close_session(connection, old)
        return sessions.open_session(connection, user_id)

    secret = await hub.database.write(replace)
    return Answer(await _session(hub, actor, secret), {sessions.COOKIE: secret})


async def _session(hub: Services, actor: Actor, secret: str) -> records.Session:
    facts_of_hub = records.HubFacts(
        name=hub.options.name,
        address=hub.options.public_address,
        can_sign_up=hub.options.can_sign_up,
        version=__version__,
    )
    if actor.user_id is None:
        return records.Session(user=None, csrf_token="", hub=facts_of_hub)
    user = await hub.database.read(lambda connection: _user(connection, actor))
    token = sessions.csrf_token(secret) if secret else ""
    return records.Session(user=user, csrf_token=token, hub=facts_of_hub)


def _user(connection: Connection, actor: Actor) -> records.User:
    row = people.get(connection, actor.name)
    return records.User(
        name=row.name,
        display_name=row.display_name,
        email=row.email,
        is_admin=row.is_admin,
        organizations=tuple(
            records.Membership(name=each.name, display_name=each.display_name, role=each.role)
            for each in people.organizations_of(connection, row.id)
        ),
    )


async def get_account(hub: Services, call: Call) -> records.Account:
    """A profile."""
    return await hub.database.read(lambda c: _account(c, call.path["account"], call.actor))


def _account(connection: Connection, name: str, actor: Actor) -> records.Account:
    row = people.get(connection, name)
    role = _role_in_account(connection, row, actor)
    query = sa.select(sa.func.count()).where(
        repositories.c.account_id == row.id, sa.not_(repositories.c.is_private)
    )
    return records.Account(
        name=row.name,
        kind=row.kind,
        display_name=row.display_name,
        about=row.about,
        email=row.email if role == "owner" else None,
        is_verified=row.is_verified,
        role=role,
        repository_count=int(connection.execute(query).scalar() or 0),
        created_at=moment(row.created_at),
    )


def _role_in_account(connection: Connection, row: AccountRow, actor: Actor) -> records.Role:
    if people.manages(connection, actor, row):
        return "owner"
    if actor.user_id is not None and people.role_in(connection, row.id, actor.user_id):
        return "reader"
    return "none"


async def change_account(hub: Services, call: Call) -> records.Account:
    """Change one's own profile or password, or an organization's profile."""
    given = call.given(records.AccountChange)
    row = call.account
    assert row is not None
    if isinstance(given.password, str):
        await _change_password(hub, call, row, given)
    values: dict[str, object] = {}
    if isinstance(given.display_name, str):
        values["display_name"] = " ".join(given.display_name.split())[:200]
    if isinstance(given.email, str):
        values["email"] = people.checked_email(given.email)
    if isinstance(given.about, str):
        values["about"] = given.about.strip()[:2000]
    await hub.database.write(lambda c: people.change(c, row.name, values, call.author))
    hub.catalog.forget()
    return await get_account(hub, call)


async def _change_password(
    hub: Services, call: Call, row: AccountRow, given: records.AccountChange
) -> None:
    """Set a new password for who knows the old one; the session that does it goes on."""
    if row.kind != USER or row.id != call.actor.user_id:
        raise PermissionDenied(Sentence("hub.not-yours", name=row.name))
    await _prove_again(hub, call, given.old_password if isinstance(given.old_password, str) else "")
    stored = await hub.passwords.hash(check_password(str(given.password), name=row.name))

    def replace(connection: Connection) -> None:
        people.set_password(connection, row.name, stored, call.author)
        if call.secret:
            sessions.keep_session(connection, call.secret, row.id)

    await hub.database.write(replace)


async def _prove_again(hub: Services, call: Call, password: str) -> None:
    """Who asks shows his password once more; a token does not stand for it here.

    Raises: Unauthenticated, PermissionDenied, TooManyAttempts.
    """
    if password.startswith(PREFIX):
        raise PermissionDenied(Sentence("hub.wrong-password"))
    await hub.credentials.prove(call.actor.name, password, address=call.author.address)


async def delete_account(hub: Services, call: Call) -> Answer:
    """Remove an account with its repositories, after the password of who asks."""
    await _prove_again(hub, call, call.given(records.AccountDelete).password)
    row = call.account
    assert row is not None
    await hub.database.write(lambda c: leaving.delete(c, row.name, call.author))
    hub.catalog.forget()
    if row.id == call.actor.user_id:
        return Answer(await _session(hub, ANONYMOUS, ""), {sessions.COOKIE: ""})
    return Answer(await _session(hub, call.actor, call.secret))


async def get_account_repositories(hub: Services, call: Call) -> records.CardPage:
    """An account's repositories that the reader may see, newest first."""
    asked = call.asked(records.PageQuery)
    first, size = page_of(asked.page, asked.page_size)
    name = call.path["account"]

    def query(connection: Connection) -> tuple[Any, ...]:
        account = people.get(connection, name)
        where = repositories.c.account_id == account.id
        visible = facts.visible_to(call.actor)
        return catalog.entries(connection, sa.and_(where, visible))

    found = await hub.database.read(query)
    word = asked.q.strip().lower()
    fitting = [each for each in found if word in each.name]
    fitting.sort(key=lambda each: -(each.pushed_at or each.updated_at))
    shown = fitting[first : first + size]
    cards = tuple(card_of(each, hub.options, call.language) for each in shown)
    return records.CardPage(count=len(fitting), results=cards)

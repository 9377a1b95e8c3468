"""What a hub's database holds from its first start on: the key of its tokens, an admin, the
official images' organization. Any process may be the first; the others find it done.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from budu.hub.accounts import people
from budu.hub.accounts.audit import HUB
from budu.hub.accounts.names import OFFICIAL
from budu.hub.accounts.passwords import check_password, hash_password
from budu.hub.options import ScryptCost
from budu.hub.schema import accounts, memberships, settings
from budu.hub.sealing import TOKEN_KEY, Purpose, Seal

ADMIN = "admin"
PASSWORD_VARIABLE = "HUB_ADMIN_PASSWORD"
"""Environment variable with the first admin's password."""


@dataclass(frozen=True)
class Beginning:
    """What a start found or made."""

    key: str
    """What tokens are signed with."""
    password: str | None
    """The admin's, when it was made up just now: shown once."""


def begin(connection: Connection, cost: ScryptCost, seal: Seal, *, given: str = "") -> Beginning:
    """Read the tokens' key; make what is missing, the admin with the `given` password.

    Runs in the transaction of `schema.prepare`, so that one of several processes is the first.
    Raises: InvalidArgument for a weak password.
    """
    key = _token_key(connection, seal)
    if people.find(connection, OFFICIAL) is not None:
        return Beginning(key, None)
    password = check_password(given, name=ADMIN) if given else secrets.token_urlsafe(12)
    admin = people.add(
        connection,
        ADMIN,
        kind=people.USER,
        password=hash_password(password, cost),
        is_admin=True,
        author=HUB,
    )
    library = people.add(
        connection,
        OFFICIAL,
        kind=people.ORGANIZATION,
        display_name="Official images",
        is_verified=True,
        author=HUB,
    )
    values = {"organization_id": library, "user_id": admin, "role": "owner"}
    connection.execute(sa.insert(memberships).values(**values))
    return Beginning(key, None if given else password)


def _token_key(connection: Connection, seal: Seal) -> str:
    query = sa.select(settings.c.value).where(settings.c.key == TOKEN_KEY)
    sealed = connection.execute(query).scalar()
    if sealed is not None:
        return seal.open(sealed, Purpose.TOKEN_KEY)
    key = secrets.token_hex(32)
    value = seal.seal(key, Purpose.TOKEN_KEY)
    connection.execute(sa.insert(settings).values(key=TOKEN_KEY, value=value))
    return key


def set_admin_password(connection: Connection, password: str, cost: ScryptCost) -> None:
    """Give the admin another password, for who lost it and owns the machine. Raises: NotFound."""
    check_password(password, name=ADMIN)
    people.set_password(connection, ADMIN, hash_password(password, cost), HUB)
    connection.execute(
        sa.update(accounts).where(accounts.c.name == ADMIN).values(is_admin=True, is_disabled=False)
    )

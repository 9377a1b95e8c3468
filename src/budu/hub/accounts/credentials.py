"""Turns what a request shows (a password, a personal token, a token of ours) into who asks.

A password that was right is believed for a minute without scrypt: clients that send Basic with each
request would otherwise wait for it each time. Kept is an HMAC of it under a key of this process.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import secrets
import time
from collections import OrderedDict

from sqlalchemy import Connection

from budu.base.errors import Unauthenticated
from budu.hub.access import ANONYMOUS, Actor, Role
from budu.hub.accounts import people, tokens
from budu.hub.accounts.passwords import Passwords
from budu.hub.accounts.people import USER, AccountRow
from budu.hub.accounts.scopes import role_of_actions
from budu.hub.accounts.signer import Claims, Proof, Signer, password_mark
from budu.hub.accounts.throttle import Throttle
from budu.hub.database import Database
from budu.hub.sentences import Sentence

BELIEVED_S = 60.0
_REMEMBERED = 4096


class Credentials:
    """Checks who somebody is."""

    def __init__(
        self, database: Database, passwords: Passwords, signer: Signer, throttle: Throttle
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._signer = signer
        self._throttle = throttle
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, float] = OrderedDict()
        self._checking: dict[bytes, asyncio.Lock] = {}

    async def prove(self, name: str, secret: str, *, address: str) -> Proof:
        """Check a name with its password or one of its personal tokens.

        Raises: Unauthenticated; TooManyAttempts.
        """
        user = name.strip().lower()
        if secret.startswith(tokens.PREFIX):
            proof = await self._by_token(user, secret, address)
        else:
            proof = await self._by_password(user, secret, address)
        return proof

    async def _by_token(self, name: str, secret: str, address: str) -> Proof:
        row = await self._database.read(lambda connection: tokens.find(connection, secret))
        if row is None or name not in ("", row.user_name):
            self._throttle.attempt(name, address, now=time.monotonic())
            raise Unauthenticated(Sentence("hub.wrong-password"))
        if tokens.use_is_worth_noting(row):
            await self._database.write(lambda connection: tokens.note_use(connection, row))
        limit = tokens.LIMITS[row.scope]
        return Proof(row.user_id, row.user_name, limit=limit, token_id=row.id)

    async def _by_password(self, name: str, secret: str, address: str) -> Proof:
        row = await self._database.read(lambda connection: people.find(connection, name))
        usable = row is not None and row.kind == USER and not row.is_disabled
        stored = row.password if row is not None and usable else None
        if row is None or not await self._is_right(name, secret, stored, address):
            raise Unauthenticated(Sentence("hub.wrong-password"))
        return Proof(row.id, row.name, password_mark=password_mark(stored))

    async def _is_right(self, name: str, secret: str, stored: str | None, address: str) -> bool:
        memory = f"{stored}\0{secret}".encode("utf-8", "surrogatepass")
        known = hmac.digest(self._key, memory, "sha256")
        lock = self._checking.setdefault(known, asyncio.Lock())
        try:
            async with lock:  # a pull shows one password several times at once: check it once
                return await self._is_known(name, secret, stored, address, known=known)
        finally:
            if not lock.locked():
                self._checking.pop(known, None)

    async def _is_known(
        self, name: str, secret: str, stored: str | None, address: str, *, known: bytes
    ) -> bool:
        now = time.monotonic()
        if stored and self._right.get(known, 0.0) > now:
            return True
        self._throttle.attempt(name, address, now=now)
        if not await self._passwords.matches(secret, stored):
            return False
        self._throttle.succeeded(name, address, began=now)
        self._right[known] = time.monotonic() + BELIEVED_S
        while len(self._right) > _REMEMBERED:
            self._right.popitem(last=False)
        return True

    async def actor_of_proof(self, proof: Proof) -> Actor:
        """Who proved it, as the database knows him now. Raises: Unauthenticated."""
        return narrowed(people.actor_of(await self._current(proof)), proof.limit)

    async def actor_of_header(self, header: str, *, address: str) -> Actor:
        """Who an `Authorization` header tells of; ANONYMOUS without one.

        Basic takes passwords and personal tokens, Bearer our own tokens and personal ones.
        Raises: Unauthenticated; TooManyAttempts.
        """
        if not header:
            return ANONYMOUS
        scheme, _, value = header.partition(" ")
        match scheme.lower():
            case "basic":
                name, secret = split_basic(value)
                return await self.actor_of_proof(await self.prove(name, secret, address=address))
            case "bearer" | "jwt" if value.startswith(tokens.PREFIX):
                return await self.actor_of_proof(await self.prove("", value, address=address))
            case "bearer" | "jwt":
                return await self.actor_of_claims(self._signer.read(value.strip()))
        raise Unauthenticated(Sentence("hub.bad-token"))

    async def actor_of_claims(self, claims: Claims) -> Actor:
        """Who an access token stands for. Raises: Unauthenticated."""
        if claims.is_refresh:
            raise Unauthenticated(Sentence("hub.bad-token"))
        if claims.proof is None:
            base = ANONYMOUS
        else:
            base = await self.actor_of_proof(claims.proof)
        if claims.access is None:
            return base
        scopes = {name: role_of_actions(actions) for name, actions in claims.access.items()}
        return Actor(base.user_id, base.name, base.is_admin, limit=base.limit, scopes=scopes)

    async def _current(self, proof: Proof) -> AccountRow:
        row, is_good = await self._database.read(lambda connection: _standing(connection, proof))
        if row is None or not is_good:
            raise Unauthenticated(Sentence("hub.bad-token"))
        return row


def _standing(connection: Connection, proof: Proof) -> tuple[AccountRow | None, bool]:
    """The user, and whether what he proved himself with still holds."""
    row = people.by_id(connection, proof.user_id)
    if row is None or row.is_disabled or row.name != proof.name:
        return None, False
    if proof.token_id is not None:
        return row, tokens.find_by_id(connection, proof.token_id) is not None
    return row, hmac.compare_digest(password_mark(row.password), proof.password_mark)


def narrowed(actor: Actor, limit: Role) -> Actor:
    """The same actor with what a token allows."""
    return Actor(
        actor.user_id,
        actor.name,
        is_admin=actor.is_admin,
        limit=min(actor.limit, limit),
    )


def split_basic(value: str) -> tuple[str, str]:
    """User and password of a Basic header's value. Raises: Unauthenticated."""
    try:
        text = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthenticated(Sentence("hub.bad-token")) from None
    name, _, secret = text.partition(":")
    return name, secret

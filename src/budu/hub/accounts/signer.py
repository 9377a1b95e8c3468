"""The hub's own tokens: JWTs that every process with the database's key can check.

    access    five minutes; what the token service gives to registry clients, and `/v2/users/login`
    refresh   90 days; what `docker login` may keep in a password's place

Both name the proof they were issued on (a password, a personal token), and are worth nothing once
that has changed. Source: RFC 7519; distribution/distribution, docs/spec/auth/jwt.md.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import jwt

from budu.base.errors import Unauthenticated
from budu.hub.access import Role
from budu.hub.sentences import Sentence

ACCESS_LIFE_S = 300
REFRESH_LIFE_S = 90 * 86400
SITE = "site"
"""Audience of tokens for the HTTP APIs beside the registry's."""
_ALGORITHM = "HS256"
_LEEWAY_S = 30


@dataclass(frozen=True)
class Proof:
    """What somebody proved who he is with."""

    user_id: int
    name: str
    limit: Role = Role.OWNER
    token_id: int | None = None
    """The personal token; None: the password."""
    password_mark: str = ""
    """Changes with the password."""


@dataclass(frozen=True)
class Claims:
    """What a token says, after its signature and its time were found right."""

    proof: Proof | None
    """None: for nobody in particular."""
    access: dict[str, tuple[str, ...]] | None = field(default=None)
    """Allowed actions by repository; None: not a registry's token."""
    is_refresh: bool = False
    service: str = ""
    expires_at: float = 0.0


def password_mark(stored: str | None) -> str:
    """A mark of a stored password that tells nothing about it."""
    return hashlib.sha256((stored or "").encode()).hexdigest()[:16]


class Signer:
    """Issues and checks tokens with one key."""

    def __init__(self, key: str, issuer: str) -> None:
        self._key = key
        self._issuer = issuer

    def access_token(
        self,
        proof: Proof | None,
        *,
        service: str,
        access: dict[str, tuple[str, ...]] | None,
        life_s: int = ACCESS_LIFE_S,
    ) -> str:
        """A token for the registry (`access` tells for what), or for the site's API (None)."""
        claims = self._claims(proof, service, life_s)
        if access is not None:
            claims["access"] = [
                {"type": "repository", "name": name, "actions": list(actions)}
                for name, actions in access.items()
            ]
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def refresh_token(self, proof: Proof, *, service: str) -> str:
        """A token that gives access tokens."""
        claims = self._claims(proof, service, REFRESH_LIFE_S) | {"refresh": True}
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def _claims(self, proof: Proof | None, service: str, life_s: int) -> dict[str, Any]:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "sub": proof.name if proof else "",
            "aud": service,
            "iat": now,
            "nbf": now,
            "exp": now + life_s,
            "jti": secrets.token_hex(8),
        }
        if proof:
            claims["uid"] = proof.user_id
            claims["lim"] = int(proof.limit)
            claims["mark"] = proof.token_id if proof.token_id is not None else proof.password_mark
        return claims

    def read(self, token: str) -> Claims:
        """What a token says. Raises: Unauthenticated."""
        options: jwt.types.Options = {
            "require": ["exp", "iat", "aud"],
            "verify_aud": False,
            "verify_iss": False,
        }
        try:
            said = jwt.decode(
                token, self._key, algorithms=[_ALGORITHM], leeway=_LEEWAY_S, options=options
            )
            return _claims_of(said)
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
            raise Unauthenticated(Sentence("hub.bad-token")) from None


def _claims_of(said: dict[str, Any]) -> Claims:
    proof = None
    if "uid" in said:
        mark = said["mark"]
        proof = Proof(
            user_id=int(said["uid"]),
            name=str(said["sub"]),
            limit=Role(said["lim"]),
            token_id=mark if isinstance(mark, int) else None,
            password_mark=mark if isinstance(mark, str) else "",
        )
    access = said.get("access")
    return Claims(
        proof=proof,
        access=None
        if access is None
        else {str(each["name"]): tuple(each["actions"]) for each in access},
        is_refresh=bool(said.get("refresh")),
        service=str(said["aud"]),
        expires_at=float(said["exp"]),
    )

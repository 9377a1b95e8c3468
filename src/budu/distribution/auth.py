"""Credentials, challenges and tokens as values; nothing here talks to the network.

`tokens` fetches what this module describes.
Source: RFC 9110 11.6.1 (WWW-Authenticate), distribution-spec token authentication,
Engine API 1.51 `X-Registry-Auth`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import time
from collections.abc import Callable, Iterable

import msgspec

from budu.base.errors import InvalidArgument

_DEFAULT_LIFETIME_S = 60
_EXPIRY_MARGIN_S = 10
_SCHEME = re.compile(r"\s*,?\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s+|$)")
_PARAMETER = re.compile(
    r"\s*,?\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s,\"]*))"
)


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking. The secret fields never enter a message or a `repr`."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    """An OAuth2 refresh token that `login` was given in place of the password."""
    registry_token: str = ""
    """A ready bearer token, sent as it is."""
    server_address: str = ""
    """The registry that the credentials belong to, as the client wrote it."""

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r}, server={self.server_address!r})"

    @property
    def is_anonymous(self) -> bool:
        """Whether there is nothing to prove an identity with."""
        return not (self.password or self.identity_token or self.registry_token)

    @property
    def fingerprint(self) -> str:
        """Tells identities apart, as a key that holds no secret."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()

    @property
    def basic(self) -> str:
        """The value of a Basic `Authorization` header."""
        pair = f"{self.username}:{self.password}".encode()
        return "Basic " + base64.b64encode(pair).decode()


ANONYMOUS = Credentials()


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """One demand of a `WWW-Authenticate` header."""

    scheme: str
    """In lower case: `bearer`, `basic`, …"""
    parameters: dict[str, str] = {}
    """By lower-case name: `realm`, `service`, `scope`, `error`."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A bearer token and the monotonic second after which it is not used again."""

    value: str
    expires_at: float

    def __repr__(self) -> str:
        return f"Token(expires_at={self.expires_at})"


class _TokenReply(msgspec.Struct):
    token: str = ""
    access_token: str = ""
    expires_in: float | None = None
    refresh_token: str = ""


class TokenReply(msgspec.Struct, frozen=True, kw_only=True):
    """A token server's answer."""

    value: str
    lifetime_s: float
    refresh_token: str = ""


class TokenCache:
    """Tokens by (realm, service, scope, account); those about to expire count as absent."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tokens: dict[tuple[str, ...], Token] = {}

    def get(self, key: tuple[str, ...]) -> str | None:
        """The token under `key` while it is good."""
        token = self._tokens.get(key)
        if token is None or token.expires_at <= self._clock():
            self._tokens.pop(key, None)
            return None
        return token.value

    def put(self, key: tuple[str, ...], reply: TokenReply) -> None:
        """Keep a token until shortly before it expires; drop all that have expired."""
        now = self._clock()
        margin = min(_EXPIRY_MARGIN_S, reply.lifetime_s / 2)
        self._tokens = {k: t for k, t in self._tokens.items() if t.expires_at > now}
        self._tokens[key] = Token(value=reply.value, expires_at=now + reply.lifetime_s - margin)

    def drop(self, key: tuple[str, ...]) -> None:
        """Forget the token under `key`: a registry refused it."""
        self._tokens.pop(key, None)


def parse_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """Read all `WWW-Authenticate` headers of a response; malformed rests are left out."""
    challenges: list[Challenge] = []
    for header in headers:
        challenges.extend(_parse_header(header))
    return tuple(challenges)


def _parse_header(text: str) -> list[Challenge]:
    challenges: list[Challenge] = []
    position = 0
    while match := _SCHEME.match(text, position):
        position = match.end()
        parameters: dict[str, str] = {}
        while pair := _PARAMETER.match(text, position):
            quoted, plain = pair[2], pair[3]
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
            parameters[pair[1].lower()] = value
            position = pair.end()
        challenges.append(Challenge(scheme=match[1].lower(), parameters=parameters))
    return challenges


def parse_token_reply(body: bytes) -> TokenReply:
    """Read a token server's JSON.

    Raises: InvalidArgument when it holds no token.
    """
    try:
        reply = msgspec.json.decode(body, type=_TokenReply)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"unable to decode token response: {error}") from None
    value = reply.token or reply.access_token
    if not value:
        raise InvalidArgument("authorization server did not include a token in the response")
    lifetime = reply.expires_in if reply.expires_in is not None else _DEFAULT_LIFETIME_S
    return TokenReply(
        value=value,
        lifetime_s=max(lifetime, _DEFAULT_LIFETIME_S),
        refresh_token=reply.refresh_token,
    )


def decode_registry_auth(header: str) -> Credentials:
    """Read an `X-Registry-Auth` header: base64 (URL-safe or plain, padded or not) of JSON.

    An empty header and an empty object are anonymous. Keys are matched in any case.
    Raises: InvalidArgument when the header is neither.
    """
    if not header.strip():
        return ANONYMOUS
    fields = {key.lower(): value for key, value in _decode_json(header.strip()).items()}

    def text(key: str) -> str:
        value = fields.get(key)
        return value if isinstance(value, str) else ""

    username, password = text("username"), text("password")
    if text("auth") and not username:
        username, password = _split_auth(text("auth"))
    return Credentials(
        username=username,
        password=password,
        identity_token=text("identitytoken"),
        registry_token=text("registrytoken"),
        server_address=text("serveraddress"),
    )


def _decode_json(header: str) -> dict[str, object]:
    try:
        fields = msgspec.json.decode(decode_base64(header))
    except (binascii.Error, ValueError) as error:
        raise InvalidArgument(f"invalid X-Registry-Auth header: {error}") from None
    if fields is None:
        return {}
    if not isinstance(fields, dict):
        raise InvalidArgument("invalid X-Registry-Auth header: not a JSON object")
    return fields


def decode_base64(text: str) -> bytes:
    """Bytes of base64, URL-safe or plain, padded or not. Raises: binascii.Error."""
    bare = text.translate(str.maketrans("+/", "-_")).rstrip("=")
    return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)


def _split_auth(text: str) -> tuple[str, str]:
    try:
        username, colon, password = decode_base64(text).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise InvalidArgument(f"invalid X-Registry-Auth header: {error}") from None
    if not colon:
        raise InvalidArgument("invalid X-Registry-Auth header: invalid auth configuration")
    return username, password.rstrip("\0")

"""Secrets that the database holds for somebody: sealed under a key that is not in the database.

What a webhook's messages are signed with, the passwords of mirrored registries and the key of our
own tokens have to be read again, so they can't be hashed. A copy of the database alone tells
nothing of them; the key is a file:

    DATA/secret.key    64 hex digits, mode 0600, made at the first start; --secret-key names another

Every process of a hub needs the same file. The database remembers a mark of its key, so a process
with another one does not start, rather than find out at the first webhook. Sealed texts are

    v1:<base64url of a nonce of 12 bytes and AES-256-GCM's output>

with their purpose as associated data, so that none can stand in another one's place. Source: NIST
SP 800-38D; docs/decisions/0019-sealed-secrets.md.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection

from budu.archive.faults import os_errors
from budu.base.errors import DataLoss, Hint, InvalidArgument
from budu.base.files import sync_directory
from budu.hub.schema import settings, upstreams, webhooks
from budu.hub.sentences import Sentence

KEY_FILE = "secret.key"
TOKEN_KEY = "token-key"
"""Row of `settings` with what our tokens are signed with."""
_MARK = "secret-key-mark"
_VERSION = "v1:"
_NONCE_BYTES = 12
_KEY_BYTES = 32


class Purpose(StrEnum):
    """What a sealed text is."""

    WEBHOOK = "webhook"
    UPSTREAM = "upstream"
    TOKEN_KEY = "token-key"


class Seal:
    """Seals and opens with one key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self.mark = hmac.new(key, b"budu hub", hashlib.sha256).hexdigest()[:32]
        """Tells keys apart, and nothing about them."""

    def seal(self, text: str, purpose: Purpose) -> str:
        """A text for the database; the empty one stays empty."""
        if not text:
            return ""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode(), purpose.encode())
        return _VERSION + base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, sealed: str, purpose: Purpose) -> str:
        """What was sealed. Raises: DataLoss when it was not, or for another purpose."""
        if not sealed:
            return ""
        try:
            if not sealed.startswith(_VERSION):
                raise InvalidTag
            whole = base64.urlsafe_b64decode(sealed.removeprefix(_VERSION))
            nonce, rest = whole[:_NONCE_BYTES], whole[_NONCE_BYTES:]
            return self._cipher.decrypt(nonce, rest, purpose.encode()).decode()
        except (InvalidTag, binascii.Error, ValueError):
            raise DataLoss(f"a secret of the database can't be opened ({purpose})") from None


class KeyFile:
    """The file of a hub's key."""

    def __init__(self, path: Path, *, may_make: bool) -> None:
        """Reads it; one that is missing is made if it may be. Blocking. Raises: InvalidArgument."""
        self.path = path
        self._is_new = may_make and _made(path)
        self.seal = Seal(_read(path))

    def unmake(self) -> None:
        """Take back a file that was made just now: the database knows another key."""
        if self._is_new:
            self.path.unlink(missing_ok=True)


def _made(path: Path) -> bool:
    with os_errors(f"create {path}"), suppress(FileExistsError):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, secrets.token_hex(_KEY_BYTES).encode() + b"\n")
            os.fsync(fd)
        finally:
            os.close(fd)
        sync_directory(path.parent)
        return True
    return False


def _read(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text().strip())
    except OSError as error:
        raise InvalidArgument(f"{path}: {error.strerror or error}") from None
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise InvalidArgument(Sentence("hub.bad-key-file", path=path))
    return key


def adopt(connection: Connection, keys: KeyFile) -> None:
    """Hold the key against the database's mark; the first one seals what lies there in plain.

    Raises: InvalidArgument when the secrets are sealed with another key.
    """
    mark = connection.execute(sa.select(settings.c.value).where(settings.c.key == _MARK)).scalar()
    if mark is None:
        connection.execute(sa.insert(settings).values(key=_MARK, value=keys.seal.mark))
        _seal_all(connection, keys.seal)
    elif not hmac.compare_digest(mark, keys.seal.mark):
        raise InvalidArgument(
            Sentence("hub.other-key", path=keys.path), hint=Hint("hub.other-key-hint")
        )


def _seal_all(connection: Connection, seal: Seal) -> None:
    for key, column, where, purpose in (
        (webhooks.c.id, webhooks.c.secret, sa.true(), Purpose.WEBHOOK),
        (upstreams.c.account_id, upstreams.c.password, sa.true(), Purpose.UPSTREAM),
        (settings.c.key, settings.c.value, settings.c.key == TOKEN_KEY, Purpose.TOKEN_KEY),
    ):
        for number, text in connection.execute(sa.select(key, column).where(where)).all():
            sealed = {column.name: seal.seal(text, purpose)}
            connection.execute(sa.update(column.table).where(key == number).values(**sealed))


def forget(connection: Connection) -> int:
    """Give up what is sealed, for who lost the key: how many secrets were thrown away.

    Webhooks go unsigned and mirrors without a password until they are given new ones; all tokens
    of `/token` are void.
    """
    lost = 0
    for column in (webhooks.c.secret, upstreams.c.password):
        change = sa.update(column.table).where(column != "")
        lost += connection.execute(change.values(**{column.name: ""})).rowcount
    connection.execute(sa.delete(settings).where(settings.c.key.in_([_MARK, TOKEN_KEY])))
    return lost

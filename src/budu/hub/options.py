"""The hub's settings: the command line of `budu-hub serve`, and nothing else.

Secrets are not given here, since a command line is seen by everybody on the machine: the first
admin's password and a PostgreSQL password come from the environment (HUB_ADMIN_PASSWORD,
PGPASSWORD).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from budu.base.errors import InvalidArgument

DEFAULT_LISTEN = "127.0.0.1:5080"


@dataclass(frozen=True, kw_only=True)
class ScryptCost:
    """What a password's hash costs. Source: OWASP, Password Storage Cheat Sheet, "scrypt"."""

    n: int = 1 << 14
    r: int = 8
    p: int = 5


@dataclass(frozen=True, kw_only=True)
class Options:
    """Everything that can be set. Built by `read_options`, which validates."""

    data: Path
    """Folder of the database and the blobs, where no other place is named."""
    host: str = "127.0.0.1"
    """Address to listen at."""
    port: int = 5080
    """Port to listen at; 0 takes a free one."""
    database_url: str = ""
    """SQLAlchemy's URL; empty is an SQLite file in `data`."""
    secret_key: Path | None = None
    """File of the key that secrets in the database are sealed with; None: one in `data`, which is
    made when it is missing."""
    blobs_url: str = ""
    """`s3://bucket/prefix`; empty is a folder in `data`."""
    name: str = "Hub"
    """What the site calls this hub."""
    address: str = ""
    """URL under which others reach it; empty follows from `host` and `port`."""
    pull_prefix: str | None = None
    """What stands before names in pull commands; None is the address's host, empty nothing (for a
    hub that stands in Docker Hub's place)."""
    can_sign_up: bool = True
    """Whether anybody may make an account."""
    allows_private_webhooks: bool = False
    """Whether webhooks may go to addresses of this machine and of private networks."""
    tls_cert: Path | None = None
    """The server's certificate with its chain, PEM."""
    tls_key: Path | None = None
    """Its key, PEM."""
    site: Path | None = None
    """Folder of the built page; None takes the installed one."""
    trusted_proxies: int = 0
    """Number of balancers in front: that many entries of X-Forwarded-For are believed."""
    pulls: int | None = None
    """Pulls in six hours from one address without a sign-in; None: as many as they like."""
    pulls_signed_in: int | None = None
    """Pulls in six hours of one user; None: as many as they like."""
    log_level: str = "info"
    """One of Docker's levels."""
    log_format: str = "text"
    """`text` (key=value) or `json`."""
    scrypt: ScryptCost = field(default_factory=ScryptCost)
    """What hashing a password costs; lower in tests alone."""

    @property
    def public_address(self) -> str:
        """URL under which others reach the hub, without a slash at its end."""
        if self.address:
            return self.address.rstrip("/")
        scheme = "https" if self.tls_cert else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    @property
    def registry_name(self) -> str:
        """How image names name this hub: `localhost:5080`."""
        return urlsplit(self.public_address).netloc

    @property
    def is_secure(self) -> bool:
        """Whether browsers speak to it by TLS; cookies are marked so then."""
        return self.public_address.startswith("https://")

    def pull_name(self, repository: str) -> str:
        """A repository as a pull command names it."""
        prefix = self.registry_name if self.pull_prefix is None else self.pull_prefix
        if prefix:
            return f"{prefix}/{repository}"
        return repository.removeprefix("library/")


def add_place_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that tell where a hub's data is."""
    add = parser.add_argument
    add("--data", required=True, metavar="DIR", help="folder of the database and the blobs")
    add("--database", default="", metavar="URL", help="postgresql+psycopg://… or sqlite:///…")


def add_serve_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of `serve`."""
    add_place_flags(parser)
    add = parser.add_argument
    add("--listen", default=DEFAULT_LISTEN, metavar="HOST:PORT", help=f"({DEFAULT_LISTEN})")
    add("--secret-key", metavar="FILE", help="key of the secrets in the database (DIR/secret.key)")
    add("--blobs", default="", metavar="URL", help="s3://bucket/prefix, or a folder")
    add("--name", default="Hub", help="what the site calls this hub")
    add("--address", default="", metavar="URL", help="under which others reach it")
    add("--pull-prefix", metavar="HOST", help="what stands before names in pull commands")
    add("--no-sign-up", action="store_true", help="accounts are made by the admin alone")
    add("--allow-private-webhooks", action="store_true", help="webhooks may go to private networks")
    add("--tls-cert", metavar="FILE", help="certificate with its chain, PEM")
    add("--tls-key", metavar="FILE", help="its key, PEM")
    add("--site", metavar="DIR", help="folder of the built page")
    add("--trusted-proxies", type=int, default=0, metavar="N", help="balancers in front")
    add("--pulls", type=int, metavar="N", help="in six hours from one address without a sign-in")
    add("--pulls-signed-in", type=int, metavar="N", help="in six hours of one user")
    add("--log-level", default="info", metavar="LEVEL", help="debug, info, warn, error")
    add("--log-format", default="text", choices=("text", "json"))


def place_options(given: argparse.Namespace) -> Options:
    """The options of a command line that only tells where the data is."""
    return Options(data=Path(given.data).absolute(), database_url=given.database)


def serve_options(given: argparse.Namespace) -> Options:
    """The options of a parsed command line. Raises: InvalidArgument."""
    host, port = split_listen(given.listen)
    if bool(given.tls_cert) != bool(given.tls_key):
        raise InvalidArgument("--tls-cert and --tls-key belong together")
    return Options(
        data=Path(given.data).absolute(),
        host=host,
        port=port,
        database_url=given.database,
        secret_key=_path(given.secret_key),
        blobs_url=given.blobs,
        name=given.name,
        address=_checked_address(given.address),
        pull_prefix=given.pull_prefix,
        can_sign_up=not given.no_sign_up,
        allows_private_webhooks=given.allow_private_webhooks,
        tls_cert=_path(given.tls_cert),
        tls_key=_path(given.tls_key),
        site=_path(given.site),
        trusted_proxies=given.trusted_proxies,
        pulls=given.pulls,
        pulls_signed_in=given.pulls_signed_in,
        log_level=given.log_level,
        log_format=given.log_format,
    )


def read_options(argv: Sequence[str]) -> Options:
    """The options of a command line without its first word. Raises: InvalidArgument."""
    parser = argparse.ArgumentParser(prog="budu-hub serve", allow_abbrev=False)
    add_serve_flags(parser)
    return serve_options(parser.parse_args(argv))


def split_listen(text: str) -> tuple[str, int]:
    """`127.0.0.1:5080`, `[::1]:5080`, `:5080` (every address). Raises: InvalidArgument."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise InvalidArgument(f"invalid listen address ({text}): should be HOST:PORT")
    return host.strip("[]") or "0.0.0.0", int(port)


def _checked_address(text: str) -> str:
    if text and (urlsplit(text).scheme not in ("http", "https") or not urlsplit(text).netloc):
        raise InvalidArgument(f"invalid address ({text}): should be http://host or https://host")
    return text


def _path(text: str | None) -> Path | None:
    return Path(text).absolute() if text else None

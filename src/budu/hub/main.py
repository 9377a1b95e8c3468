"""`budu-hub`: the hub in the foreground, and what its owner does without it.

budu-hub serve --data DIR     serve
budu-hub password --data DIR  give the admin a new password, read from standard input
budu-hub forget-secrets --data DIR  give up what is sealed, for who lost the key
budu-hub seed --to URL        build the official images and publish them
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import ssl
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import uvloop
from aiohttp import web
from sqlalchemy import Connection

from budu import __version__
from budu.base.errors import BuduError, InvalidArgument
from budu.base.logging import parse_level, set_up_logging
from budu.base.messages import language_of, render
from budu.hub import sealing
from budu.hub.accounts import first_start
from budu.hub.compose import database_url, running
from budu.hub.database import Database
from budu.hub.options import (
    Options,
    add_place_flags,
    add_serve_flags,
    place_options,
    serve_options,
)
from budu.hub.registry.service import READ_BUFFER_BYTES
from budu.hub.schema import prepare
from budu.hub.seed import main as seed
from budu.hub.sentences import Sentence

log = logging.getLogger(__name__)

_SHUTDOWN_S = 10.0
T = TypeVar("T")


def entry() -> None:
    """The installed command."""
    sys.exit(main(sys.argv[1:]))


def main(argv: Sequence[str]) -> int:
    """Run a command; the process's exit status."""
    try:
        given = _parser().parse_args(argv)
        if given.command == "password":
            return _set_password(place_options(given))
        if given.command == "forget-secrets":
            return _forget_secrets(place_options(given))
        if given.command == "seed":
            return seed.run(given)
        options = serve_options(given)
        set_up_logging(parse_level(options.log_level), as_json=options.log_format == "json")
        password = os.environ.pop(first_start.PASSWORD_VARIABLE, "")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(options, admin_password=password))
        return 0
    except BuduError as error:
        print(f"budu-hub: {_told(error)}", file=sys.stderr)
        if error.hint is not None:
            print(f"  → {render(error.hint, language_of())}", file=sys.stderr)
        return 1


def _told(error: BuduError) -> str:
    message = error.message
    return message.in_language(language_of()) if isinstance(message, Sentence) else message


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="budu-hub", description="A registry with accounts and a page.", allow_abbrev=False
    )
    parser.add_argument("-v", "--version", action="version", version=f"budu version {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    add_serve_flags(commands.add_parser("serve", help="serve", allow_abbrev=False))
    password = commands.add_parser("password", help="set the admin's password", allow_abbrev=False)
    add_place_flags(password)
    about = "give up webhooks' secrets and mirrors' passwords, when their key is lost"
    add_place_flags(commands.add_parser("forget-secrets", help=about, allow_abbrev=False))
    about = "build the official images and publish them"
    seed.add_seed_flags(commands.add_parser("seed", help=about, allow_abbrev=False))
    return parser


async def serve(options: Options, *, admin_password: str = "") -> None:
    """Serve until a signal ends it."""
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    async with running(options, admin_password=admin_password) as hub:
        runner = web.AppRunner(
            hub.app,
            access_log=None,
            shutdown_timeout=_SHUTDOWN_S,
            read_bufsize=READ_BUFFER_BYTES,
        )
        await runner.setup()
        try:
            context = _tls(options)
            site = web.TCPSite(runner, options.host, options.port, ssl_context=context)
            await site.start()
            if hub.admin_password is not None:  # not logged: logs are kept
                print(
                    f"The admin's password, shown this once: {hub.admin_password}",
                    file=sys.stderr,
                    flush=True,
                )
            log.info("hub listens on %s", " ".join(map(_listening, runner.addresses)))
            await ending.wait()
        except OSError as error:
            raise InvalidArgument(
                f"listen at {options.host}:{options.port}: {(error.strerror or str(error)).lower()}"
            ) from None
        finally:
            await runner.cleanup()


def _listening(address: tuple[str, int]) -> str:
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    return f"{host}:{address[1]}"


def _tls(options: Options) -> ssl.SSLContext | None:
    """Raises: InvalidArgument when the files are no certificate and key."""
    if options.tls_cert is None or options.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(options.tls_cert, options.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise InvalidArgument(f"certificate {options.tls_cert}: {error}") from None
    return context


def _set_password(options: Options) -> int:
    password = sys.stdin.readline().rstrip("\n")
    _change(options, lambda c: first_start.set_admin_password(c, password, options.scrypt))
    return 0


def _forget_secrets(options: Options) -> int:
    lost = _change(options, sealing.forget)
    print(Sentence("hub.secrets-forgotten", count=lost).in_language(language_of()))
    return 0


def _change(options: Options, change: Callable[[Connection], T]) -> T:
    """Change the database without a hub."""

    async def changed() -> T:
        database = Database(database_url(options))
        try:
            await database.write(prepare)
            return await database.write(change)
        finally:
            database.close()

    return asyncio.run(changed())


if __name__ == "__main__":
    entry()

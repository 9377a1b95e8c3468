"""The composition root of a hub process: the only place that makes its services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from aiohttp import web
from sqlalchemy import Connection

from budu.base.errors import InvalidArgument
from budu.base.tasks import SteadyTasks
from budu.hub.accounts import first_start
from budu.hub.accounts.credentials import Credentials
from budu.hub.accounts.first_start import Beginning
from budu.hub.accounts.guard import AccountGuard
from budu.hub.accounts.passwords import Passwords
from budu.hub.accounts.signer import Signer
from budu.hub.accounts.throttle import Throttle
from budu.hub.accounts.token_service import TokenService
from budu.hub.blobs.opening import open_blobs
from budu.hub.database import Database
from budu.hub.docker_api.service import DockerApi
from budu.hub.http import client_address
from budu.hub.options import Options
from budu.hub.registry.context import Context
from budu.hub.registry.counters import Counters
from budu.hub.registry.limits import Limits, PullLimits
from budu.hub.registry.service import Registry
from budu.hub.registry.sweep import Sweep, SweepRules
from budu.hub.repositories import events, retention_run
from budu.hub.repositories.catalog import Catalog
from budu.hub.repositories.deliveries import Deliveries
from budu.hub.repositories.unpacked import Unpacking
from budu.hub.repositories.watcher import RepositoryWatcher
from budu.hub.schema import prepare
from budu.hub.sealing import KEY_FILE, KeyFile, adopt
from budu.hub.services import Services
from budu.hub.site import Site, add_headers, default_folder
from budu.hub.site_api import routing
from budu.hub.site_api.routes import ROUTES
from budu.spec.digest import Digest

SWEEP_EVERY_S = 3600.0


@asynccontextmanager
async def running(options: Options, *, admin_password: str = "") -> AsyncIterator[Hub]:
    """A hub whose application can be served, until the context ends."""
    options.data.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        database = Database(database_url(options))
        stack.callback(database.close)
        keys = KeyFile(key_path(options), may_make=options.secret_key is None)
        try:
            beginning = await database.write(lambda c: _begin(c, options, keys, admin_password))
        except InvalidArgument:
            keys.unmake()
            raise
        passwords = Passwords(options.scrypt)
        stack.callback(passwords.close)
        blobs = open_blobs(blobs_url(options))
        stack.push_async_callback(blobs.close)
        signer = Signer(beginning.key, options.registry_name)
        catalog = Catalog(database)
        throttle = Throttle()
        credentials = Credentials(database, passwords, signer, throttle)
        deliveries = Deliveries(database, keys.seal, allows_private=options.allows_private_webhooks)
        sweep = Sweep(database, blobs)
        services = Services(
            options=options,
            database=database,
            passwords=passwords,
            signer=signer,
            seal=keys.seal,
            credentials=credentials,
            throttle=throttle,
            blobs=blobs,
            catalog=catalog,
            deliveries=deliveries,
            unpacking=Unpacking(database, blobs),
            sweep=partial(sweep.sweep, SweepRules()),
        )
        registry = _registry(services)
        stack.push_async_callback(registry.context.upstreams.close)
        tasks = await stack.enter_async_context(_Background())
        tasks.begin(registry.run(), "registry")
        tasks.begin(sweep.run(SweepRules(), every_s=SWEEP_EVERY_S), "sweep")
        tasks.begin(deliveries.run(), "webhooks")
        tasks.begin(services.unpacking.run(), "unpacked sizes")
        tasks.begin(retention_run.run_daily(database), "retention")
        yield Hub(services, _application(services, registry), beginning.password)


def _registry(services: Services) -> Registry:
    database, options, catalog = services.database, services.options, services.catalog

    def told(connection: Connection, repository_id: int, digest: Digest) -> None:
        events.tell_pull(connection, options, repository_id, digest)

    context = Context(
        database=database,
        blobs=services.blobs,
        guard=AccountGuard(database, services.credentials, catalog, services.seal, options),
        watcher=RepositoryWatcher(database, services.deliveries, catalog, options),
        counters=Counters(database, told=told),
        limits=PullLimits(
            database, Limits(anonymous=options.pulls, signed_in=options.pulls_signed_in)
        ),
        address=options.address.rstrip("/"),
        folder=options.data,
        address_of=partial(client_address, trusted_proxies=options.trusted_proxies),
    )
    return Registry(context)


class _Background:
    """Tasks beside requests; cancelled at the end."""

    def __init__(self) -> None:
        self._group = SteadyTasks()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> _Background:
        await self._group.__aenter__()
        return self

    def begin(self, work: Coroutine[object, object, None], name: str) -> None:
        """Run until the end."""
        self._tasks.append(self._group.create_task(work, name=name))

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(None, None, None)


class Hub:
    """A composed hub."""

    def __init__(self, services: Services, app: web.Application, password: str | None) -> None:
        self.services = services
        self.app = app
        self.admin_password = password
        """Made up at this start; shown once."""


def _begin(
    connection: Connection, options: Options, keys: KeyFile, admin_password: str
) -> Beginning:
    prepare(connection)
    adopt(connection, keys)
    return first_start.begin(connection, options.scrypt, keys.seal, given=admin_password)


def key_path(options: Options) -> Path:
    """Where the key of the secrets is."""
    return options.secret_key or options.data / KEY_FILE


def database_url(options: Options) -> str:
    """Where the records are."""
    return options.database_url or f"sqlite:///{options.data}/hub.db"


def blobs_url(options: Options) -> str:
    """Where the bytes are."""
    return options.blobs_url or (options.data / "blobs").as_uri()


def _application(services: Services, registry: Registry) -> web.Application:
    app = web.Application()
    app.on_response_prepare.append(add_headers)
    TokenService(
        services.database, services.credentials, services.signer, services.options
    ).add_routes(app)
    routing.add_routes(app, services, ROUTES)
    DockerApi(services).add_routes(app)
    app.add_routes(registry.routes())
    Site(services.options.site or default_folder()).add_routes(app)
    return app

"""All plugins of this machine: found when somebody asks for one by name, greeted once.

A plugin that was greeted stays known, also while it is down: its calls then wait and fail in the
client. One whose address changed is greeted again.
Source: Docker docs, "Docker Plugin API", Handshake API; moby 28.3, pkg/plugins/plugins.go.
"""

from __future__ import annotations

import asyncio
import logging

from budu.base.errors import BuduError, Hint, Internal, NotFound
from budu.plugin.client import Patience, PluginClient, Reply
from budu.plugin.discovery import PluginFolders, find, scan

VOLUME_DRIVER = "VolumeDriver"
NETWORK_DRIVER = "NetworkDriver"
IPAM_DRIVER = "IpamDriver"

log = logging.getLogger(__name__)


class Manifest(Reply, frozen=True, kw_only=True, rename="pascal"):
    """What a plugin says it can do."""

    implements: list[str] | None = None


class Plugin:
    """A plugin that was greeted."""

    def __init__(self, client: PluginClient, implements: frozenset[str]) -> None:
        self.client = client
        self.implements = implements

    @property
    def name(self) -> str:
        """Its name."""
        return self.client.name


class Plugins:
    """Looks plugins up by name."""

    def __init__(self, folders: PluginFolders, *, patience: Patience | None = None) -> None:
        self.folders = folders
        self._patience = patience or Patience()
        self._known: dict[str, Plugin] = {}
        self._greetings: dict[str, asyncio.Lock] = {}

    async def get(self, name: str, kind: str) -> PluginClient:
        """The plugin `name`, which must be one of `kind`.

        Raises: NotFound; Unavailable, DeadlineExceeded, Internal when it cannot be greeted;
        Internal when it is of another kind.
        """
        plugin = await self._greeted(name, retry=True)
        if kind not in plugin.implements:
            raise Internal(
                "legacy plugin: Plugin does not implement the requested driver: "
                f'plugin="{name}", requested implementation="{kind}"',
                reference=name,
                hint=Hint(
                    "plugin.other-kind",
                    name=name,
                    kind=kind,
                    implements=", ".join(sorted(plugin.implements)) or "-",
                ),
            )
        return plugin.client

    def names(self, kind: str) -> list[str]:
        """Names of the plugins of a kind that were greeted, sorted."""
        return sorted(name for name, each in self._known.items() if kind in each.implements)

    async def survey(self) -> None:
        """Greet every plugin that is there now, so that lists know them; failures are logged."""
        async with asyncio.TaskGroup() as tasks:
            for name in scan(self.folders):
                tasks.create_task(self._try_to_greet(name), name=f"plugin {name}")

    async def _try_to_greet(self, name: str) -> None:
        try:
            await self._greeted(name, retry=False)
        except BuduError as error:
            log.warning("plugin %s: %s", name, error.message)

    async def _greeted(self, name: str, *, retry: bool) -> Plugin:
        known = self._known.get(name)
        try:
            address = find(self.folders, name)
        except NotFound:
            if known is None:
                raise
            return known  # it was here: its calls tell that it is gone
        if known is not None and known.client.address == address:
            return known
        lock = self._greetings.setdefault(name, asyncio.Lock())
        async with lock:
            known = self._known.get(name)
            if known is None or known.client.address != address:
                client = PluginClient(name, address, patience=self._patience)
                known = self._known[name] = await _greet(client, retry=retry)
            return known


async def _greet(client: PluginClient, *, retry: bool) -> Plugin:
    manifest = await client.call("Plugin.Activate", None, Manifest, retry=retry)
    log.info("plugin %s at %s: %s", client.name, client.address, manifest.implements)
    return Plugin(client, frozenset(manifest.implements or ()))

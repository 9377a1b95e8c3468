"""A network service over a database in a folder and a fabric without a kernel."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from tests.fakes.fabric import FakeFabric
from tests.support.records import a_container, hex_id

from budu.base.filters import Filters
from budu.engine.containers.model import Container, Status
from budu.engine.containers.repository import ContainerRepository
from budu.engine.containers.start import Running
from budu.engine.database import Database
from budu.engine.events import EventLog
from budu.engine.networks import NetworkService
from budu.engine.networks.members import NetworkMembers
from budu.engine.networks.remotes import RemoteNetworks
from budu.engine.networks.service import predefined_id
from budu.engine.paths import EnginePaths
from budu.network.contract import NetworkSpec
from budu.plugin.client import Patience
from budu.plugin.discovery import PluginFolders
from budu.plugin.registry import Plugins
from budu.shim.client import process_start_ticks
from budu.spec.api.host_config import HostConfig
from budu.spec.api.network import (
    IPAM,
    EndpointSettings,
    IPAMConfig,
    NetworkCreateBody,
    NetworkingConfig,
)


class Namespaces:
    """Hands out descriptors that stand for network namespaces."""

    def make(self) -> int:
        return os.open("/dev/null", os.O_RDONLY)

    def close(self) -> None:
        pass


class Lives:
    """As much of the container service as members need, over real records."""

    def __init__(self, repository: ContainerRepository) -> None:
        self._repository = repository
        self.held: dict[str, Running] = {}
        self.holds = 0

    def get(self, ref: str) -> Container:
        return self._repository.get(ref)

    @asynccontextmanager
    async def holding(self, id_: str) -> AsyncIterator[None]:
        self.holds += 1
        yield

    def change(self, id_: str, **fields: object) -> Container:
        return self._repository.update(msgspec.structs.replace(self._repository.get(id_), **fields))

    def running(self, ref: str) -> tuple[Container, Running]:
        container = self.get(ref)
        return container, self.held[container.id]


class Scene:
    """Everything of one engine that networks touch."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / "state")
        self.events = EventLog(self.database)
        self.containers = ContainerRepository(self.database)
        default = NetworkSpec(id=predefined_id("engine", "bridge"), name="bridge")
        self.fabric = FakeFabric(default)
        folders = PluginFolders(sockets=folder / "plugins", specs=())
        self.plugins = Plugins(folders, patience=Patience(total_s=0.1, first_step_s=0.05))
        self.networks = self.service()
        self.networks.start()
        self.lives = Lives(self.containers)
        paths = EnginePaths(data_root=folder, exec_root=folder)
        self.members = NetworkMembers(
            self.lives,  # type: ignore[arg-type]  # as much of it as is needed
            self.networks,
            self.fabric,
            paths,
        )
        self._paths = paths

    def service(self) -> NetworkService:
        """A service over the same database, as the next engine makes it."""
        return NetworkService(
            self.fabric,
            Namespaces(),  # type: ignore[arg-type]  # as much of it as is needed
            RemoteNetworks(self.plugins, self.fabric, self.database),
            self.database,
            self.events,
            engine_id="engine",
            created_ns=1,
            containers=self.containers.all,
        )

    async def create(self, name: str, *, subnet: str = "", **fields: Any) -> str:
        """A network; its id."""
        if subnet:
            fields["ipam"] = IPAM(config=[IPAMConfig(subnet=subnet)])
        return (await self.networks.create(NetworkCreateBody(name=name, **fields))).id

    def container(
        self, name: str, *networks: str, host: HostConfig | None = None, **wishes: EndpointSettings
    ) -> Container:
        """A container that was created in these networks."""
        host = host or HostConfig(network_mode=networks[0] if networks else "bridge")
        asked = {each: wishes.get(each, EndpointSettings()) for each in networks}
        plan = self.networks.plan(host, NetworkingConfig(endpoints_config=asked))
        container = a_container(name, host_config=host, endpoint_settings=plan)
        self.containers.add(container)
        return container

    async def start(self, name: str) -> Container:
        """Connect a container as a start does; its process is this one."""
        container = self.containers.get(name)
        sandbox = await self.networks.open(container)
        assert sandbox.netns is not None
        os.close(sandbox.netns)
        running = Running(shim=None, cgroup=None, endpoints=sandbox.endpoints)  # type: ignore[arg-type]  # no process
        self.lives.held[container.id] = running
        folder = self._paths.container(container.id).root
        folder.mkdir(parents=True, exist_ok=True)
        self._paths.container(container.id).hosts.write_text("127.0.0.1\tlocalhost\n")
        return self.lives.change(
            container.id,
            status=Status.RUNNING,
            pid=os.getpid(),
            pid_started=process_start_ticks(os.getpid()),
            started_ns=1,
            endpoints=sandbox.endpoints,
        )

    def hosts(self, name: str) -> str:
        return self._paths.container(self.containers.get(name).id).hosts.read_text()

    def told(self) -> list[tuple[str, str]]:
        """Events of networks: what happened and to which."""
        found = []
        rows = self.database.execute("SELECT record FROM events ORDER BY rowid").fetchall()
        for (record,) in rows:
            message = msgspec.json.decode(record)
            if message["Type"] == "network":
                found.append((message["Action"], message["Actor"]["Attributes"].get("name", "")))
        return found

    def names(self, **filters: str) -> list[str]:
        wanted = Filters({key: (value,) for key, value in filters.items()})
        return [each.name for each in self.networks.list(wanted)]


NOBODY = hex_id("nobody")

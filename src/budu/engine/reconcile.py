"""After an engine start: what became of the containers that the last engine left.

For each record that says it runs, facts decide: a shim that answers at its socket means it runs
on, and so does its process without a shim (its output is lost then); an exit file means that it
ended meanwhile, with that code; nothing of them means that it is lost (the machine was restarted,
or somebody killed both), which counts as exit code 255 as Docker has it. What runs without such a
record is ended before (`leftovers`). Then the restart policies are served.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import msgspec

from budu.base.clock import now_ns
from budu.base.errors import BuduError, NotFound, Unavailable
from budu.engine.containers.endings import LOST_EXIT_CODE
from budu.engine.containers.lifecycle import Event, next_status
from budu.engine.containers.model import Container, Status
from budu.engine.containers.repository import ContainerRepository
from budu.engine.containers.restart import AtEngineStart, at_engine_start
from budu.engine.containers.service import ContainerService
from budu.engine.containers.start import ContainerStarter, Running
from budu.engine.leftovers import Leftovers
from budu.engine.networks import NetworkService
from budu.engine.paths import EnginePaths
from budu.engine.volumes import VolumeService
from budu.linux.system import boot_id
from budu.runtime.cgroups.contract import Cgroup
from budu.shim.client import ExitStatus, ShimHandle, adopt_process, connect_shim, read_exit_file

log = logging.getLogger(__name__)


class Reconciler:
    """Brings records and facts together once, before the first request is served."""

    def __init__(
        self,
        repository: ContainerRepository,
        service: ContainerService,
        starter: ContainerStarter,
        networks: NetworkService,
        volumes: VolumeService,
        leftovers: Leftovers,
        paths: EnginePaths,
    ) -> None:
        self._repository = repository
        self._service = service
        self._starter = starter
        self._networks = networks
        self._volumes = volumes
        self._leftovers = leftovers
        self._paths = paths

    async def run(self) -> None:
        """Clear what nobody knows, adopt what lives, bury what died, start what shall run."""
        await self._leftovers.clear()
        await self._volumes.meet_folders()
        survivors: list[tuple[Container, ShimHandle]] = []
        ended: list[tuple[Container, ExitStatus]] = []
        for container in self._repository.all():
            if container.is_running:
                shim = await self._find_shim(container)
                if shim is not None:
                    survivors.append((container, shim))
                else:
                    ended.append((container, self._exit_of(container)))
        endpoints = [each for container, _ in survivors for each in container.endpoints.values()]
        self._networks.restore(endpoints)
        await self._volumes.recover(container for container, _ in survivors)
        for container, shim in survivors:
            cgroup = self._starter.open_cgroup(container)
            container = self._meet_freezer(container, cgroup)
            running = Running(shim=shim, cgroup=cgroup, endpoints=container.endpoints)
            self._service.adopt(container, running)
        for container, status in ended:
            await self._service.bury(container, status, self._starter.open_cgroup(container))
        await self._finish_removals()
        await self._serve_policies()
        log.info("reconciled running=%d ended=%d", len(survivors), len(ended))

    def _meet_freezer(self, container: Container, cgroup: Cgroup) -> Container:
        """A pause or its end that was broken off is true where the kernel has it."""
        if cgroup.is_frozen == (container.status is Status.PAUSED):
            return container
        event = Event.PAUSE if cgroup.is_frozen else Event.UNPAUSE
        status = next_status(container, event)
        container = self._repository.update(msgspec.structs.replace(container, status=status))
        self._service.emit(container, str(event))
        return container

    async def _find_shim(self, container: Container) -> ShimHandle | None:
        """The shim, or the process alone where somebody killed its shim; None when it ended."""
        paths = self._paths.container(container.id)
        with suppress(NotFound, Unavailable):
            return await connect_shim(str(paths.shim_socket))
        if container.boot_id != boot_id():
            return None
        with suppress(NotFound):
            return adopt_process(
                container_id=container.id,
                pid=container.pid,
                start_ticks=container.pid_started,
                exit_path=str(paths.exit),
                tty=container.tty,
            )
        return None

    def _exit_of(self, container: Container) -> ExitStatus:
        found = read_exit_file(str(self._paths.container(container.id).exit))
        if found is not None:
            return found
        return ExitStatus(code=LOST_EXIT_CODE, finished_ns=now_ns(), seen=False)

    async def _finish_removals(self) -> None:
        """Take away what a removal was interrupted at, and `--rm` containers that have ended."""
        for container in self._repository.all():
            if container.status is Status.REMOVING:
                dead = msgspec.structs.replace(container, status=Status.DEAD)
                self._repository.update(dead)
                await self._remove(dead, volumes=dead.removes_volumes)
            elif (
                container.host_config.auto_remove
                and container.started_ns
                and not container.is_running
            ):
                await self._remove(container, volumes=True)

    async def _remove(self, container: Container, *, volumes: bool) -> None:
        try:
            await self._service.remove(container.id, force=True, volumes=volumes, link=False)
        except (BuduError, OSError) as error:
            log.warning("removal failed container=%s error=%s", container.id, error)

    async def _serve_policies(self) -> None:
        """Start what shall run, oldest first."""
        idle = [each for each in self._repository.all() if not each.is_running]
        for container in sorted(idle, key=lambda each: each.created_ns):
            match at_engine_start(
                container.host_config.restart_policy,
                container,
                same_boot=container.boot_id == boot_id(),
            ):
                case AtEngineStart.GO_ON:
                    self._service.go_on_restarting(container.id)
                case AtEngineStart.START:
                    await self._start(container)
                case AtEngineStart.LEAVE:
                    pass

    async def _start(self, container: Container) -> None:
        try:
            await self._service.start_anew(container.id)
        except BuduError as error:
            log.warning("start failed container=%s error=%s", container.id, error.message)
        await asyncio.sleep(0)

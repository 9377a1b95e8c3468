"""What a killed engine left that no record tells of, taken away at the next start.

An engine that dies between an effect and its record leaves, by where it died: a process that runs
while its record says otherwise (started, but not stored), a cgroup, folders of a container that was
never stored or is removed already. No client was told that any of it is done, so it is undone.
Links and firewall elements are swept by `networks.restore`, volumes meet their folders in
`volumes.meet_folders`, unfinished removals go on in `reconcile`. Nothing here looks at a container
that is recorded as running: those are `reconcile`'s.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal

from budu.base.errors import BuduError, NotFound, Unavailable
from budu.engine.containers.repository import ContainerRepository
from budu.engine.paths import EnginePaths
from budu.runtime.cgroups.actions import clear
from budu.runtime.cgroups.contract import Cgroup, Cgroups
from budu.shim.client import connect_shim
from budu.snapshot.container import ContainerSnapshots

END_S = 10.0
"""How long a killed container may take to end."""

log = logging.getLogger(__name__)


class Leftovers:
    """Finds by facts, not by records. Use it before anything is started."""

    def __init__(
        self,
        repository: ContainerRepository,
        snapshots: ContainerSnapshots,
        cgroups: Cgroups,
        paths: EnginePaths,
        *,
        cgroup_parent: str,
    ) -> None:
        self._repository = repository
        self._snapshots = snapshots
        self._cgroups = cgroups
        self._cgroup_parent = cgroup_parent
        self._paths = paths

    async def clear(self) -> None:
        """Take everything away. What resists is logged and left to the next start."""
        running = {each.id for each in self._repository.all() if each.is_running}
        for id_ in self._folders(self._paths.exec_containers) - running:
            await self._end(id_)
        for cgroup in self._stray_cgroups(running):
            log.warning("clearing a cgroup that no running container has: %s", cgroup.path)
            await clear(cgroup, timeout_s=END_S)
        self._remove_files({each.id for each in self._repository.all()})

    async def _end(self, id_: str) -> None:
        """Kill what was started but never recorded; its shim takes the rest away."""
        try:
            shim = await connect_shim(str(self._paths.container(id_).shim_socket))
        except (NotFound, Unavailable):
            return  # nothing runs, or `_stray_cgroups` finds it
        log.warning("ending a start that was broken off container=%s pid=%d", id_, shim.pid)
        try:
            shim.signal(signal.SIGKILL)
            async with asyncio.timeout(END_S):
                await shim.wait()
        except TimeoutError:
            log.warning("container=%s does not end", id_)
        finally:
            shim.close()

    def _stray_cgroups(self, running: set[str]) -> list[Cgroup]:
        parent = self._cgroup_parent.rstrip("/")
        strays = self._cgroups.names_below(parent) - running
        paths = [f"{parent}/{name}" for name in sorted(strays)]
        for container in self._repository.all():
            other = container.host_config.cgroup_parent
            if other and container.id not in running:
                paths.append(f"{other.rstrip('/')}/{container.id}")
        opened = [self._cgroups.open(path) for path in paths]
        return [each for each in opened if not each.try_remove()]

    def _remove_files(self, known: set[str]) -> None:
        for id_ in set(self._snapshots.list()) - known:
            try:
                self._snapshots.remove(id_)
            except (BuduError, OSError) as error:
                log.warning("snapshot of nobody stays %s: %s", id_, error)
        for folder in (self._paths.containers, self._paths.exec_containers):
            for id_ in self._folders(folder) - known:
                shutil.rmtree(folder / id_, ignore_errors=True)

    @staticmethod
    def _folders(folder: os.PathLike[str]) -> set[str]:
        return {each.name for each in os.scandir(folder) if each.is_dir(follow_symlinks=False)}

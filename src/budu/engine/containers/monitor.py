"""Samples of what containers use: one sampler per container, however many listen.

    first listener ─▶ sampler: cgroup files, /proc/PID/net/dev, /proc/stat, every second
                         └─▶ every listener gets the same sample; a slow one gets the newest

Nothing is read while nobody listens, and no process is started for it.
Source: Engine API 1.51 ContainerStats; moby 28.5, daemon/stats.go and daemon/stats_unix.go.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from budu.base.clock import now_ns
from budu.base.errors import BuduError
from budu.engine.containers.model import Container
from budu.engine.containers.service import ContainerService
from budu.engine.containers.sharing import donors
from budu.engine.containers.start import Running
from budu.engine.contract.monitor import LinkCounters, Sample

INTERVAL_S = 1.0
_CPU_FIELDS = 7
"""Of the line `cpu` in /proc/stat: user, nice, system, idle, iowait, irq, softirq."""

log = logging.getLogger(__name__)


class MonitorService:
    """See `engine.contract.monitor.Monitor`. A `LifeObserver`."""

    def __init__(
        self,
        containers: ContainerService,
        *,
        cgroup_version: int,
        tasks: asyncio.TaskGroup,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._containers = containers
        self._cgroup_version = cgroup_version
        self._tasks = tasks
        self._interval_s = interval_s
        self._samplers: dict[str, _Sampler] = {}
        self._machine_memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

    async def sample(self, ref: str) -> Sample:
        """See `Monitor.sample`."""
        return await self._sample(self._containers.get(ref).id)

    def follow(self, ref: str) -> SampleStream:
        """See `Monitor.follow`."""
        container = self._containers.get(ref)
        sampler = self._samplers.get(container.id)
        if sampler is None:
            sampler = self._samplers[container.id] = _Sampler()
            sampler.task = self._tasks.create_task(
                self._run(container.id, sampler), name=f"stats-{container.short_id}"
            )
        return SampleStream(self, container.id, sampler)

    # What happens to containers

    def started(self, container: Container, running: Running) -> None:
        """Its samples have values from now on."""

    def ended(self, container: Container) -> None:
        """Its samples are empty from now on."""

    def removed(self, container: Container) -> None:
        """Whoever follows it is done."""
        sampler = self._samplers.pop(container.id, None)
        if sampler is not None:
            sampler.end()

    def close(self) -> None:
        """The engine ends: nobody gets a sample any more."""
        for id_ in tuple(self._samplers):
            self._samplers.pop(id_).end()

    # Sampling

    async def _run(self, id_: str, sampler: _Sampler) -> None:
        """The edge of a task: what goes wrong with one container must not end the engine."""
        try:
            while True:
                sampler.tell(await self._sample(id_))
                await asyncio.sleep(self._interval_s)
        except BuduError:  # removed meanwhile
            sampler.end()
        except Exception:
            log.exception("sampling failed container=%s", id_)
            sampler.end()
        finally:
            if self._samplers.get(id_) is sampler:
                del self._samplers[id_]

    async def _sample(self, id_: str) -> Sample:
        """Raises: NotFound."""
        container = self._containers.get(id_)
        empty = Sample(id=container.id, name=container.name, cgroup_version=self._cgroup_version)
        if not container.is_running:
            return empty
        try:
            _, running = self._containers.running(id_)
        except BuduError:
            return empty
        pid, links = self._links_of(container)
        return await asyncio.to_thread(self._read, container, running, pid, links)

    def _read(
        self, container: Container, running: Running, pid: int, links: frozenset[str]
    ) -> Sample:
        usage = running.cgroup.usage()
        system_ns, online_cpus = read_system(_text("/proc/stat"))
        table = _text(f"/proc/{pid}/net/dev") if links else ""
        return Sample(
            id=container.id,
            name=container.name,
            read_ns=now_ns(),
            usage=usage,
            cgroup_version=self._cgroup_version,
            system_ns=system_ns,
            online_cpus=online_cpus,
            machine_memory=self._machine_memory,
            links=read_links(table, links),
        )

    def _links_of(self, container: Container) -> tuple[int, frozenset[str]]:
        """A process in the network namespace that the container uses, and its links' names there;
        none in the host's."""
        donor = donors(container.host_config).get("network")
        if donor:
            try:
                return self._links_of(self._containers.get(donor))
            except BuduError:
                return 0, frozenset()
        return container.pid, frozenset(each.link_name for each in container.endpoints.values())

    def drop(self, id_: str, sampler: _Sampler) -> None:
        """Nobody listens to it any more."""
        if self._samplers.get(id_) is sampler:
            del self._samplers[id_]
        sampler.end()


class _Sampler:
    """The listeners of one container."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.latest: Sample | None = None
        self.queues: set[asyncio.Queue[Sample | None]] = set()

    def tell(self, sample: Sample | None) -> None:
        """Give everybody the newest sample; None is the end."""
        self.latest = sample
        for queue in self.queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(sample)

    def end(self) -> None:
        """No sample comes any more. Idempotent."""
        self.tell(None)
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()


class SampleStream:
    """One listener. Listening begins when it is made and ends with `aclose`."""

    def __init__(self, monitor: MonitorService, id_: str, sampler: _Sampler) -> None:
        self._monitor = monitor
        self._id = id_
        self._sampler = sampler
        self._queue: asyncio.Queue[Sample | None] = asyncio.Queue(1)
        sampler.queues.add(self._queue)
        if sampler.latest is not None:
            self._queue.put_nowait(sampler.latest)

    def __aiter__(self) -> SampleStream:
        return self

    async def __anext__(self) -> Sample:
        sample = await self._queue.get()
        if sample is None:
            await self.aclose()
            raise StopAsyncIteration
        return sample

    async def aclose(self) -> None:
        """Stop listening; idempotent."""
        self._sampler.queues.discard(self._queue)
        if not self._sampler.queues:
            self._monitor.drop(self._id, self._sampler)


def read_system(stat: str) -> tuple[int, int]:
    """CPU time of the host in nanoseconds and the number of CPUs, from the text of /proc/stat.

    Source: man 5 proc, /proc/stat; moby, daemon/stats_unix.go (which fields count).
    """
    tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    total = cpus = 0
    for line in stat.splitlines():
        name, *values = line.split()
        if not name.startswith("cpu"):
            break
        if name == "cpu":
            total = sum(map(int, values[:_CPU_FIELDS])) * tick_ns
        else:
            cpus += 1
    return total, cpus


def read_links(table: str, names: Iterable[str]) -> dict[str, LinkCounters]:
    """The counters of the links named, from the text of /proc/PID/net/dev.

    Source: man 5 proc, /proc/net/dev: eight columns of what came in, eight of what went out.
    """
    wanted = frozenset(names)
    found = {}
    for line in table.splitlines():
        name, colon, rest = line.strip().partition(":")
        if not colon or name not in wanted:
            continue
        values = list(map(int, rest.split()))
        found[name] = LinkCounters(
            rx_bytes=values[0],
            rx_packets=values[1],
            rx_errors=values[2],
            rx_dropped=values[3],
            tx_bytes=values[8],
            tx_packets=values[9],
            tx_errors=values[10],
            tx_dropped=values[11],
        )
    return found


def _text(path: str) -> str:
    """The file's text; empty once the process is gone."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""

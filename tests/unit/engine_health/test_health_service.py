"""Watching over containers: bounded probes, one timer each, nothing left after an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
from tests.support.records import a_running_container

from budu.base.errors import Unavailable
from budu.engine.containers.health import PARALLEL_PROBES, HealthService
from budu.engine.containers.health_state import HealthState, HealthStatus
from budu.engine.containers.model import Container, Status
from budu.engine.containers.probes import ProbeResult
from budu.engine.database import Database
from budu.spec.api.container import ContainerConfig, HealthConfig

MS = 1_000_000


class Containers:
    """The part of the container service that health speaks to, over records in memory."""

    def __init__(self) -> None:
        self.records: dict[str, Container] = {}
        self.told: list[str] = []
        self.done: list[str] = []

    def get(self, ref: str) -> Container:
        return self.records[ref]

    def change(self, id_: str, **fields: object) -> Container:
        self.records[id_] = msgspec.structs.replace(self.records[id_], **fields)
        return self.records[id_]

    def emit(self, container: Container, action: str, **attributes: str) -> None:
        self.told.append(action)

    async def restart(self, ref: str, **options: object) -> None:
        self.done.append(f"restart by {options['by']}")

    async def stop(self, ref: str, **options: object) -> None:
        self.done.append(f"stop by {options['by']}")

    async def kill(self, ref: str, **options: object) -> None:
        self.done.append(f"kill by {options['by']}")


class Probes:
    """Probes that end when the test lets them, with the code that it names."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.code = 0
        self.begun = 0
        self.running = 0
        self.most = 0
        self.fault: Exception | None = None

    async def run(self, *_: object) -> ProbeResult:
        self.begun += 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.gate.wait()
        finally:
            self.running -= 1
        if self.fault is not None:
            raise self.fault
        return ProbeResult(exit_code=self.code, output="looked")


class Scene:
    """A health service over fakes."""

    def __init__(self, database: Database, tasks: asyncio.TaskGroup) -> None:
        self.containers = Containers()
        self.probes = Probes()
        self.health = HealthService(
            self.containers,  # type: ignore[arg-type]
            self.probes,  # type: ignore[arg-type]
            database,
            tasks=tasks,
        )

    def start(self, name: str = "web", **settings: object) -> str:
        """A running container that is probed all the time; its id."""
        health = HealthConfig(test=["CMD", "x"], interval=MS, retries=2)
        config = ContainerConfig(healthcheck=msgspec.structs.replace(health, **settings))
        container = a_running_container(name, config=config)
        self.containers.records[container.id] = container
        self.health.started(container, None)  # type: ignore[arg-type]
        return container.id

    def state(self, id_: str) -> HealthState:
        state = self.containers.get(id_).health
        assert state is not None
        return state


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    database = Database(tmp_path / "db")
    async with asyncio.TaskGroup() as tasks:
        scene = Scene(database, tasks)
        yield scene
        scene.probes.gate.set()
        await scene.health.close()
    database.close()


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until something is true."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def test_only_so_many_probes_run_at_once(scene: Scene) -> None:
    scene.probes.gate.clear()
    ids = [scene.start(f"c{number}") for number in range(3 * PARALLEL_PROBES)]
    await until(lambda: scene.probes.running == PARALLEL_PROBES)
    scene.probes.gate.set()
    await until(lambda: all(scene.state(id_).status is HealthStatus.HEALTHY for id_ in ids))
    assert scene.probes.most == PARALLEL_PROBES


async def test_a_container_has_one_probe_at_a_time(scene: Scene) -> None:
    scene.probes.gate.clear()
    id_ = scene.start()
    await until(lambda: scene.probes.running)
    await asyncio.sleep(0.02)
    assert scene.probes.begun == 1
    scene.probes.gate.set()
    await until(lambda: len(scene.state(id_).log) == 5)
    assert scene.probes.most == 1


async def test_changes_are_told_once(scene: Scene) -> None:
    scene.probes.code = 1
    id_ = scene.start()
    await until(lambda: scene.state(id_).failing_streak > 5)
    assert scene.containers.told == ["health_status: unhealthy"]


async def test_a_probe_that_cannot_run_is_a_failure(scene: Scene) -> None:
    scene.probes.fault = Unavailable("no shim")
    id_ = scene.start()
    await until(lambda: scene.state(id_).status is HealthStatus.UNHEALTHY)
    assert (scene.state(id_).log[0].exit_code, scene.state(id_).log[0].output) == (-1, "no shim")


async def test_a_bug_in_a_probe_does_not_end_the_watching(scene: Scene) -> None:
    scene.probes.fault = RuntimeError("bug")
    id_ = scene.start()
    await until(lambda: scene.probes.begun > 2)
    scene.probes.fault = None
    await until(lambda: scene.state(id_).status is HealthStatus.HEALTHY)


async def test_an_end_breaks_the_probe_off_and_drops_what_it_would_tell(scene: Scene) -> None:
    scene.probes.gate.clear()
    id_ = scene.start()
    await until(lambda: scene.probes.running)
    scene.health.ended(scene.containers.change(id_, status=Status.EXITED))
    await until(lambda: not scene.probes.running)
    assert scene.state(id_).status is HealthStatus.UNHEALTHY
    assert (scene.state(id_).log, scene.containers.told) == ((), [])


async def test_what_a_probe_says_of_a_paused_container_does_not_count(scene: Scene) -> None:
    scene.probes.gate.clear()
    id_ = scene.start()
    await until(lambda: scene.probes.running)
    scene.containers.change(id_, status=Status.PAUSED)
    scene.probes.gate.set()
    await until(lambda: not scene.probes.running)
    await asyncio.sleep(0.02)
    assert (scene.probes.begun, scene.state(id_).log) == (1, ())
    scene.containers.change(id_, status=Status.RUNNING)
    await until(lambda: scene.state(id_).status is HealthStatus.HEALTHY)


@pytest.mark.parametrize("action", ["restart", "stop", "kill"])
async def test_healing_asks_the_service_once_until_its_pause_is_over(
    scene: Scene, action: str
) -> None:
    scene.probes.code = 1
    id_ = scene.start(on_unhealthy=action)
    await until(lambda: scene.state(id_).failing_streak > 4)
    assert scene.containers.done == [f"{action} by health"]
    assert scene.containers.told == ["health_status: unhealthy", f"heal: {action}"]
    assert scene.state(id_).heals == 1


async def test_what_the_user_is_stopping_is_not_healed(scene: Scene) -> None:
    scene.probes.code = 1
    id_ = scene.start(on_unhealthy="restart")
    scene.containers.change(id_, stopped_by_user=True)
    await until(lambda: scene.state(id_).failing_streak > 5)
    assert scene.containers.done == []


async def test_another_engine_keeps_the_state(scene: Scene) -> None:
    scene.probes.gate.clear()
    id_ = scene.start()
    kept = HealthState(run_ns=scene.state(id_).run_ns, status=HealthStatus.HEALTHY)
    container = scene.containers.change(id_, health=kept)
    scene.health.started(container, None)  # type: ignore[arg-type]
    assert scene.state(id_) == kept


async def test_a_container_without_a_probe_has_no_health(scene: Scene) -> None:
    id_ = scene.start(test=["NONE"])
    assert scene.containers.get(id_).health is None

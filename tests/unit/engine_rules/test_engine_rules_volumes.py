"""Volumes as records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.records import a_container, a_volume_mount

from budu.base.errors import Conflict, InvalidArgument, NotFound
from budu.base.filters import Filters
from budu.engine.containers.model import Container
from budu.engine.database import Database
from budu.engine.events import EventLog
from budu.engine.volumes import ANONYMOUS_LABEL, VolumeDrivers, VolumeRecord, VolumeService
from budu.volume.local import LocalVolumes


class Place:
    """A volume service over a folder of its own; `users` are the containers that exist."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.users: list[Container] = []
        self.database = Database(root / "budu.db")
        self.volumes = self.service()

    def service(self) -> VolumeService:
        files = LocalVolumes(self.root / "volumes")
        events = EventLog(self.database)
        drivers = VolumeDrivers(files)
        return VolumeService(self.database, files, drivers, events, containers=lambda: self.users)

    async def names(self, **filters: list[str]) -> list[str]:
        volumes, _ = await self.volumes.list(Filters(filters))
        return [each.name for each in volumes]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.database.close()


async def create(place: Place, name: str, **labels: str) -> None:
    await place.volumes.create(name, driver="local", options={}, labels=labels)


async def test_created_volume_has_a_folder(place: Place) -> None:
    await create(place, "data")
    assert Path((await place.volumes.get("data")).mountpoint).is_dir()


async def test_creating_twice_keeps_the_first(place: Place) -> None:
    await create(place, "data", tier="a")
    await create(place, "data", tier="b")
    assert (await place.volumes.get("data")).labels == {"tier": "a"}


async def test_unknown_driver_is_refused(place: Place) -> None:
    with pytest.raises(NotFound, match=r"^create data: error looking up volume plugin nfs: plugin"):
        await place.volumes.create("data", driver="nfs", options={}, labels={})


async def test_unknown_option_is_refused(place: Place) -> None:
    with pytest.raises(InvalidArgument, match=r'^create data: invalid option: "x"$'):
        await place.volumes.create("data", driver="local", options={"x": "1"}, labels={})


async def test_volume_without_a_name_is_labelled(place: Place) -> None:
    volume = await place.volumes.create("", driver="", options={}, labels={})
    assert volume.labels == {ANONYMOUS_LABEL: ""}


async def test_name_of_another_driver_is_refused(place: Place) -> None:
    place.volumes.store_new(VolumeRecord(name="data", created_ns=1, driver="nfs"))
    with pytest.raises(Conflict) as caught:
        await create(place, "data")
    assert caught.value.message == (
        "create data: driver 'nfs' already has volume 'data': volume name must be unique"
    )


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["cache", "data"]),
        ({"name": ["dat"]}, ["data"]),
        ({"label": ["tier=a"]}, ["data"]),
        ({"driver": ["nfs"]}, []),
        ({"dangling": ["true"]}, ["cache"]),
        ({"dangling": ["false"]}, ["data"]),
    ],
)
async def test_list_by_filter(
    filters: dict[str, list[str]], expected: list[str], place: Place
) -> None:
    await create(place, "data", tier="a")
    await create(place, "cache")
    place.users.append(a_container(mounts=(a_volume_mount("data"),)))
    assert await place.names(**filters) == expected


async def test_removed_volume_leaves_no_file(place: Place) -> None:
    await create(place, "data")
    folder = Path((await place.volumes.get("data")).mountpoint)
    await place.volumes.remove("data", force=False)
    assert await place.names() == []
    assert not folder.parent.exists()


async def test_used_volume_stays(place: Place) -> None:
    await create(place, "data")
    user = a_container(mounts=(a_volume_mount("data"),))
    place.users.append(user)
    with pytest.raises(Conflict) as caught:
        await place.volumes.remove("data", force=True)
    assert caught.value.message == f"remove data: volume is in use - [{user.id}]"


async def test_absent_volume_is_not_found(place: Place) -> None:
    with pytest.raises(NotFound, match=r"^get data: no such volume$"):
        await place.volumes.remove("data", force=False)


async def test_absent_volume_is_no_error_with_force(place: Place) -> None:
    await place.volumes.remove("data", force=True)


async def test_next_engine_finds_the_volumes(place: Place) -> None:
    await create(place, "data", tier="a")
    assert await place.service().get("data") == await place.volumes.get("data")

"""A volume driver that is a plugin: its calls, its users, its faults."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.plugin import DirectoryVolumes, PluginServer, Refused

from budu.base.errors import Internal, NotFound, Unavailable
from budu.plugin.client import Patience
from budu.plugin.discovery import PluginFolders
from budu.plugin.registry import Plugins
from budu.volume.plugin import MountBook, PluginVolumeDriver, PluginVolumes


class Place:
    """A plugin `shelf` and what the engine knows of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shelf = DirectoryVolumes(folder / "shelf")
        socket = folder / "run" / "shelf.sock"
        self.server = PluginServer(socket, ["VolumeDriver"], self.shelf.calls())
        self.volumes = self.engine()

    def engine(self) -> PluginVolumes:
        """As the next engine makes it."""
        patience = Patience(total_s=0.1, first_step_s=0.05, short_s=30, long_s=30)
        folders = PluginFolders(sockets=self.folder / "run", specs=())
        book = MountBook(self.folder / "mounts.json")
        return PluginVolumes(Plugins(folders, patience=patience), book)

    async def driver(self) -> PluginVolumeDriver:
        found = await self.volumes.find("shelf")
        assert found is not None
        return found


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(tmp_path)
    await place.server.start()
    yield place
    await place.server.stop()


async def test_a_volume_lives_and_goes(place: Place) -> None:
    driver = await place.driver()
    assert (driver.name, driver.scope) == ("shelf", "global")
    await driver.create("books", {"a": "b"})
    assert (await driver.get("books")).status == {"kind": "folder"}
    assert [each.name for each in await driver.list()] == ["books"]
    path = await driver.mount("books", "user")
    assert path == await driver.path("books") == str(place.shelf.root / "books")
    with pytest.raises(Internal, match=r"^still mounted$"):
        await driver.remove("books")
    await driver.unmount("books", "user")
    await driver.remove("books")
    with pytest.raises(NotFound, match=r"^get books: no such volume$"):
        await driver.get("books")


async def test_a_user_is_told_to_be_gone_once(place: Place) -> None:
    driver = await place.driver()
    await driver.create("books", {})
    await driver.mount("books", "user")
    for _ in range(2):
        await driver.unmount("books", "user")
    assert len(place.server.named("VolumeDriver.Unmount")) == 1


async def test_the_next_engine_tells_of_users_that_went(place: Place) -> None:
    driver = await place.driver()
    await driver.create("books", {})
    for user in ("lives", "died"):
        await driver.mount("books", user)
    place.volumes = place.engine()
    await place.volumes.recover({"books": frozenset(["lives"])})
    assert place.shelf.users["books"] == {"lives"}
    await (await place.driver()).unmount("books", "lives")
    assert place.shelf.users["books"] == set()


async def test_users_are_owed_while_the_plugin_is_down(place: Place) -> None:
    driver = await place.driver()
    await driver.create("books", {})
    await driver.mount("books", "user")
    await place.server.stop()
    with pytest.raises(Unavailable, match=r"is not answering: VolumeDriver\.Unmount"):
        await driver.unmount("books", "user")
    await place.server.start()
    await place.engine().recover({})
    assert place.shelf.users["books"] == set()


@pytest.mark.parametrize("path", ["", "relative", "/a\0b", "/" + "x" * 5000])
async def test_a_mountpoint_that_is_none_is_refused(place: Place, path: str) -> None:
    place.server.calls["VolumeDriver.Mount"] = lambda _: {"Mountpoint": path}
    driver = await place.driver()
    with pytest.raises(Internal, match="not an absolute path"):
        await driver.mount("books", "user")
    assert len(place.server.named("VolumeDriver.Unmount")) == 1


async def test_a_plugin_may_not_know_capabilities(place: Place) -> None:
    del place.server.calls["VolumeDriver.Capabilities"]
    assert (await place.driver()).scope == "local"


@pytest.mark.parametrize("scope", ["", "LOCAL", "Global", "galactic"])
async def test_scopes(place: Place, scope: str) -> None:
    place.server.calls["VolumeDriver.Capabilities"] = lambda _: {"Capabilities": {"Scope": scope}}
    if scope == "galactic":
        with pytest.raises(Internal, match="provided an invalid capability scope: galactic"):
            await place.driver()
    else:
        assert (await place.driver()).scope == (scope.lower() or "local")


async def test_there_is_no_such_plugin(place: Place) -> None:
    assert await place.volumes.find("nobody") is None
    assert await place.volumes.names() == ()
    await place.driver()
    assert await place.volumes.names() == ("shelf",)


async def test_a_refused_mount_leaves_no_user(place: Place) -> None:
    def refuse(_: Any) -> dict[str, Any]:
        raise Refused("the disk is gone")

    place.server.calls["VolumeDriver.Mount"] = refuse
    with pytest.raises(Internal, match=r"^the disk is gone$"):
        await (await place.driver()).mount("books", "user")
    await place.engine().recover({})
    assert place.server.named("VolumeDriver.Unmount") == []


async def test_a_book_that_is_broken_is_empty(tmp_path: Path) -> None:
    (tmp_path / "mounts.json").write_text("{")
    assert await asyncio.to_thread(lambda: MountBook(tmp_path / "mounts.json").drivers()) == []

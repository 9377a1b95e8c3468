"""The volumes of a container that is being made: found, or made and taken back if it fails.

Drivers may take their time, so this comes before the transaction that stores the container; the
volumes' locks are held until that is over, so that nobody removes what is found here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from budu.base import faults
from budu.base.clock import now_ns
from budu.base.ids import new_id
from budu.engine.containers.model import Mount, MountKind
from budu.engine.volumes.record import ANONYMOUS_LABEL, VolumeRecord
from budu.engine.volumes.service import VolumeService


class Provided(msgspec.Struct, frozen=True, kw_only=True):
    """A container's mounts with their volumes known, and those volumes that are new."""

    mounts: tuple[Mount, ...]
    new: tuple[VolumeRecord, ...]


@asynccontextmanager
async def providing(volumes: VolumeService, mounts: Iterable[Mount]) -> AsyncIterator[Provided]:
    """The volumes that `mounts` need. Store new ones inside; after an error they are taken back.

    Raises: as `VolumeService.create`.
    """
    named = [_named(mount) for mount in mounts]
    async with AsyncExitStack() as undo:
        for name in sorted({mount.name for mount in named if mount.kind is MountKind.VOLUME}):
            await undo.enter_async_context(volumes.holding(name))
        found: dict[str, VolumeRecord] = {}
        new: list[VolumeRecord] = []
        async with AsyncExitStack() as taking_back:
            for mount in named:
                if mount.kind is not MountKind.VOLUME or mount.name in found:
                    continue
                record, is_new = await volumes.provide(_wanted(mount))
                found[record.name] = record
                if is_new:
                    faults.at("create.volume-made")
                    taking_back.push_async_callback(volumes.withdraw, record)
                    new.append(record)
            placed = [await _placed(volumes, mount, found) for mount in named]
            yield Provided(mounts=tuple(placed), new=tuple(new))
            taking_back.pop_all()


def _named(mount: Mount) -> Mount:
    if mount.kind is not MountKind.VOLUME or mount.name:
        return mount
    return msgspec.structs.replace(mount, name=new_id())


def _wanted(mount: Mount) -> VolumeRecord:
    marks = {ANONYMOUS_LABEL: ""} if mount.anonymous else {}
    return VolumeRecord(
        name=mount.name,
        created_ns=now_ns(),
        driver=mount.driver,
        options=mount.driver_options,
        labels={**mount.labels, **marks},
    )


async def _placed(volumes: VolumeService, mount: Mount, found: dict[str, VolumeRecord]) -> Mount:
    """The mount with its driver and the path of the host, as far as the driver knows it now."""
    if mount.kind is not MountKind.VOLUME:
        return mount
    driver = await volumes.drivers.get(found[mount.name].driver)
    return msgspec.structs.replace(
        mount,
        driver=driver.name,
        driver_options={},
        labels={},
        source=await driver.path(mount.name),
    )

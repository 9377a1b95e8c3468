"""The table of volume drivers: `local`, and whatever the sources bring."""

from __future__ import annotations

from budu.base.errors import NotFound
from budu.volume.contract import LOCAL, DriverSource, VolumeDriver


class VolumeDrivers:
    """Finds drivers by name. `add_source` is for plugins."""

    def __init__(self, local: VolumeDriver) -> None:
        self._local = local
        self._sources: list[DriverSource] = []

    def add_source(self, source: DriverSource) -> None:
        """Ask `source` too, after those that were added before."""
        self._sources.append(source)

    async def get(self, name: str) -> VolumeDriver:
        """The driver with that name; `local` for an empty one.

        Raises: NotFound with Docker's sentence; Unavailable when it does not answer.
        """
        if name in ("", LOCAL):
            return self._local
        for source in self._sources:
            driver = await source.find(name)
            if driver is not None:
                return driver
        raise NotFound(
            f'error looking up volume plugin {name}: plugin "{name}" not found', reference=name
        )

    async def names(self) -> tuple[str, ...]:
        """The names of all drivers there are, `local` first."""
        found = [LOCAL]
        for source in self._sources:
            found += [name for name in await source.names() if name not in found]
        return tuple(found)

"""Volumes: the engine's own and those of plugins."""

from __future__ import annotations

from dataclasses import dataclass

from budu.daemon.rooms.ground import Ground
from budu.engine.containers.files import FileService, volume_files
from budu.engine.volumes import VolumeDrivers, VolumeService
from budu.engine.volumes.copies import VolumeCopies
from budu.plugin.registry import Plugins
from budu.volume.folders import VolumeFolders
from budu.volume.local import LocalVolumes
from budu.volume.plugin import MountBook, PluginVolumes


@dataclass(frozen=True, kw_only=True)
class Volumes:
    """What `build_volumes` gives."""

    local: LocalVolumes
    """Folders on this host."""
    plugins: PluginVolumes
    """Volumes that plugins keep."""
    service: VolumeService
    """Volumes of all drivers, by name."""
    copies: VolumeCopies
    """Whole volumes: renamed, cloned, kept."""
    files: FileService
    """Files in them."""


def build_volumes(ground: Ground, plugins: Plugins) -> Volumes:
    """The local driver, and plugins as a source of others."""
    local = LocalVolumes(ground.paths.volumes)
    from_plugins = PluginVolumes(plugins, MountBook(ground.paths.plugin_mounts))
    drivers = VolumeDrivers(local)
    drivers.add_source(from_plugins)
    service = VolumeService(
        ground.database, local, drivers, ground.events, containers=ground.containers.all
    )
    return Volumes(
        local=local,
        plugins=from_plugins,
        service=service,
        copies=VolumeCopies(
            service,
            local,
            VolumeFolders(ground.paths.volumes),
            ground.containers,
            ground.database,
            ground.events,
        ),
        files=volume_files(service),
    )

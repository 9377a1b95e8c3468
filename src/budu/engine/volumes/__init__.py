"""Volumes of containers: records, rules, Docker's sentences; who uses which and since when.

    record    what is stored of a volume
    service   what exists: create, remove, list, prune; mounts for who uses them
    drivers   the table of drivers: `local`, and those that plugins bring

A volume's data is its driver's, see `volume.contract`.
"""

from budu.engine.volumes.drivers import VolumeDrivers
from budu.engine.volumes.record import ANONYMOUS_LABEL, VolumeRecord
from budu.engine.volumes.service import VolumeService

__all__ = ["ANONYMOUS_LABEL", "VolumeDrivers", "VolumeRecord", "VolumeService"]

"""Volumes.

Source: Engine API 1.51, Volume, VolumeCreateOptions; moby 28.3, api/types/volume.
"""

from __future__ import annotations

from budu.spec.api.fields import FALSE, NULL, TEXT, ZERO, Body


class VolumeUsage(Body, frozen=True, kw_only=True):
    """Size in bytes and number of users; -1 when unknown."""

    ref_count: int = ZERO
    size: int = ZERO


class Volume(Body, frozen=True, kw_only=True):
    """A volume. `created_at` RFC 3339, `mountpoint` a path of the host."""

    created_at: str = ""
    driver: str = TEXT
    labels: dict[str, str] | None = NULL
    mountpoint: str = TEXT
    name: str = TEXT
    options: dict[str, str] | None = NULL
    scope: str = TEXT
    status: dict[str, object] | None = None
    usage_data: VolumeUsage | None = None


class VolumeOverview(Volume, frozen=True, kw_only=True):
    """A volume with what is told of its use, in answers of our own.

    `last_used_ns` in unix nanoseconds, 0 for never; `in_use`: a container that runs has it.
    """

    last_used_ns: int = ZERO
    in_use: bool = FALSE


class VolumeCreateBody(Body, frozen=True, kw_only=True):
    """Body of a volume creation; an empty name asks for an anonymous volume."""

    driver: str = ""
    driver_opts: dict[str, str] | None = None
    labels: dict[str, str] | None = None
    name: str = ""


class VolumeListResponse(Body, frozen=True, kw_only=True):
    """The volume list and warnings of drivers."""

    volumes: list[Volume] | None = NULL
    warnings: list[str] | None = NULL


class VolumePruneResponse(Body, frozen=True, kw_only=True):
    """Volumes that a prune removed, and the bytes that became free."""

    volumes_deleted: list[str] | None = NULL
    space_reclaimed: int = ZERO


class VolumeSizeBody(Body, frozen=True, kw_only=True):
    """A volume's new size in bytes, in requests of our own."""

    size: int = 0


class VolumeNameBody(Body, frozen=True, kw_only=True):
    """A new volume's or snapshot's name, in requests and answers of our own."""

    name: str = TEXT


class VolumeSnapshot(Body, frozen=True, kw_only=True):
    """A snapshot of a volume. `created_ns` in unix nanoseconds, `size` in bytes."""

    name: str = TEXT
    created_ns: int = ZERO
    size: int = ZERO


class VolumePathEntry(Body, frozen=True, kw_only=True):
    """One name in a directory of a volume. `kind` is file, directory, link or other; `mode` are
    permission bits."""

    name: str = TEXT
    kind: str = TEXT
    size: int = ZERO
    mode: int = ZERO
    uid: int = ZERO
    gid: int = ZERO
    modified_ns: int = ZERO
    link_target: str = TEXT

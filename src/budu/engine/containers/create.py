"""Making a container: check everything, then write its record.

Nothing is started. The container, its new volumes and their events are stored in one transaction;
what was made before (folders) goes away again when a later step fails, and at the next start of an
engine that was killed in between.
Source: Engine API 1.51 ContainerCreate; moby 28.3 daemon/create.go for order and sentences.
"""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack, suppress
from functools import partial

import msgspec

from budu.base import faults
from budu.base.clock import now_ns
from budu.base.errors import Hint, InvalidArgument, NotFound
from budu.base.ids import check_name, new_id
from budu.base.names import random_name
from budu.engine.containers.bind_sources import look_at_sources
from budu.engine.containers.health_config import check_health, complete_health, health_warnings
from budu.engine.containers.limits import fit_limits
from budu.engine.containers.links import plan_links, tell_linked
from budu.engine.containers.model import Container, Mount, MountKind
from budu.engine.containers.mounts import mounts_from, plan_mounts
from budu.engine.containers.repository import ContainerRepository, name_in_use
from budu.engine.containers.resources import check_limits
from budu.engine.containers.restart import check_policy
from budu.engine.containers.security import (
    MASKED_PATHS,
    READONLY_PATHS,
    effective_capabilities,
    parse_security_options,
)
from budu.engine.containers.servable import check_servable
from budu.engine.containers.sharing import check_shared_network, donors, with_donor_ids
from budu.engine.containers.signals import parse_signal
from budu.engine.containers.spec_builder import check_modes
from budu.engine.contract import Created
from budu.engine.events import EventLog
from budu.engine.images.service import ImageService
from budu.engine.logs.defaults import complete_log_config
from budu.engine.networks import NetworkService
from budu.engine.paths import EnginePaths
from budu.engine.volumes import VolumeRecord, VolumeService
from budu.engine.volumes.provide import providing
from budu.image.config import command_line, merge_config
from budu.image.model import ImageRecord
from budu.logs.driver import find_driver
from budu.runtime.cgroups.contract import Features
from budu.snapshot.container import ContainerSnapshots
from budu.spec.api.container import ContainerConfig, ContainerCreateBody
from budu.spec.api.host_config import HostConfig, LogConfig
from budu.spec.digest import Digest
from budu.spec.image import ExecConfig
from budu.spec.platform import Platform

_NAME_ATTEMPTS = 8


class ContainerCreator:
    """Makes container records."""

    def __init__(
        self,
        repository: ContainerRepository,
        images: ImageService,
        volumes: VolumeService,
        networks: NetworkService,
        snapshots: ContainerSnapshots,
        events: EventLog,
        paths: EnginePaths,
        *,
        log_default: LogConfig,
        features: Features,
    ) -> None:
        self._repository = repository
        self._images = images
        self._volumes = volumes
        self._networks = networks
        self._snapshots = snapshots
        self._events = events
        self._paths = paths
        self._log_default = log_default
        self._features = features

    async def create(
        self, body: ContainerCreateBody, *, name: str | None, platform: Platform | None
    ) -> Created:
        """Check `body` and store a new container.

        Raises: InvalidArgument, NotFound (image, network), AlreadyExists (name) with Docker's
        sentences.
        """
        chosen_name = self._choose_name(name)
        if not body.image:
            raise InvalidArgument("config cannot be empty in order to create a container")
        image = self._images.get(body.image)
        if image.artifact_type:
            message = f"{body.image} is no image: it is of type {image.artifact_type}"
            raise InvalidArgument(message, hint=Hint("engine.artifact-run"))
        image = self._images.of_platform(body.image, platform)
        config = self._images.config(image).config or ExecConfig()
        return await self._create(body, chosen_name, image, config)

    async def create_of(
        self, image: ImageRecord, config: ExecConfig, body: ContainerCreateBody
    ) -> Created:
        """Store a new container of `image`, a step of a build, that takes `config` for the image's
        own. Raises: as `create`.
        """
        name = self._choose_name(None)
        return await self._create(body, name, image, config, is_passing=True)

    async def _create(
        self,
        body: ContainerCreateBody,
        name: str,
        image: ImageRecord,
        config: ExecConfig,
        *,
        is_passing: bool = False,
    ) -> Created:
        host, limit_warnings = fit_limits(body.host_config or HostConfig(), self._features)
        planned = self._build(body, host, name, image, config)
        warnings = [*limit_warnings, *health_warnings(planned.config)]
        with self._images.holding(planned.all_layers):
            warnings += await look_at_sources(
                planned.mounts, partial(self._snapshots.mount_image, _digests(image))
            )
            async with providing(self._volumes, planned.mounts) as provided:
                container = msgspec.structs.replace(
                    planned, mounts=provided.mounts, is_passing=is_passing
                )
                self._store(container, image, provided.new)
        faults.at("create.record-stored")
        return Created(id=container.id, warnings=tuple(warnings))

    def _store(
        self, container: Container, image: ImageRecord, volumes: tuple[VolumeRecord, ...]
    ) -> None:
        with ExitStack() as unless_stored:
            with self._repository.transaction(), ExitStack() as undo:
                for volume in volumes:
                    self._volumes.store_new(volume)
                self._snapshots.prepare(container.id, _digests(image))
                faults.at("create.snapshot-made")
                undo.callback(self._snapshots.remove, container.id)
                folder = self._paths.container(container.id).root
                folder.mkdir(parents=True, mode=0o710)
                (folder / "log").mkdir()
                faults.at("create.folder-made")
                undo.callback(shutil.rmtree, folder)
                self._repository.add(container)
                unless_stored.push(undo.pop_all())
                tell_linked(container, self._repository)
                self._events.emit(
                    "container", "create", container.id, **event_attributes(container)
                )
                faults.at("create.record-written")
            unless_stored.pop_all()

    def _choose_name(self, name: str | None) -> str:
        if name:
            bare = check_name(name)
            holder = self._repository.name_taken_by(bare)
            if holder is not None:
                raise name_in_use(bare, holder)
            return bare
        for attempt in range(_NAME_ATTEMPTS):
            candidate = random_name(retry=attempt)
            if self._repository.name_taken_by(candidate) is None:
                return candidate
        return new_id()[:12]

    def _build(
        self,
        body: ContainerCreateBody,
        host: HostConfig,
        name: str,
        image: ImageRecord,
        image_config: ExecConfig,
    ) -> Container:
        id_ = new_id()
        check_health(body.healthcheck)
        merged = merge_config(_exec_config(body), image_config)
        host = _complete(
            host,
            self._log_default,
            can_disable_oom_killer=self._features.oom_disable,
        )
        host = with_donor_ids(host, self._repository.get)
        check_shared_network(
            host,
            hostname=body.hostname,
            mac=body.mac_address,
            exposed=bool(body.exposed_ports),
        )
        _check(host)
        _check_own(body)
        config = _container_config(body, merged, self._hostname(body, host, id_))
        links = plan_links(host, self._repository.get)
        host = msgspec.structs.replace(host, links=None)
        endpoint_settings = self._networks.plan(host, body.networking_config)
        inherited = mounts_from(host.volumes_from or (), self._repository.get)
        mounts = plan_mounts(host, tuple(merged.volumes or ()), inherited=inherited)
        command = command_line(merged)
        container = Container(
            id=id_,
            name=name,
            created_ns=now_ns(),
            image_id=image.id,
            image_name=body.image,
            diff_ids=image.diff_ids,
            path=command[0],
            args=command[1:],
            config=config,
            host_config=host,
            endpoint_settings=endpoint_settings,
            links=links,
            mounts=tuple(map(self._with_image, mounts)),
        )
        check_modes(container)
        return container

    def _with_image(self, mount: Mount) -> Mount:
        """A mounted image as it is now. Raises: NotFound."""
        if mount.kind is not MountKind.IMAGE:
            return mount
        image = self._images.get(mount.name)
        return msgspec.structs.replace(mount, image_id=image.id, image_layers=image.diff_ids)

    def _hostname(self, body: ContainerCreateBody, host: HostConfig, id_: str) -> str:
        """Given, or that of whose network it shares, or the short id."""
        donor = donors(host).get("network")
        if donor:
            with suppress(NotFound):
                return self._repository.get(donor).config.hostname
        return body.hostname or (os.uname().nodename if host.network_mode == "host" else id_[:12])


def _check(host: HostConfig) -> None:
    check_policy(host)
    check_servable(host)
    check_limits(host)
    parse_security_options(host.security_opt or ())
    effective_capabilities(
        add=host.cap_add or (), drop=host.cap_drop or (), privileged=host.privileged
    )
    find_driver(host.log_config.type).settings(host.log_config.config or {})
    if host.shm_size < 0:
        raise InvalidArgument("SHM size can not be less than 0")


def _check_own(body: ContainerCreateBody) -> None:
    """What a process could not be started or ended with. Raises: InvalidArgument."""
    if body.working_dir and not body.working_dir.startswith("/"):
        raise InvalidArgument(
            f"the working directory '{body.working_dir}' is invalid, it needs to be an absolute "
            "path"
        )
    if body.stop_signal:
        parse_signal(body.stop_signal)


def _digests(image: ImageRecord) -> tuple[Digest, ...]:
    return tuple(map(Digest, image.diff_ids))


def _exec_config(body: ContainerCreateBody) -> ExecConfig:
    """The part of a create body that an image may complete."""
    fields = msgspec.to_builtins(body)
    return msgspec.convert(
        {key: value for key, value in fields.items() if value is not None}, ExecConfig
    )


def _complete(
    host: HostConfig, log_default: LogConfig, *, can_disable_oom_killer: bool
) -> HostConfig:
    """Docker's defaults where the client left them out, and one form for "no limit"."""
    if not host.privileged:
        host = msgspec.structs.replace(
            host,
            masked_paths=_given(host.masked_paths, MASKED_PATHS),
            readonly_paths=_given(host.readonly_paths, READONLY_PATHS),
        )
    return msgspec.structs.replace(
        host,
        memory_swap=host.memory_swap or max(host.memory, 0) * 2,
        memory_swappiness=None if host.memory_swappiness == -1 else host.memory_swappiness,
        pids_limit=host.pids_limit if (host.pids_limit or 0) > 0 else None,
        network_mode="bridge" if host.network_mode in ("", "default") else host.network_mode,
        log_config=complete_log_config(host.log_config, log_default),
        restart_policy=host.restart_policy
        if host.restart_policy.name
        else msgspec.structs.replace(host.restart_policy, name="no"),
        oom_kill_disable=bool(host.oom_kill_disable) if can_disable_oom_killer else None,
        ipc_mode=host.ipc_mode or "private",
        cgroupns_mode=host.cgroupns_mode or "private",
        shm_size=host.shm_size or (64 << 20),
        runtime=host.runtime or "budu",
    )


def _given(paths: list[str] | None, default: tuple[str, ...]) -> list[str]:
    return list(default) if paths is None else paths


def _container_config(
    body: ContainerCreateBody, merged: ExecConfig, hostname: str
) -> ContainerConfig:
    own = {name: getattr(body, name) for name in ContainerConfig.__struct_fields__}
    own |= {
        "hostname": hostname,
        "user": merged.user,
        "exposed_ports": merged.exposed_ports,
        "env": list(merged.env or ()),
        "entrypoint": list(merged.entrypoint) if merged.entrypoint else None,
        "cmd": list(merged.cmd) if merged.cmd else None,
        "volumes": merged.volumes or None,
        "working_dir": merged.working_dir,
        "labels": merged.labels or {},
        "stop_signal": merged.stop_signal,
        "healthcheck": complete_health(body.healthcheck, merged.healthcheck, merged.labels or {}),
    }
    return ContainerConfig(**own)


def event_attributes(container: Container) -> dict[str, str]:
    """What every event of a container carries: image, name and its labels."""
    labels = {key: value for key, value in (container.config.labels or {}).items() if key != "self"}
    return {**labels, "image": container.image_name, "name": container.name}

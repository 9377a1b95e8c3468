"""How a container's settings and its image's are put together. Pure.

Source: moby `daemon/commit.go` merge, `daemon/create.go` mergeAndVerifyConfig.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from budu.base.errors import InvalidArgument
from budu.spec.image import ExecConfig, Healthcheck

_Value = TypeVar("_Value")


def merge_config(container: ExecConfig, image: ExecConfig | None) -> ExecConfig:
    """What a container of `image` runs when the caller asked for `container`.

    The image's Cmd is arguments for its own Entrypoint: an Entrypoint of the caller's drops it.
    An Entrypoint of `[]` or `[""]` drops the image's.
    Raises: InvalidArgument `no command specified` when nothing is left to run.
    """
    merged = merge_defaults(container, image)
    if not command_line(merged):
        raise InvalidArgument("no command specified")
    return merged


def merge_defaults(container: ExecConfig, image: ExecConfig | None) -> ExecConfig:
    """As `merge_config`, and there may be nothing left to run."""
    image = image or ExecConfig()
    entrypoint, cmd, args_escaped = _command(container, image)
    return msgspec.structs.replace(
        container,
        user=container.user or image.user,
        exposed_ports=_union(image.exposed_ports, container.exposed_ports),
        env=merge_environment(image.env or (), container.env or ()),
        entrypoint=entrypoint,
        cmd=cmd,
        args_escaped=args_escaped,
        volumes=_union(image.volumes, container.volumes),
        working_dir=container.working_dir or image.working_dir,
        labels={**(image.labels or {}), **(container.labels or {})},
        stop_signal=container.stop_signal or image.stop_signal,
        healthcheck=_merge_healthcheck(container.healthcheck, image.healthcheck),
        shell=container.shell or image.shell,
        on_build=container.on_build or image.on_build,
    )


def merge_environment(image: tuple[str, ...], container: tuple[str, ...]) -> tuple[str, ...]:
    """The container's variables, then those of the image that it does not set itself.

    `NAME` without a value counts as setting NAME, as in Docker.
    """
    own = {entry.partition("=")[0] for entry in container}
    return container + tuple(entry for entry in image if entry.partition("=")[0] not in own)


def command_line(config: ExecConfig) -> tuple[str, ...]:
    """The argument vector of a merged config."""
    return (config.entrypoint or ()) + (config.cmd or ())


def _command(
    container: ExecConfig, image: ExecConfig
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None, bool]:
    entrypoint, cmd, args_escaped = container.entrypoint, container.cmd, container.args_escaped
    if not entrypoint:
        if not cmd:
            cmd, args_escaped = image.cmd, image.args_escaped
        if entrypoint is None:
            entrypoint = image.entrypoint
    if entrypoint == ("",):
        entrypoint = None
    return entrypoint or None, cmd or None, args_escaped


def _union(
    image: dict[str, _Value] | None, container: dict[str, _Value] | None
) -> dict[str, _Value] | None:
    if not image and not container:
        return container
    return {**(image or {}), **(container or {})}


def _merge_healthcheck(own: Healthcheck | None, image: Healthcheck | None) -> Healthcheck | None:
    if own is None or image is None:
        return own or image
    return Healthcheck(
        test=own.test or image.test,
        interval=own.interval or image.interval,
        timeout=own.timeout or image.timeout,
        start_period=own.start_period or image.start_period,
        start_interval=own.start_interval or image.start_interval,
        retries=own.retries or image.retries,
        on_unhealthy=own.on_unhealthy or image.on_unhealthy,
    )

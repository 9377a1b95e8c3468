"""RUN: a command in a container of its own, whose changes become a layer.

    container of the step below ─▶ run ─▶ upper directory ─▶ layer ─▶ container removed

The container is an ordinary one: it is seen by `ps` and `events` while it runs, and stays where
the caller wants that. Until then its record says `is_passing`, by which the next engine clears what
a killed one left.
Source: moby 28.3 builder/dockerfile/containerbackend.go, dispatchers.go (order and sentences).
"""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing, suppress
from typing import TypeVar, cast

import msgspec

from budu.base.errors import BuduError, Hint, NotFound
from budu.engine.builds.cache import Step
from budu.engine.builds.run_mounts import PreparedMounts
from budu.engine.containers.service import ContainerService
from budu.engine.containers.upper import Uppers
from budu.engine.contract import AttachOptions
from budu.engine.contract.builds import BuildOptions, BuildSink, BuildText, StepFailed
from budu.engine.streams import ThreadResult
from budu.snapshot.layers import Layer
from budu.spec.api.container import ContainerCreateBody, HealthConfig
from budu.spec.api.host_config import HostConfig
from budu.spec.image import ExecConfig

T = TypeVar("T")


class RunCommand(msgspec.Struct, frozen=True, kw_only=True):
    """One RUN, with its variables replaced."""

    words: tuple[str, ...]
    """The argument vector, the shell in it."""
    env: tuple[str, ...]
    network: str = ""
    """`default`, `none` or `host`; empty for what the build asks for."""
    latest_ns: int | None = None
    """Later times of files become this one."""


class Commands:
    """Runs the commands of builds."""

    def __init__(self, containers: ContainerService, uppers: Uppers) -> None:
        self._containers = containers
        self._uppers = uppers

    async def run(
        self,
        command: RunCommand,
        below: Step,
        mounts: PreparedMounts,
        options: BuildOptions,
        *,
        tell: BuildSink,
    ) -> Layer | None:
        """The layer of what the command changed, None when it changed nothing.

        Raises: StepFailed when it ends with another status than 0; BuduError when it can't start.
        """
        body = _body(command, below, mounts, options)
        id_ = await self._create(below, body)
        try:
            await tell(BuildText(text=f" ---> Running in {id_[:12]}\n"))
            await self._carry_out(id_, command, tell)
            layer = await self._make_layer(id_, command, mounts)
        except BuduError:
            if options.always_removes or self._is_running(id_):
                await self._remove_and_tell(id_, tell)
            else:
                self._keep(id_)
            raise
        except BaseException:  # the client is gone, or the build is not wanted any more
            await _to_its_end(self.remove(id_))
            raise
        if options.removes or options.always_removes:
            await self._remove_and_tell(id_, tell)
        else:
            self._keep(id_)
        return layer

    def _is_running(self, id_: str) -> bool:
        try:
            return self._containers.get(id_).is_running
        except NotFound:  # somebody else removed it
            return False

    def _keep(self, id_: str) -> None:
        """The container is the user's from now on, who wanted to look at it."""
        with suppress(NotFound):
            self._containers.change(id_, is_passing=False)

    async def _create(self, below: Step, body: ContainerCreateBody) -> str:
        creating = asyncio.ensure_future(
            self._containers.create_of(below.image, ExecConfig(), body)
        )
        try:
            return (await asyncio.shield(creating)).id
        except asyncio.CancelledError:
            await asyncio.wait([creating])
            if creating.exception() is None:
                await self.remove(creating.result().id)
            raise

    async def _make_layer(
        self, id_: str, command: RunCommand, mounts: PreparedMounts
    ) -> Layer | None:
        container = self._containers.get(id_)

        def make() -> Layer | None:
            self._uppers.drop_places(container, mounts.places)
            return self._uppers.make_layer(container, latest_ns=command.latest_ns)

        return await ThreadResult("build-layer", make).wait()

    async def _carry_out(self, id_: str, command: RunCommand, tell: BuildSink) -> None:
        streams = AttachOptions(stdout=True, stderr=True, stream=True, framed=False)
        attachment = await self._containers.attach(id_, streams)
        await _to_its_end(self._containers.start(id_))
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        stream = cast("AsyncGenerator[bytes]", attachment.output())
        async with aclosing(stream) as output:
            async for piece in output:
                if text := decoder.decode(piece):
                    await tell(BuildText(text=text))
        if text := decoder.decode(b"", final=True):
            await tell(BuildText(text=text))
        result = await self._containers.wait(id_, "not-running")
        if result.exit_code:
            raise self._failure(id_, command, result.exit_code)

    def _failure(self, id_: str, command: RunCommand, code: int) -> StepFailed:
        words = " ".join(command.words)
        hint = None
        container = self._containers.get(id_)
        if container.oom_killed:
            hint = Hint("build.out-of-memory")
        return StepFailed(
            f"The command '{words}' returned a non-zero code: {code}", code=code, hint=hint
        )

    async def _remove_and_tell(self, id_: str, tell: BuildSink) -> None:
        await _to_its_end(self.remove(id_))
        await tell(BuildText(text=f" ---> Removed intermediate container {id_[:12]}\n"))

    async def remove(self, id_: str) -> None:
        """Take a step's container away, whatever it is doing."""
        with suppress(NotFound):
            await self._containers.remove(id_, force=True, volumes=True, link=False)


async def _to_its_end(work: Coroutine[None, None, T]) -> T:
    """What `work` returns. Cancelled meanwhile, it is done to its end first: half a start would
    leave something behind."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _body(
    command: RunCommand,
    below: Step,
    mounts: PreparedMounts,
    options: BuildOptions,
) -> ContainerCreateBody:
    config = below.config.config or ExecConfig()
    return ContainerCreateBody(
        image=below.image.id,
        cmd=list(command.words),
        env=list(command.env),
        user=config.user,
        working_dir=config.working_dir,
        healthcheck=HealthConfig(test=["NONE"]),
        host_config=HostConfig(
            network_mode=_network(command, options),
            extra_hosts=list(options.extra_hosts),
            shm_size=options.shm_size,
            memory=options.memory,
            memory_swap=options.memory_swap,
            cpu_shares=options.cpu_shares,
            cpu_period=options.cpu_period,
            cpu_quota=options.cpu_quota,
            cpuset_cpus=options.cpuset_cpus,
            cpuset_mems=options.cpuset_mems,
            cgroup_parent=options.cgroup_parent,
            ulimits=list(options.ulimits),
            security_opt=list(options.security_opt),
            mounts=list(mounts.mounts),
        ),
    )


def _network(command: RunCommand, options: BuildOptions) -> str:
    if command.network in ("", "default"):
        return options.network_mode
    return command.network

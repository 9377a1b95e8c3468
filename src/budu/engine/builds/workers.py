"""The instructions that change files: RUN, COPY, ADD, WORKDIR."""

from __future__ import annotations

import asyncio
import posixpath
from contextlib import AsyncExitStack

import msgspec

from budu.base.errors import Hint, InvalidArgument, PermissionDenied
from budu.build.copying import CopyPart, CopyPlan, copy_digest, resolve_owner, write_copies
from budu.build.dockerfile.apply import apply
from budu.build.dockerfile.commands import execution
from budu.build.dockerfile.history import history_text
from budu.build.dockerfile.model import Add, Copy, Run, WorkDir
from budu.build.mounts import parse_mount
from budu.engine.builds.commands import Commands, RunCommand
from budu.engine.builds.downloads import BuildDownloads, is_remote
from budu.engine.builds.folders import write_folders
from budu.engine.builds.origins import Origin
from budu.engine.builds.run_mounts import PreparedMounts, RunMounts
from budu.engine.builds.scripts import script_mounts
from budu.engine.builds.stages import Made, StageRun
from budu.engine.streams import ThreadResult
from budu.snapshot.layers import Layer, LayerStore


class FileWorkers:
    """Carries such instructions out. Implements `stages.Workers`."""

    def __init__(
        self,
        commands: Commands,
        mounts: RunMounts,
        layers: LayerStore,
        downloads: BuildDownloads,
    ) -> None:
        self._commands = commands
        self._mounts = mounts
        self._layers = layers
        self._downloads = downloads

    # RUN

    async def run(self, stage: StageRun, instruction: Run) -> None:
        """A command in a container."""
        build, config = stage.build, stage.config
        _check_rights(instruction, build.options.network_mode)
        mounts = [parse_mount(text) for text in instruction.mounts]

        async def find(name: str) -> Origin:
            return await build.origin(name, before=stage.stage.index)

        declared = stage.arguments.declared(config.env)
        given = (*declared, *stage.arguments.proxies(config.env))
        todo = execution(instruction.command, config.shell)
        command = RunCommand(
            words=todo.arguments,
            env=(*(config.env or ()), *(f"{name}={value}" for name, value in given)),
            network=instruction.network,
            latest_ns=build.latest_ns,
        )

        async def make() -> Made:
            async with AsyncExitStack() as held:
                prepared = PreparedMounts()
                if mounts:
                    prepared = await self._mounts.prepare(
                        mounts,
                        find,
                        root=await build.roots.view(stage.step.layers),
                        folder=build.folder,
                        command=" ".join(todo.arguments),
                        held=held,
                    )
                scripts = script_mounts(todo.script, build.folder)
                prepared = msgspec.structs.replace(prepared, mounts=(*prepared.mounts, *scripts))
                layer = await self._commands.run(
                    command,
                    stage.step,
                    prepared,
                    build.options,
                    tell=build.tell,
                )
            return config, layer

        reads = [*map(str, declared), *await self._mounts.reads(mounts, find)]
        told = history_text(instruction, config.shell, arguments=declared)
        await stage.do(instruction, make, reads=reads, told=told, is_shared=not mounts)

    # COPY and ADD

    async def copy(self, stage: StageRun, instruction: Copy) -> None:
        """Files of the context, of a stage, of an image, of the net or of the Dockerfile itself."""
        build = stage.build
        view = await build.roots.view(stage.step.layers)
        plan = await asyncio.to_thread(_plan, instruction, view, stage.config.working_dir)
        plan = msgspec.structs.replace(plan, latest_ns=build.latest_ns)
        remote = [each for each in plan.sources if is_remote(instruction, each)]
        local = tuple(each for each in plan.sources if each not in remote)
        parts: list[CopyPart] = []
        for source in remote:
            parts.append(await self._downloads.part(build, source, instruction, plan))
        if local or plan.files:
            origin = await build.origin(instruction.origin, before=stage.stage.index)
            own = msgspec.structs.replace(plan, sources=local)
            parts.append(CopyPart(source_root=origin.root, plan=own))
        reads = [await _digest(each) for each in parts]

        async def make() -> Made:
            layer = await ThreadResult("build-copy", lambda: self._copied(parts, view)).wait()
            return stage.config, layer

        await stage.do(instruction, make, reads=reads)

    def _copied(self, parts: list[CopyPart], view: int) -> Layer:
        """A layer of everything that is copied. In a thread."""
        writer = self._layers.begin(None)
        try:
            write_copies(parts, view, writer.write)
            return writer.commit()
        finally:
            writer.abort()

    # WORKDIR

    async def enter(self, stage: StageRun, instruction: WorkDir) -> None:
        """The folder that commands run in, made where it is missing."""
        build, before = stage.build, stage.config
        config = apply(before, instruction)
        view = await build.roots.view(stage.step.layers)

        def make_layer() -> Layer | None:
            owner = resolve_owner(view, before.user) if before.user else (0, 0)
            writer = self._layers.begin(None)
            try:
                made = write_folders(view, config.working_dir, owner, writer.write)
                return writer.commit() if made else None
            finally:
                writer.abort()

        async def make() -> Made:
            return config, await ThreadResult("build-folder", make_layer).wait()

        await stage.do(instruction, make, told=f"WORKDIR {config.working_dir}")


async def _digest(part: CopyPart) -> str:
    """In a thread of its own: it may take long, and a build that is given up does not wait."""
    work = ThreadResult("build-digest", lambda: copy_digest(part.source_root, part.plan))
    return await work.wait()


def _check_rights(instruction: Run, network_mode: str) -> None:
    """Raises: PermissionDenied for what only the caller, not a Dockerfile, may decide."""
    if instruction.security == "insecure":
        raise PermissionDenied("security.insecure is not allowed", hint=Hint("build.insecure"))
    if instruction.network == "host" and network_mode != "host":
        raise PermissionDenied("network.host is not allowed", hint=Hint("build.host-network"))


def _plan(instruction: Copy, view: int, working_dir: str) -> CopyPlan:
    """The instruction with everything looked up in the root below it. Blocking."""
    return CopyPlan(
        instruction="ADD" if isinstance(instruction, Add) else "COPY",
        is_context=not instruction.origin,
        sources=instruction.sources,
        files=tuple(
            (each.name, each.content.encode(errors="surrogateescape"))
            for each in instruction.heredocs
        ),
        target=_absolute(instruction.target, working_dir),
        owner=resolve_owner(view, instruction.owner) if instruction.owner else None,
        mode=instruction.mode,
        excludes=instruction.excludes,
        parents=instruction.parents,
        unpacks=isinstance(instruction, Add) and instruction.unpacks is not False,
        keeps_owners=bool(instruction.origin),
    )


def _absolute(target: str, working_dir: str) -> str:
    """The target below the root; a slash at its end stays, `.` and nothing mean the folder."""
    if not target:
        raise InvalidArgument("COPY needs a target")
    joined = posixpath.join("/", working_dir, target)
    is_folder = joined.endswith("/") or posixpath.basename(joined) in (".", "..")
    path = "/" + posixpath.normpath(joined).lstrip("/")
    return path if path == "/" or not is_folder else f"{path}/"

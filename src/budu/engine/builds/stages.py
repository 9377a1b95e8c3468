"""One stage of a Dockerfile, carried out instruction by instruction.

Each instruction makes a step: a new config, and a layer where files changed. A step whose key is in
the cache is taken from there; two builds that come to the same step do it once.
Source: moby 28.3 builder/dockerfile/evaluator.go, dispatchers.go (lines that are told);
buildkit 0.23 frontend/dockerfile/dockerfile2llb/convert.go (what a step depends on).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

import msgspec

from budu.base.clock import format_time, now_ns
from budu.build.arguments import StageArguments
from budu.build.dockerfile.apply import apply, sets_cmd
from budu.build.dockerfile.expand import expand
from budu.build.dockerfile.history import history_text
from budu.build.dockerfile.model import (
    Arg,
    ConfigInstruction,
    Copy,
    Instruction,
    Maintainer,
    Run,
    Stage,
    StopSignal,
    WorkDir,
)
from budu.build.dockerfile.parse import parse_instruction
from budu.build.graph import with_base
from budu.build.keys import base_key, step_key
from budu.engine.builds.build import Build
from budu.engine.builds.cache import Step
from budu.engine.containers.signals import parse_signal
from budu.engine.contract.builds import BuildText
from budu.engine.locks import Locks
from budu.image.documents import child_config
from budu.snapshot.layers import Layer
from budu.spec.image import ExecConfig, History, ImageConfig
from budu.spec.platform import Platform, parse_platform

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SCRATCH = "scratch"

Made = tuple[ExecConfig, Layer | None]
"""How an image is run after a step, and the layer that the step added."""


class Workers(Protocol):
    """Carries out the instructions that change files; each ends with `StageRun.do`."""

    async def run(self, stage: StageRun, instruction: Run) -> None: ...
    async def copy(self, stage: StageRun, instruction: Copy) -> None: ...
    async def enter(self, stage: StageRun, instruction: WorkDir) -> None: ...


class StageRun:
    """One stage of one build. `run` once."""

    def __init__(self, build: Build, stage: Stage, workers: Workers, locks: Locks) -> None:
        self.build = build
        self.stage = stage
        self.arguments = StageArguments(build.arguments)
        self._workers = workers
        self._locks = locks
        self._sets_cmd = False

    @property
    def config(self) -> ExecConfig:
        """How the image is run, so far."""
        return self.step.config.config or ExecConfig()

    @property
    def variables(self) -> dict[str, str]:
        """What an instruction may name."""
        return self.arguments.variables(self.config.env)

    async def run(self, *, labels: Instruction | None = None) -> Step:
        """Carry everything out; what the stage has come to. `labels` comes last.

        Raises: BuduError.
        """
        await self.build.announce(self.stage.source)
        self.step = await self._base()
        await self._tell_step()
        await self._triggers()
        for instruction in (*self.stage.instructions, *([labels] if labels else [])):
            await self.build.announce(instruction.source)
            await self._carry_out(instruction)
        return self.step

    async def _tell_step(self) -> None:
        await self.build.tell(BuildText(text=f" ---> {self.step.image.short_id}\n"))

    # What it stands on

    async def _base(self) -> Step:
        escape = self.build.dockerfile.directives.escape
        stage = with_base(self.stage, self.build.arguments.variables, escape=escape)
        name, platform = stage.base, self.build.options.platform
        if stage.platform:
            platform = parse_platform(stage.platform)
        if name.lower() == _SCRATCH:
            return await self._scratch(platform or self.build.platform)
        step = self.build.stage(name, self.stage.index)
        if step is not None:
            return step
        image = await self.build.image(name, platform)
        config = self.build.bases.config(image)
        if config.config is not None:
            self.build.base_env[self.stage.index] = config.config.env or ()
        return Step(key=base_key(image.id, str(image.platform)), image=image, config=config)

    async def _scratch(self, platform: Platform) -> Step:
        key = base_key("", str(platform))
        found = self.build.use.find(key)
        if found is not None:
            return found
        config = ImageConfig(
            architecture=platform.architecture,
            variant=platform.variant,
            os=platform.os,
            config=ExecConfig(env=(f"PATH={DEFAULT_PATH}",), working_dir="/"),
        )
        return await self.build.use.keep(key, config, description="FROM scratch")

    async def _triggers(self) -> None:
        """What the base has left for whoever builds on it."""
        triggers = self.config.on_build or ()
        if not triggers:
            return
        plural = "s" if len(triggers) > 1 else ""
        await self.build.tell(
            BuildText(text=f"# Executing {len(triggers)} build trigger{plural}\n")
        )
        config = msgspec.structs.replace(self.config, on_build=None)
        self.step = msgspec.structs.replace(
            self.step, config=msgspec.structs.replace(self.step.config, config=config)
        )
        for text in triggers:
            instruction = parse_instruction(text, self.build.dockerfile.directives.escape)
            await self._carry_out(instruction)

    # Instructions

    async def _carry_out(self, written: Instruction) -> None:
        escape = self.build.dockerfile.directives.escape
        instruction = expand(written, self.variables, escape=escape)
        match instruction:
            case Arg():
                self.arguments.declare(instruction)
                await self._tell_step()
            case Run():
                await self._workers.run(self, instruction)
            case Copy():
                await self._workers.copy(self, instruction)
            case WorkDir():
                await self._workers.enter(self, instruction)
            case _:
                await self._change_config(instruction)

    async def _change_config(self, instruction: Instruction) -> None:
        config, author = self.config, ""
        if isinstance(instruction, Maintainer):
            author = instruction.name
        elif isinstance(instruction, ConfigInstruction):
            if isinstance(instruction, StopSignal):
                parse_signal(instruction.signal)
            config = apply(config, instruction, keeps_cmd=self._sets_cmd)
            self._sets_cmd = self._sets_cmd or sets_cmd(instruction)

        async def make() -> Made:
            return config, None

        await self.do(instruction, make, author=author)

    async def do(
        self,
        instruction: Instruction,
        make: Callable[[], Awaitable[Made]],
        *,
        reads: Iterable[str] = (),
        author: str = "",
        told: str = "",
        is_shared: bool = False,
    ) -> None:
        """Come one step further: by the cache, or by what `make` makes.

        `reads` is what the step depends on besides the instruction and the step below; `told` what
        history says of it. With `is_shared` nothing but that text decides about the layer, so that
        another machine's image may bring it.
        """
        build, below = self.build, self.step
        if build.latest_ns is not None:  # other times are another layer, and another config
            reads = [*reads, f"not later than {build.latest_ns}"]
        key = step_key(below.key, instruction, reads=reads)
        async with self._locks.holding(key):
            step = build.use.find(key) if build.options.uses_cache else None
            if step is not None:
                await build.tell(BuildText(text=" ---> Using cache\n"))
            else:
                told = told or history_text(instruction, self.config.shell)
                layer = build.shared_layer(below.config, told) if is_shared else None
                if layer is not None:
                    await build.tell(BuildText(text=" ---> Using cache\n"))
                    config = self.config
                else:
                    config, layer = await make()
                document = self._document(told, config, layer, author)
                step = await build.use.keep(
                    key,
                    document,
                    added=(str(layer.diff_id),) if layer else (),
                    parent=below.key,
                    description=told,
                )
        self.step = step
        await self._tell_step()

    def _document(
        self, told: str, config: ExecConfig, layer: Layer | None, author: str
    ) -> ImageConfig:
        below = self.step.config
        diff_id = layer.diff_id if layer else None
        build = self.build
        now = now_ns() if build.latest_ns is None else build.latest_ns
        created = build.sources.created(below, told, diff_id) or format_time(now)
        author = author or below.author
        entry = History(created=created, created_by=told, author=author)
        new = ImageConfig(created=created, author=author, config=config)
        return child_config(below, new, step=entry, diff_id=diff_id)

"""Builds of images. See `engine.contract.builds.Builds`.

    context ─▶ Dockerfile ─▶ the stages that the target needs ─▶ image and names

Neighbours: `build.*` knows the language, contexts and copies; `stages` carries a stage out.
Source: Engine API 1.51 ImageBuild; moby 28.3 builder/dockerfile/builder.go (order and sentences).
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from functools import partial

from budu.base.errors import BuduError, DataLoss, InvalidArgument, NotFound
from budu.base.ids import new_id
from budu.build.arguments import BuildArguments, latest_ns
from budu.build.dockerfile.expand import expand
from budu.build.dockerfile.model import Arg, Dockerfile, Label, Stage
from budu.build.dockerfile.parse import parse
from budu.build.graph import find_target, needed, with_base
from budu.engine.builds.advice import advice, refuse
from budu.engine.builds.bases import Bases
from budu.engine.builds.build import Build, count_steps
from budu.engine.builds.cache import CacheUse, Step, StepCache
from budu.engine.builds.downloads import BuildDownloads
from budu.engine.builds.layer_context import AnyContext, MountOver, receive_layer
from budu.engine.builds.origins import MountImage, Roots
from budu.engine.builds.pruning import CachePruner
from budu.engine.builds.sources import CacheSources
from budu.engine.builds.stages import StageRun, Workers
from budu.engine.contract.builds import (
    BuildOptions,
    BuildResult,
    BuildSink,
    BuildText,
    CachePruneOptions,
    PrunedCache,
)
from budu.engine.events import EventLog
from budu.engine.images.making import ImageMaker
from budu.engine.locks import Locks
from budu.engine.paths import EnginePaths
from budu.engine.streams import used_in_thread
from budu.image.documents import encode_config
from budu.image.model import ImageRecord
from budu.snapshot.layers import LayerStore
from budu.spec.api.build import BuildCache
from budu.spec.platform import host_platform
from budu.spec.reference import Reference, parse_reference

log = logging.getLogger(__name__)
_NAMES = ("Dockerfile", "dockerfile")


class BuildService:
    """All builds of one engine."""

    def __init__(
        self,
        *,
        bases: Bases,
        cache: StepCache,
        workers: Workers,
        downloads: BuildDownloads,
        pruner: CachePruner,
        maker: ImageMaker,
        events: EventLog,
        layers: LayerStore,
        mount_image: MountImage,
        mount_over: MountOver,
        paths: EnginePaths,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._tasks = tasks
        self._care = asyncio.Lock()
        self._is_care_waiting = False
        self._bases = bases
        self._cache = cache
        self._workers = workers
        self._downloads = downloads
        self._pruner = pruner
        self._maker = maker
        self._events = events
        self._layers = layers
        self._mount_image = mount_image
        self._mount_over = mount_over
        self._paths = paths
        self._locks = Locks()

    async def build(
        self, options: BuildOptions, context: AsyncIterator[bytes], tell: BuildSink
    ) -> str:
        """See `Builds.build`."""
        names = _names(options.names)
        id_ = new_id()[:25]
        folder = self._paths.build_contexts / id_
        folder.mkdir(mode=0o700)
        async with AsyncExitStack() as held:
            held.push_async_callback(asyncio.to_thread, shutil.rmtree, folder, ignore_errors=True)
            use = held.enter_context(self._cache.using())
            received = await self._receive(options, context, held, id_, use, tell)
            dockerfile = await asyncio.to_thread(_read, received, options)
            roots = Roots(self._mount_image)
            held.push_async_callback(roots.aclose)
            target = find_target(dockerfile.stages, options.target)
            build = Build(
                id=id_,
                options=options,
                dockerfile=dockerfile,
                arguments=BuildArguments(
                    options.arguments,
                    target=options.platform or host_platform(),
                    here=host_platform(),
                    stage=options.target,
                ),
                context=received,
                folder=folder,
                use=use,
                roots=roots,
                bases=self._bases,
                layers=self._layers,
                tell=tell,
                held=held,
                platform=options.platform or host_platform(),
                latest_ns=latest_ns(options.arguments),
            )
            build.sources = await self._sources(build)
            step = await self._stages(build, target)
            image = await self._finish(build, step, names)
        self._tasks.create_task(self._keep_budget(), name="build-budget")
        return image.id

    async def _receive(
        self,
        options: BuildOptions,
        body: AsyncIterator[bytes],
        held: AsyncExitStack,
        id_: str,
        use: CacheUse,
        tell: BuildSink,
    ) -> AnyContext:
        folder = self._paths.build_contexts / f"{id_}.context"
        if options.remote:
            received: AnyContext = await self._downloads.context(options, folder, tell)
        else:
            take = partial(
                receive_layer,
                folder=folder,
                layers=self._layers,
                mount_over=self._mount_over,
                mark=id_,
                claim=use.lease.add,
            )
            try:
                received = await used_in_thread("build-context", body, take)
            except DataLoss as error:  # what a client sends wrong is its own fault
                raise InvalidArgument(error.message, hint=error.hint) from error
        held.push_async_callback(asyncio.to_thread, received.close)
        return received

    async def _sources(self, build: Build) -> CacheSources:
        """The images of `--cache-from`; one that can't be had is no reason not to build."""
        configs = []
        for name in build.options.cache_from:
            try:
                image = await build.image(name, None)
                configs.append(self._bases.config(image))
            except BuduError as error:
                log.info("no cache from image=%s error=%s", name, error.message)
        return CacheSources(configs)

    # Stages

    async def _stages(self, build: Build, target: Stage) -> Step:
        """Carry out what the target needs; what the target has come to."""
        wanted = _wanted(build, target)
        labels = _labels(build.options)
        build.steps = count_steps(build.dockerfile, wanted, labels=labels is not None)
        for argument in build.dockerfile.arguments:
            await build.announce(argument.source)
            build.arguments.declare(_expanded(build, argument, build.arguments))
        for stage in wanted:
            run = StageRun(build, stage, self._workers, self._locks)
            is_last = stage.index == target.index
            build.done[stage.index] = await run.run(labels=labels if is_last else None)
        return build.done[target.index]

    # The end

    async def _finish(self, build: Build, step: Step, names: list[Reference]) -> ImageRecord:
        """The image, complete and named."""
        unused = build.arguments.unused()
        if unused:
            text = " ".join(unused)
            await build.tell(
                BuildText(text=f"[Warning] One or more build-args [{text}] were not consumed\n")
            )
        lines = await asyncio.to_thread(advice, build.dockerfile, build.environments)
        if lines:
            await build.tell(BuildText(text=lines))
        image = await self._maker.make_exact(encode_config(step.config), names)
        await build.tell(BuildResult(image_id=image.id))
        await build.tell(BuildText(text=f"Successfully built {image.short_id}\n"))
        labels = step.config.labels or {}
        for name in names:
            attributes = {**labels, "name": name.familiar}
            self._events.emit("image", "tag", image.id, **attributes)
            await build.tell(BuildText(text=f"Successfully tagged {name.familiar}\n"))
        return image

    # The cache

    def cache(self) -> tuple[BuildCache, ...]:
        """See `Builds.cache`."""
        return self._pruner.rows()

    async def _keep_budget(self) -> None:
        """After a build; builds that end meanwhile are looked after together."""
        if self._is_care_waiting:
            return
        self._is_care_waiting = True
        async with self._care:
            self._is_care_waiting = False
            await self._pruner.keep_budget()

    async def prune(self, options: CachePruneOptions) -> PrunedCache:
        """See `Builds.prune`."""
        return await self._pruner.prune(options)


def _names(texts: Iterable[str]) -> list[Reference]:
    """The names for the image, each once. Raises: InvalidArgument with Docker's sentences."""
    names: dict[str, Reference] = {}
    for text in texts:
        if not text:
            continue
        name = parse_reference(text)
        if name.digest:
            raise InvalidArgument("build tag cannot contain a digest", reference=text)
        name = name.with_default_tag()
        names.setdefault(str(name), name)
    return list(names.values())


def _read(context: AnyContext, options: BuildOptions) -> Dockerfile:
    """The Dockerfile of a context, which then is as its ignore file wants it. Blocking.

    Raises: InvalidArgument with Docker's sentence.
    """
    path = options.dockerfile
    for name in (path,) if path else _NAMES:
        try:
            data = context.read(name)
        except NotFound:
            continue
        try:
            dockerfile = parse(data.decode("utf-8-sig"), name=name)
        except UnicodeDecodeError as error:
            raise InvalidArgument(f"the Dockerfile ({name}) is no UTF-8 text: {error}") from None
        refuse(dockerfile)
        context.leave_out(name, everything=bool(options.remote))
        return dockerfile
    raise InvalidArgument(f"Cannot locate specified Dockerfile: {path or _NAMES[0]}")


def _wanted(build: Build, target: Stage) -> list[Stage]:
    """The stages that the target needs. Before anything is told: their FROM lines may be wrong."""
    arguments = BuildArguments(build.options.arguments, target=build.platform, here=host_platform())
    for each in build.dockerfile.arguments:
        arguments.declare(_expanded(build, each, arguments))
    stages, escape = build.dockerfile.stages, build.dockerfile.directives.escape
    bases = [with_base(each, arguments.variables, escape=escape).base for each in stages]
    return needed(stages, target, bases)


def _expanded(build: Build, argument: Arg, known: BuildArguments) -> Arg:
    return expand(argument, known.variables, escape=build.dockerfile.directives.escape)


def _labels(options: BuildOptions) -> Label | None:
    """The labels of the request as a last instruction."""
    if not options.labels:
        return None
    pairs = tuple(sorted(options.labels.items()))
    words = " ".join(f"{name}={value}" for name, value in pairs)
    return Label(line=0, source=f"LABEL {words}", pairs=pairs)

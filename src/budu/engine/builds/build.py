"""One build under way: what all of its stages share."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from budu.base.errors import InvalidArgument
from budu.build.arguments import BuildArguments
from budu.build.dockerfile.model import Dockerfile, Stage
from budu.build.graph import find_stage
from budu.engine.builds.bases import Bases
from budu.engine.builds.cache import CacheUse, Step
from budu.engine.builds.layer_context import AnyContext
from budu.engine.builds.origins import Origin, Roots
from budu.engine.builds.sources import CacheSources
from budu.engine.contract.builds import BuildOptions, BuildSink, BuildText
from budu.image.model import ImageRecord
from budu.snapshot.layers import Layer, LayerStore
from budu.spec.image import ImageConfig
from budu.spec.platform import Platform


@dataclass(kw_only=True)
class Build:
    """See the module."""

    id: str
    options: BuildOptions
    dockerfile: Dockerfile
    arguments: BuildArguments
    context: AnyContext
    folder: Path
    """The build's own, for what it needs meanwhile."""
    use: CacheUse
    roots: Roots
    bases: Bases
    layers: LayerStore
    tell: BuildSink
    held: AsyncExitStack
    """Lets go of things when the build ends."""
    platform: Platform
    sources: CacheSources = field(default_factory=CacheSources)
    """What `--cache-from` names."""
    latest_ns: int | None = None
    """What no time of the image may be later than."""
    steps: int = 0
    """How many lines will be told as `Step 1/…`."""
    told: int = 0
    done: dict[int, Step] = field(default_factory=dict)
    """What stages have come to, by number."""
    images: dict[tuple[str, str], ImageRecord] = field(default_factory=dict)
    """Images that it has found, by name and platform."""
    base_env: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """The environments of the images that they stand on."""

    async def announce(self, source: str) -> None:
        """The line before an instruction."""
        self.told += 1
        await self.tell(BuildText(text=f"Step {self.told}/{self.steps} : {source}\n"))

    @property
    def environments(self) -> dict[int, dict[str, str]]:
        """The variables of the images that stages stand on, by the stage's number."""
        return {
            index: dict(entry.partition("=")[::2] for entry in env)
            for index, env in self.base_env.items()
        }

    def stage(self, name: str, before: int) -> Step | None:
        """What an earlier stage has come to; None when there is none of that name."""
        found = find_stage(self.dockerfile.stages[:before], name)
        return self.done[found.index] if found is not None else None

    async def origin(self, name: str, *, before: int) -> Origin:
        """What files are taken from: the context, a stage before number `before`, or an image."""
        if not name:
            return Origin(root=self.context.root, unpacked=self.context.unpacked)
        if name == "scratch":
            raise InvalidArgument("invalid from flag value scratch: it has no files")
        step = self.stage(name, before)
        if step is None and name.isascii() and name.isdecimal():
            raise InvalidArgument(f"invalid from flag value {name}: index out of bounds")
        image = step.image if step is not None else await self.image(name, None)
        return await self.roots.of_image(image)

    def shared_layer(self, below: ImageConfig, told: str) -> Layer | None:
        """The layer that an image of `sources` has for a step, where the cache may be used."""
        diff_id = self.sources.layer(below, told) if self.options.uses_cache else None
        if diff_id is None or not self.layers.has(diff_id):
            return None
        return Layer(diff_id=diff_id, size=self.layers.size(diff_id))

    async def image(self, name: str, platform: Platform | None) -> ImageRecord:
        """An image that is no stage, fetched where it is not here; it stays until the build ends,
        and is the same one for the whole build. Raises: NotFound, and whatever a pull raises.
        """
        known = self.images.get((name, str(platform)))
        if known is not None:
            return known
        image = await self.bases.find(
            name,
            platform or self.options.platform,
            pulls=self.options.pulls,
            credentials=self.options.credentials,
            tell=self.tell,
        )
        self.use.hold(image)
        self.images[name, str(platform)] = image
        return image


def count_steps(dockerfile: Dockerfile, stages: Sequence[Stage], *, labels: bool) -> int:
    """How many lines are told: ARGs before the first FROM, FROMs and instructions."""
    own = sum(1 + len(stage.instructions) for stage in stages)
    return len(dockerfile.arguments) + own + labels

"""Stores in a folder and a puller on them."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.fakes.registry import Built, FakeRegistry

from budu.base.errors import (
    BuduError,
)
from budu.content.disk import DiskContent
from budu.content.leases import Leases
from budu.distribution.client import Registries
from budu.distribution.hosts import hosts_config
from budu.distribution.progress import PullEvent, PullSummary
from budu.distribution.pull import PulledImage, Puller
from budu.distribution.retry import RetryPolicy
from budu.snapshot.extracted import ExtractedLayers
from budu.snapshot.layers import LayerStore
from budu.spec.digest import Digest
from budu.spec.platform import Platform, parse_platform
from budu.spec.reference import Reference, parse_reference

AMD64 = parse_platform("linux/amd64")


BIG = random.Random(7).randbytes(600_000)


async def no_pause(seconds: float) -> None:
    """Sleeps not at all."""


class Engine:
    """Stores in a folder and a puller on them, as an engine has."""

    def __init__(self, root: Path, fake: FakeRegistry, *, max_downloads: int = 3) -> None:
        self.fake = fake
        self.content = DiskContent(root / "content")
        self.layers = ExtractedLayers(root / "layers", rootless=True)
        self.registries = Registries(hosts_config(), retry=RetryPolicy(attempts=3, sleep=no_pause))
        self.leases = Leases()
        self.named: set[Digest] = set()
        self.puller = Puller(
            self.registries,
            self.content,
            self.layers,
            leases=self.leases,
            unnamed=lambda digests: digests - self.named,
            max_downloads=max_downloads,
        )
        self.partials = root / "content" / "ingest"
        self.unfinished = root / "layers" / "tmp"
        self.events: list[PullEvent | PullSummary] = []

    def reference(self, name: str) -> Reference:
        return parse_reference(f"{self.fake.address}/{name}")

    async def pull(self, name: str = "team/app:1", platform: Platform = AMD64) -> PulledImage:
        return await self.puller.pull(
            self.reference(name), platform=platform, progress=self.events.append
        )

    async def fail(self, kind: type[BuduError], name: str = "team/app:1") -> BuduError:
        with pytest.raises(kind) as caught:
            await self.pull(name)
        assert type(caught.value) is kind
        return caught.value

    def statuses(self, blob: str) -> list[str]:
        """The statuses of one layer in order, repetitions left out."""
        short = Digest(blob).short
        found = [e.status for e in self.events if isinstance(e, PullEvent) and e.id == short]
        return [s for i, s in enumerate(found) if i == 0 or found[i - 1] != s]

    def lines(self) -> list[str]:
        """The statuses that belong to no layer."""
        events = [e for e in self.events if isinstance(e, PullEvent)]
        return [e.status for e in events if len(e.id) != 12]

    def holds_nothing(self) -> bool:
        return not (
            [*self.content.list()]
            or [*self.layers.list()]
            or [*self.partials.iterdir()]
            or [*self.unfinished.iterdir()]
        )

    async def close(self) -> None:
        await self.registries.close()
        self.puller.close()
        self.layers.close()


@asynccontextmanager
async def engine_on(root: Path, fake: FakeRegistry, **options: int) -> AsyncIterator[Engine]:
    engine = Engine(root, fake, **options)
    try:
        yield engine
    finally:
        await engine.close()


def tar_in(layers: LayerStore, diff_id: str) -> bytes:
    with os.fdopen(layers.open_tar(Digest(diff_id)), "rb") as tar:
        return tar.read()


def big_image(fake: FakeRegistry) -> Built:
    return fake.add_image("team/app", "1", layers=[{"big": BIG}])

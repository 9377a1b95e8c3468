"""Images made of Dockerfiles, and the cache of the steps. Done by `engine.builds`.

A build ends with the task that awaits it: cancelled, it stops what runs and leaves nothing but
steps in the cache. What it has to say goes to a `BuildSink` that is awaited, so that a slow client
slows the build and nothing is stored up.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Protocol

import msgspec

from budu.base.errors import Hint, Internal
from budu.base.filters import Filters
from budu.distribution.progress import PullEvent
from budu.spec.api.auth import AuthConfig
from budu.spec.api.build import BuildCache
from budu.spec.api.host_config import Ulimit
from budu.spec.platform import Platform


class BuildOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be built. Names as in Engine API 1.51 ImageBuild, where they say enough."""

    dockerfile: str = ""
    """Its path in the context; empty: `Dockerfile`, else `dockerfile`."""
    names: tuple[str, ...] = ()
    """The image's names, `t`: as people write them, with tags, each once."""
    remote: str = ""
    """A URL or Git repository that the context comes from; empty: the request's body."""
    arguments: Mapping[str, str | None] = {}
    """`buildargs`; None takes the variable away."""
    labels: Mapping[str, str] = {}
    target: str = ""
    platform: Platform | None = None
    uses_cache: bool = True
    cache_from: tuple[str, ...] = ()
    pulls: bool = False
    """Ask the registry for the base images even where they are here."""
    is_quiet: bool = False
    removes: bool = True
    """`rm`: containers of steps that worked go."""
    always_removes: bool = False
    """`forcerm`: those of a step that failed, too."""
    network_mode: str = ""
    extra_hosts: tuple[str, ...] = ()
    shm_size: int = 0
    memory: int = 0
    memory_swap: int = 0
    cpu_shares: int = 0
    cpu_period: int = 0
    cpu_quota: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    cgroup_parent: str = ""
    ulimits: tuple[Ulimit, ...] = ()
    security_opt: tuple[str, ...] = ()
    credentials: Mapping[str, AuthConfig] = {}
    """By registry host, `docker.io` for Docker Hub: X-Registry-Config."""


class BuildText(msgspec.Struct, frozen=True, kw_only=True):
    """Text for the reader: `Step 1/3 : FROM busybox\\n`, or what a command wrote."""

    text: str


class BuildResult(msgspec.Struct, frozen=True, kw_only=True):
    """The id of an image that was made: Docker's `aux` line."""

    image_id: str


BuildEvent = BuildText | BuildResult | PullEvent
BuildSink = Callable[[BuildEvent], Awaitable[None]]


class StepFailed(Internal):
    """A command of the Dockerfile ended with another status than 0, which is `code`."""

    def __init__(self, message: str, *, code: int, hint: Hint | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class PrunedCache(msgspec.Struct, frozen=True, kw_only=True):
    """Cache records that went, and the bytes that became free."""

    ids: tuple[str, ...]
    freed: int


class CachePruneOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a prune of the cache takes: least recently used first, until the limits hold.

    Sizes in bytes, 0 for no such limit.
    """

    everything: bool = False
    """Also steps that images which are here were made of."""
    reserved_space: int = 0
    max_used_space: int = 0
    min_free_space: int = 0
    filters: Filters


class Builds(Protocol):
    """Builds of images."""

    async def build(
        self, options: BuildOptions, context: AsyncIterator[bytes], tell: BuildSink
    ) -> str:
        """Build an image; its id. `context` is a tar archive, packed or not.

        It is read to its end before anything is told, since a client that sends it reads nothing
        meanwhile; with a `remote` it is not read at all.

        Raises, before anything was told: InvalidArgument for options, the context or the Dockerfile
        (`dockerfile parse error line 3: …`). Later: NotFound for a base image; StepFailed with
        Docker's sentence for a command.
        """

    def cache(self) -> tuple[BuildCache, ...]:
        """The records of the cache, most recently used first."""

    async def prune(self, options: CachePruneOptions) -> PrunedCache:
        """Take records away. Raises: InvalidArgument for a filter."""

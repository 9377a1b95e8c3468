"""What containers changed, and images made of containers and archives.

Done by `engine.containers.snapshots` and `engine.images.importing`.

Everything works for containers in any state but `dead` and `removing`. A commit freezes a running
container while its files are read, unless told not to; one that is paused already stays paused.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from budu.distribution.progress import ProgressSink
from budu.snapshot.changes import Change
from budu.spec.api.container import ContainerConfig
from budu.spec.platform import Platform


class CommitOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a commit makes of a container.

    `config` replaces the container's own; what it leaves empty is taken from that. `changes` are
    Dockerfile instructions. Without a `repository` the image gets no name.
    """

    repository: str = ""
    tag: str = ""
    comment: str = ""
    author: str = ""
    pause: bool = True
    changes: tuple[str, ...] = ()
    config: ContainerConfig | None = None


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What an import makes of an archive. `source` is `-` for the body, else a URL."""

    source: str
    repository: str = ""
    tag: str = ""
    message: str = ""
    changes: tuple[str, ...] = ()
    platform: Platform | None = None


Changes = tuple[Change, ...]


class Snapshots(Protocol):
    """What containers changed. Raises, each of them: NotFound; Conflict for the status."""

    async def changes(self, ref: str) -> Changes:
        """Changed, added and deleted paths, sorted."""

    async def export(self, ref: str) -> AsyncIterator[bytes]:
        """The container's files as a tar archive, without what is mounted into it."""

    async def commit(self, ref: str, options: CommitOptions) -> str:
        """Make an image of a container; its id.

        Raises: InvalidArgument for the name and for instructions, with Docker's sentences.
        """


class Imports(Protocol):
    """Images made of archives."""

    async def import_image(
        self, options: ImportOptions, body: AsyncIterator[bytes], progress: ProgressSink
    ) -> str:
        """Make an image of one layer; its id. The archive may be compressed in any known way.

        Raises: InvalidArgument for the name, instructions and hostile archives; DataLoss for
        broken ones; ResourceExhausted for bombs; NotFound, Unavailable for a URL.
        """

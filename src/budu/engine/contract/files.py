"""Files of containers and volumes, as archives. See `engine.containers.files`.

Life of a call: the tree is opened, the path is resolved within it, and everything after that works
on descriptors. A container may run, be paused, be stopped or never have been started; it may
change its tree meanwhile, and start or end, without disturbing the call or being disturbed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec


class PathStat(msgspec.Struct, frozen=True, kw_only=True):
    """What is at a path. A symbolic link is described, not followed.

    `mode` is a Go `FileMode`: permissions and Go's own bits for the kind. `link_target` is where
    the link finally leads, as an absolute path of the tree, empty when it is none.
    """

    name: str
    size: int
    mode: int
    mtime_ns: int
    link_target: str = ""


class FoundPath(msgspec.Struct, frozen=True, kw_only=True):
    """One match of a pattern."""

    path: str
    stat: PathStat


class WriteOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`keep_kinds`: never put a directory in the place of something else, or the other way round.
    `own`: everything belongs to the user that the container runs as, when it names one."""

    keep_kinds: bool = False
    own: bool = False


Matches = list[FoundPath]


class Files(Protocol):
    """Files of containers, or of volumes; `ref` says of which one.

    Raises, each of them: NotFound for the container, volume or path; InvalidArgument for a path
    through something that is no directory, or a loop of links.
    """

    async def stat(self, ref: str, path: str) -> PathStat: ...

    async def read(
        self, ref: str, path: str, *, sparse: bool = False
    ) -> tuple[PathStat, AsyncIterator[bytes]]:
        """What is at a path, and a tar archive of it whose root is the path's last name.

        A path that ends in `/.` gives `.` for the root. `sparse` leaves holes out.
        """

    async def write(
        self, ref: str, path: str, body: AsyncIterator[bytes], *, options: WriteOptions
    ) -> None:
        """Unpack a tar archive, compressed or not, into the existing directory at `path`.

        Raises: PermissionDenied where the place is read-only; InvalidArgument for what is no
        directory, and for hostile archives; DataLoss for broken ones. What was unpacked before
        stays.
        """

    async def find(self, ref: str, pattern: str) -> Matches:
        """What matches a pattern of `*`, `?` and `[…]`; a path that exists matches itself.

        Raises: NotFound when nothing matches.
        """

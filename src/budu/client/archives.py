"""Calls about files of a container or a volume. Light.

Source: Engine API 1.51, ContainerArchive and its neighbours; for volumes and patterns, budu's own
calls below `/budu`.
"""

from __future__ import annotations

from budu.base.errors import BuduError, NotFound, Unavailable
from budu.client.json import loads
from budu.client.query import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from budu.client.session import Session
    from budu.client.transport import Response

_STAT_HEADER = "x-docker-container-path-stat"
_DIRECTORY = 1 << 31  # Go, io/fs: ModeDir
_SYMLINK = 1 << 27
_DEVICE = 1 << 26


class PathStat:
    """What is at a path. Source: moby, `container.PathStat`."""

    __slots__ = ("link_target", "mode", "name", "size")

    def __init__(self, document: dict[str, Any]) -> None:
        self.name = str(document.get("name", ""))
        self.size = int(document.get("size", 0))
        self.mode = int(document.get("mode", 0))
        self.link_target = str(document.get("linkTarget", ""))

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return bool(self.mode & _DIRECTORY)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link; `link_target` says where it leads."""
        return bool(self.mode & _SYMLINK)

    @property
    def is_device(self) -> bool:
        """Whether it is a device."""
        return bool(self.mode & _DEVICE)


class Archives:
    """Files of one container, or of one volume."""

    def __init__(self, session: Session, ref: str, *, volume: bool = False) -> None:
        self._session = session
        kind = "volumes" if volume else "containers"
        self._path = f"{'/budu' if volume else ''}/{kind}/{quote(ref)}/archive"
        self._find_path = f"/budu/{kind}/{quote(ref)}/files"

    def stat(self, path: str) -> PathStat | None:
        """What is at a path; None when that cannot be told, whyever.

        Raises: Unavailable when there is no engine.
        """
        try:
            response = self._session.call("HEAD", self._path, query={"path": path})
        except Unavailable:
            raise
        except BuduError:
            return None
        return _stat_of(response)

    def find(self, pattern: str) -> list[str]:
        """The paths that match; the pattern itself with engines that cannot tell.

        Raises: NotFound when nothing matches.
        """
        try:
            found = self._session.fetch(self._find_path, query={"path": pattern})
        except NotFound as error:
            if error.message.endswith("page not found"):
                return [pattern]
            raise
        return [str(each["path"]) for each in found]

    def read(self, path: str, *, sparse: bool = False) -> tuple[PathStat | None, Response]:
        """What is at a path, and an archive of it as the body of an answer."""
        query = {"path": path, "sparse": sparse or None}
        response = self._session.call("GET", self._path, query=query)
        return _stat_of(response), response

    def write(self, path: str, pieces: Iterable[bytes], *, own: bool = False) -> None:
        """Unpack an archive into the directory at a path."""
        query = {"path": path, "noOverwriteDirNonDir": "true", "copyUIDGID": own or None}
        self._session.upload("PUT", self._path, pieces, query=query).read()


def _stat_of(response: Response) -> PathStat | None:
    import binascii

    text = response.headers.get(_STAT_HEADER)
    return None if text is None else PathStat(loads(binascii.a2b_base64(text)))

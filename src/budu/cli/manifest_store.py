"""Lists of manifests in the making: files beside config.json, until they are pushed. Light.

One file a list, `manifests/<name>.json`, with the entries in order.
"""

from __future__ import annotations

import os

from budu.base.errors import NotFound
from budu.client.json import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class ManifestStore:
    """The lists of one user."""

    def __init__(self, config_folder: str) -> None:
        self._folder = os.path.join(config_folder, "manifests")

    def _path(self, name: str) -> str:
        plain = name.replace("/", "_").replace(":", "-").replace("@", "-")
        return os.path.join(self._folder, plain + ".json")

    def has(self, name: str) -> bool:
        """Whether the list is there."""
        return os.path.exists(self._path(name))

    def read(self, name: str) -> list[dict[str, Any]]:
        """The entries. Raises: NotFound in Docker's words."""
        try:
            with open(self._path(name), "rb") as file:  # noqa: PTH123
                entries: list[dict[str, Any]] = loads(file.read())
        except FileNotFoundError:
            raise NotFound(f"No such manifest: {name}") from None
        return entries

    def write(self, name: str, entries: list[dict[str, Any]]) -> None:
        """Keep the entries; the file appears whole."""
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        path = self._path(name)
        half = f"{path}.{os.getpid()}.tmp"
        with open(half, "wb") as file:  # noqa: PTH123
            file.write(dumps(entries))
        os.replace(half, path)

    def remove(self, name: str) -> None:
        """Forget the list. Raises: NotFound."""
        try:
            os.unlink(self._path(name))
        except FileNotFoundError:
            raise NotFound(f"No such manifest: {name}") from None

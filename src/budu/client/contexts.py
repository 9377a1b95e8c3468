"""The stored contexts, in docker's own layout below the folder of config.json. Light.

    contexts/meta/<sha256 of the name>/meta.json          Name, Metadata, Endpoints
    contexts/tls/<sha256 of the name>/docker/{ca,cert,key}.pem

Both programs read and write the same store. Source: docker/cli, cli/context/store.
"""

from __future__ import annotations

import posix

from budu.base.errors import DataLoss, InvalidArgument, NotFound
from budu.client.json import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

DEFAULT_CONTEXT = "default"
TLS_NAMES = ("ca", "cert", "key")
_FIRST = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_LETTERS = frozenset(_FIRST + "_.+-")


def context_id(name: str) -> str:
    """The name of a context's folders."""
    from hashlib import sha256

    return sha256(name.encode()).hexdigest()


def check_context_name(name: str) -> None:
    """Raises: InvalidArgument with docker's sentence."""
    if name == DEFAULT_CONTEXT:
        raise InvalidArgument('"default" is a reserved context name')
    if len(name) < 2 or name[0] not in _FIRST or not _LETTERS.issuperset(name):
        raise InvalidArgument(
            f'context name "{name}" is invalid, names are validated against regexp '
            '"^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$"'
        )


class ContextStore:
    """The contexts of one config folder. The default one is nowhere stored."""

    def __init__(self, config_folder: str) -> None:
        self._meta = f"{config_folder}/contexts/meta"
        self._tls = f"{config_folder}/contexts/tls"

    def names(self) -> list[str]:
        """The names, sorted; folders that cannot be read are passed over."""
        names = []
        for entry in _entries(self._meta):
            document = _read_json(f"{self._meta}/{entry}/meta.json")
            if isinstance(document, dict) and isinstance(document.get("Name"), str):
                names.append(document["Name"])
        return sorted(names)

    def paths(self, name: str) -> tuple[str, str]:
        """The folders of the metadata and of the TLS files."""
        identity = context_id(name)
        return f"{self._meta}/{identity}", f"{self._tls}/{identity}"

    def read(self, name: str) -> dict[str, Any]:
        """The metadata document.

        Raises: NotFound, InvalidArgument when it is damaged.
        """
        path = f"{self.paths(name)[0]}/meta.json"
        document = _read_json(path)
        if document is None:
            raise NotFound(
                f'context "{name}": context not found: open {path}: no such file or directory'
            )
        if not isinstance(document, dict) or not isinstance(document.get("Endpoints"), dict):
            raise InvalidArgument(f'context "{name}": {path} is not a valid context')
        return document

    def write(self, name: str, document: Mapping[str, Any]) -> None:
        """Store the metadata, whole or not at all."""
        import os

        folder = self.paths(name)[0]
        os.makedirs(folder, mode=0o755, exist_ok=True)
        with open(f"{folder}/meta.json.new", "wb") as file:  # noqa: PTH123 - light
            file.write(dumps(document))
        posix.rename(f"{folder}/meta.json.new", f"{folder}/meta.json")

    def tls_files(self, name: str) -> dict[str, bytes]:
        """The stored certificates and key, by file name (`ca.pem` …)."""
        folder = f"{self.paths(name)[1]}/docker"
        found = {}
        for entry in sorted(_entries(folder)):
            with open(f"{folder}/{entry}", "rb") as file:  # noqa: PTH123 - light
                found[entry] = file.read()
        return found

    def write_tls(self, name: str, files: Mapping[str, bytes]) -> None:
        """Replace the certificates and the key; only the user may read them."""
        import os
        import shutil

        folder = self.paths(name)[1]
        shutil.rmtree(folder, ignore_errors=True)
        if not files:
            return
        os.makedirs(f"{folder}/docker", mode=0o700)
        for entry, data in files.items():
            flags = posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_CLOEXEC
            fd = posix.open(f"{folder}/docker/{entry}", flags, 0o600)
            with open(fd, "wb") as file:  # noqa: PTH123 - light
                file.write(data)

    def remove(self, name: str) -> None:
        """Take a context away, also a damaged one; nothing when there is none."""
        import shutil

        for folder in self.paths(name):
            shutil.rmtree(folder, ignore_errors=True)


def _entries(folder: str) -> list[str]:
    try:
        return posix.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _read_json(path: str) -> object:
    """The document; None when there is no file, text when it is damaged."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - light
            return loads(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except DataLoss:
        return ""

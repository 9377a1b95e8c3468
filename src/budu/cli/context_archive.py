"""A context as one file: `meta.json` and `tls/docker/*.pem` in a tar (zip is read as well).

Source: docker/cli, cli/context/store/store.go (Export, Import) and its limit of 10 MiB.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from budu.base.errors import DataLoss
from budu.cli.failures import CommandFailed
from budu.client.json import dumps, loads

_META = "meta.json"
_TLS = "tls/docker/"
_MOST_BYTES = 10 << 20


def pack(document: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """The tar of a context."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        _add(tar, _META, dumps(document), mode=0o644)
        _add_folder(tar, "tls")
        if files:
            _add_folder(tar, "tls/docker")
        for name, data in files.items():
            _add(tar, f"{_TLS}{name}", data, mode=0o600)
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, name: str, data: bytes, *, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    tar.addfile(entry, io.BytesIO(data))


def _add_folder(tar: tarfile.TarFile, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, 0o700
    tar.addfile(entry)


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The document and the TLS files of a tar or zip. Nothing is written to disk.

    Raises: CommandFailed for what is no context.
    """
    document: dict[str, Any] | None = None
    files: dict[str, bytes] = {}
    for name, content in _members(data):
        if name == _META:
            document = _document(content)
        elif name.startswith(_TLS) and name.count("/") == 2:
            files[name.removeprefix(_TLS)] = content
        else:
            raise CommandFailed(f"unexpected file in context archive: {name}")
    if document is None:
        raise CommandFailed("invalid context: no metadata found")
    return document, files


def _document(content: bytes) -> dict[str, Any]:
    try:
        document = loads(content)
    except DataLoss:
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("Endpoints"), dict):
        raise CommandFailed("invalid context: meta.json is damaged")
    return document


def _members(data: bytes) -> Iterator[tuple[str, bytes]]:
    if len(data) > _MOST_BYTES:
        raise CommandFailed("unable to import context: the archive is larger than 10 MiB")
    try:
        if data[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for info in archive.infolist():
                    if not info.is_dir() and info.file_size <= _MOST_BYTES:
                        yield info.filename, archive.read(info)
            return
        padded = data + bytes(-len(data) % 512 + 1024)  # docker leaves the tar without its end
        with tarfile.open(fileobj=io.BytesIO(padded)) as tar:
            for entry in tar:
                file = tar.extractfile(entry) if entry.isreg() else None
                if file is not None:
                    yield entry.name, file.read()
    except (tarfile.TarError, zipfile.BadZipFile) as error:
        raise CommandFailed(f"unable to import context: {error}") from None

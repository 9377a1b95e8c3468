"""Whole volumes: rename, clone, snapshots, a look inside. All of it ours, below `/budu`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

import zstandard
from isal import isal_zlib

from budu.api.handlers.closing import closing
from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.routing import Route, route, route_json
from budu.base.errors import InvalidArgument
from budu.engine.contract.files import Files
from budu.engine.contract.volume_copies import VolumeCopies
from budu.spec.api.volume import VolumeNameBody, VolumePathEntry, VolumeSnapshot

_ONE = "/budu/volumes/{name}"
_SNAPSHOTS = _ONE + "/snapshots"
_GZIP_LEVEL, _GZIP_WINDOW = 1, 31  # a gzip frame: <zlib.h>, deflateInit2
_ZSTD_LEVEL = 3
_TYPES = {"": "application/x-tar", "gzip": "application/gzip", "zstd": "application/zstd"}


class VolumeCopyHandlers:
    """Operations on whole volumes."""

    def __init__(self, copies: VolumeCopies, files: Files) -> None:
        self._copies = copies
        self._files = files

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        body = VolumeNameBody
        one = _SNAPSHOTS + "/{snapshot}"
        return (
            route_json(
                "POST", f"{_ONE}/rename", self.rename, operation="BuduVolumeRename", body=body
            ),
            route_json("POST", f"{_ONE}/clone", self.clone, operation="BuduVolumeClone", body=body),
            route(
                "GET",
                f"{_ONE}/export",
                self.export,
                operation="BuduVolumeExport",
                follows_client=True,
            ),
            route("GET", f"{_ONE}/browse", self.browse, operation="BuduVolumeBrowse"),
            route("GET", _SNAPSHOTS, self.snapshots, operation="BuduVolumeSnapshots"),
            route_json("POST", _SNAPSHOTS, self.keep, operation="BuduVolumeSnapshot", body=body),
            route("POST", f"{one}/restore", self.put_back, operation="BuduVolumeRestore"),
            route("DELETE", one, self.drop, operation="BuduVolumeSnapshotDelete"),
        )

    async def rename(self, request: Request, body: VolumeNameBody) -> Reply:
        """Gives a volume another name; its containers follow."""
        return Response.json(await self._copies.rename(request.params["name"], body.name))

    async def clone(self, request: Request, body: VolumeNameBody) -> Reply:
        """Makes a second volume with the same data."""
        made = await self._copies.clone(request.params["name"], body.name)
        return Response.json(made, status=201)

    async def export(self, request: Request) -> Reply:
        """The whole volume as a tar archive, compressed as the client says."""
        compression = request.query.text("compression")
        if compression not in _TYPES:
            raise InvalidArgument(f"invalid compression: {compression}: must be gzip or zstd")
        _, archive = await self._files.read(request.params["name"], "/.", sparse=True)
        async with closing(archive):
            stream = request.stream(content_type=_TYPES[compression])
            async for piece in _packed(archive, compression) if compression else archive:
                await stream.write(piece)
        return stream

    async def browse(self, request: Request) -> Reply:
        """What is in a directory of a volume."""
        found = await self._copies.browse(request.params["name"], request.query.text("path"))
        return Response.json(
            [
                VolumePathEntry(
                    name=each.name,
                    kind=each.kind,
                    size=each.size,
                    mode=each.mode,
                    uid=each.uid,
                    gid=each.gid,
                    modified_ns=each.mtime_ns,
                    link_target=each.link_target,
                )
                for each in found
            ]
        )

    async def snapshots(self, request: Request) -> Reply:
        """A volume's snapshots, oldest first."""
        found = await self._copies.snapshots(request.params["name"])
        return Response.json(
            [
                VolumeSnapshot(name=each.name, created_ns=each.created_ns, size=each.size)
                for each in found
            ]
        )

    async def keep(self, request: Request, body: VolumeNameBody) -> Reply:
        """Makes a snapshot, named by the time when no name is given."""
        name = await self._copies.keep(request.params["name"], body.name)
        return Response.json(VolumeNameBody(name=name), status=201)

    async def put_back(self, request: Request) -> Reply:
        """Makes a volume what it was."""
        await self._copies.put_back(request.params["name"], request.params["snapshot"])
        return Response.empty()

    async def drop(self, request: Request) -> Reply:
        """Removes a snapshot."""
        await self._copies.drop(request.params["name"], request.params["snapshot"])
        return Response.empty()


class _Packer(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


async def _packed(pieces: AsyncIterator[bytes], compression: str) -> AsyncIterator[bytes]:
    packer: _Packer = (
        zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj()
        if compression == "zstd"
        else isal_zlib.compressobj(_GZIP_LEVEL, isal_zlib.DEFLATED, _GZIP_WINDOW)
    )
    async for piece in pieces:
        if packed := await asyncio.to_thread(packer.compress, piece):
            yield packed
    yield packer.flush()

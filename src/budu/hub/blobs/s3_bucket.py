"""The calls of S3 that the blob store makes, with its errors mapped by one table.

The only module that knows aiobotocore; its answers are dictionaries, read here and nowhere else.
Source: docs.aws.amazon.com, "Amazon S3 API Reference".
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from aiohttp import ClientError as HttpError
from botocore.exceptions import BotoCoreError, ClientError

from budu.base.errors import (
    BuduError,
    Internal,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unavailable,
)

_PIECE_BYTES = 1 << 20
_CONNECTIONS = 100
_MISSING = {"NoSuchKey", "NoSuchUpload", "404", "NotFound"}
_CLASSES: dict[str, type[BuduError]] = {
    "AccessDenied": PermissionDenied,
    "InvalidAccessKeyId": PermissionDenied,
    "SignatureDoesNotMatch": PermissionDenied,
    "NoSuchBucket": Internal,
    "QuotaExceeded": ResourceExhausted,
    "InsufficientStorage": ResourceExhausted,
    "XMinioStorageFull": ResourceExhausted,
    "507": ResourceExhausted,
}
_RETRIED = 3


@dataclass(frozen=True)
class StoredObject:
    """An object as a listing shows it."""

    key: str
    size_bytes: int
    stored_at: float


class Bucket:
    """One bucket; its client is opened by the first call."""

    def __init__(self, name: str, *, endpoint: str | None, region: str | None) -> None:
        self.name = name
        self._endpoint = endpoint
        self._region = region
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._client: Any = None

    async def _s3(self) -> Any:
        async with self._opening:
            if self._client is None:
                config = AioConfig(
                    max_pool_connections=_CONNECTIONS,
                    retries={"max_attempts": _RETRIED, "mode": "standard"},
                    s3={"addressing_style": "path" if self._endpoint else "auto"},
                )
                client = get_session().create_client(
                    "s3", endpoint_url=self._endpoint, region_name=self._region, config=config
                )
                with _errors("connect"):
                    self._client = await self._stack.enter_async_context(client)
        return self._client

    async def close(self) -> None:
        """Let go of the connections."""
        await self._stack.aclose()
        self._client = None

    async def size(self, key: str) -> int | None:
        """None when there is no such object."""
        s3 = await self._s3()
        try:
            with _errors(f"head {key}"):
                answer = await s3.head_object(Bucket=self.name, Key=key)
        except NotFound:
            return None
        return int(answer["ContentLength"])

    async def put(self, key: str, data: bytes) -> None:
        """A whole object."""
        s3 = await self._s3()
        with _errors(f"put {key}"):
            await s3.put_object(Bucket=self.name, Key=key, Body=data)

    async def read(
        self, key: str, missing: Exception, start: int, end: int | None
    ) -> AsyncIterator[bytes]:
        """A range in pieces; an empty one is not asked for. Raises: `missing`."""
        size = await self.size(key)
        if size is None:
            raise missing
        end = size if end is None else min(end, size)
        if start >= end:
            return
        s3 = await self._s3()
        with _errors(f"get {key}"):
            answer = await s3.get_object(
                Bucket=self.name, Key=key, Range=f"bytes={start}-{end - 1}"
            )
            async with answer["Body"] as body:
                while piece := await body.read(_PIECE_BYTES):
                    yield piece

    async def delete(self, key: str) -> None:
        """Also when it is not there."""
        s3 = await self._s3()
        with _errors(f"delete {key}"):
            await s3.delete_object(Bucket=self.name, Key=key)

    async def listed(self, prefix: str) -> AsyncIterator[StoredObject]:
        """Everything below a prefix, in the order of the keys."""
        s3 = await self._s3()
        token: dict[str, str] = {}
        while True:
            with _errors(f"list {prefix}"):
                answer = await s3.list_objects_v2(Bucket=self.name, Prefix=prefix, **token)
            for entry in answer.get("Contents", []):
                stored_at = entry["LastModified"].timestamp()
                yield StoredObject(entry["Key"], int(entry["Size"]), stored_at)
            if not answer.get("IsTruncated"):
                return
            token = {"ContinuationToken": answer["NextContinuationToken"]}

    async def begin_multipart(self, key: str) -> str:
        """S3's id of a new multipart upload, quoted so that it can be part of a key."""
        s3 = await self._s3()
        with _errors(f"begin {key}"):
            answer = await s3.create_multipart_upload(Bucket=self.name, Key=key)
        return quote(answer["UploadId"], safe="")

    async def put_part(self, key: str, multipart: str, number: int, data: bytes) -> str:
        """The part's ETag."""
        s3 = await self._s3()
        with _errors(f"put part of {key}"):
            answer = await s3.upload_part(
                Bucket=self.name,
                Key=key,
                UploadId=unquote(multipart),
                PartNumber=number,
                Body=data,
            )
        return str(answer["ETag"])

    async def parts(self, key: str, multipart: str) -> list[tuple[str, int]]:
        """ETag and size of every part so far; none when the upload is over."""
        s3 = await self._s3()
        found: list[tuple[str, int]] = []
        marker: dict[str, int] = {}
        while True:
            try:
                with _errors(f"list parts of {key}"):
                    answer = await s3.list_parts(
                        Bucket=self.name, Key=key, UploadId=unquote(multipart), **marker
                    )
            except NotFound:
                return found
            found += [(str(p["ETag"]), int(p["Size"])) for p in answer.get("Parts", [])]
            if not answer.get("IsTruncated"):
                return found
            marker = {"PartNumberMarker": int(answer["NextPartNumberMarker"])}

    async def complete_multipart(self, key: str, multipart: str, etags: list[str]) -> None:
        """The parts, these and no others, become the object."""
        s3 = await self._s3()
        parts = [{"ETag": etag, "PartNumber": number} for number, etag in enumerate(etags, 1)]
        with _errors(f"complete {key}"):
            await s3.complete_multipart_upload(
                Bucket=self.name,
                Key=key,
                UploadId=unquote(multipart),
                MultipartUpload={"Parts": parts},
            )

    async def abort_multipart(self, key: str, multipart: str) -> None:
        """Also when it is over."""
        s3 = await self._s3()
        try:
            with _errors(f"abort {key}"):
                await s3.abort_multipart_upload(
                    Bucket=self.name, Key=key, UploadId=unquote(multipart)
                )
        except NotFound:
            pass

    async def copy(self, source: str, target: str, size: int, at_once: int) -> None:
        """Inside S3, in parts where it is larger than S3 copies at once."""
        s3 = await self._s3()
        if size <= at_once:
            with _errors(f"copy {source}"):
                await s3.copy_object(
                    Bucket=self.name, Key=target, CopySource={"Bucket": self.name, "Key": source}
                )
            return
        multipart = await self.begin_multipart(target)
        parts = await self.copy_parts(source, target, multipart, size, at_once)
        await self.complete_multipart(target, multipart, [etag for etag, _ in parts])

    async def copy_parts(
        self, source: str, target: str, multipart: str, size: int, at_once: int
    ) -> list[tuple[str, int]]:
        """An object as parts of another one; their ETags and sizes."""
        s3 = await self._s3()
        parts: list[tuple[str, int]] = []
        for number, (start, end) in enumerate(_ranges(size, at_once), 1):
            with _errors(f"copy part of {source}"):
                answer = await s3.upload_part_copy(
                    Bucket=self.name,
                    Key=target,
                    UploadId=unquote(multipart),
                    PartNumber=number,
                    CopySource={"Bucket": self.name, "Key": source},
                    CopySourceRange=f"bytes={start}-{end - 1}",
                )
            parts.append((str(answer["CopyPartResult"]["ETag"]), end - start))
        return parts


def _ranges(size: int, at_once: int) -> Iterator[tuple[int, int]]:
    """Nearly equal ones, so that none is below S3's least part."""
    step = -(-size // -(-size // at_once))
    return ((start, min(start + step, size)) for start in range(0, size, step))


@contextmanager
def _errors(action: str) -> Iterator[None]:
    """Maps what S3 and its library raise in the block."""
    try:
        yield
    except ClientError as error:
        raise _mapped(error, action) from error
    except (BotoCoreError, HttpError, TimeoutError, OSError) as error:
        raise Unavailable(f"the blob store did not answer: {action}: {error}") from error


def _mapped(error: ClientError, action: str) -> BuduError:
    details = error.response.get("Error", {})
    code, message = str(details.get("Code", "")), str(details.get("Message", ""))
    if code in _MISSING:
        return NotFound(f"{action}: {message or code}")
    return _CLASSES.get(code, Unavailable)(f"{action}: {code}: {message}")

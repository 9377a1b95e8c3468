"""A URL picks the blob store.

    file:///var/lib/hub/blobs
    s3://bucket/prefix?endpoint=https://minio:9000&region=eu-central-1

Credentials of S3 come from AWS's environment variables, files and instance metadata.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

from budu.base.errors import InvalidArgument
from budu.hub.blobs.contract import BlobStore
from budu.hub.blobs.folder import FolderBlobs

_S3_OPTIONS = {"endpoint", "region"}


def open_blobs(url: str) -> BlobStore:
    """The store that the URL names. Raises: InvalidArgument for another URL."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    match parts.scheme:
        case "file" if parts.netloc in ("", "localhost") and parts.path and not options:
            return FolderBlobs(unquote(parts.path))
        case "s3" if parts.netloc and set(options) <= _S3_OPTIONS:
            from budu.hub.blobs.s3 import S3Blobs  # its library is large and rarely wanted

            return S3Blobs(
                parts.netloc,
                unquote(parts.path).strip("/"),
                endpoint=options.get("endpoint"),
                region=options.get("region"),
            )
    raise InvalidArgument(f"invalid address of blobs {url!r}: file:///FOLDER or s3://BUCKET/PREFIX")

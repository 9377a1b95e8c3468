"""An S3 stand-in (moto's server) in a process on a free port of loopback."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from unittest import mock

from tests.support.ports import free_port
from tests.support.waiting import eventually

BUCKET = "hub"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextlib.contextmanager
def running_s3() -> Iterator[str]:
    """The server with one bucket; its `http://host:port`. The environment gets credentials."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    endpoint = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: _listens(port), "moto's server", timeout_s=60)
        request = urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT")
        urllib.request.urlopen(request).close()
        with mock.patch.dict(os.environ, CREDENTIALS):
            yield endpoint
    finally:
        process.terminate()
        process.wait(10)


def s3_url(endpoint: str, prefix: str) -> str:
    """The address of blobs below a prefix of the bucket."""
    return f"s3://{BUCKET}/{prefix}?endpoint={endpoint}&region=us-east-1"


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False

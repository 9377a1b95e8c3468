"""Debian's docker-registry on a free port of loopback."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.ports import free_port
from tests.support.waiting import eventually


@contextlib.contextmanager
def running_registry(root: Path, *, htpasswd: str = "") -> Iterator[str]:
    """A registry with its storage below `root`; its `host:port`. With lines as `htpasswd -B` makes
    them it wants a name and a password."""
    binary = shutil.which("docker-registry")
    assert binary, "install Debian's docker-registry"
    address = f"127.0.0.1:{free_port()}"
    config = root / "registry.yml"
    auth = ""
    if htpasswd:
        (root / "htpasswd").write_text(htpasswd)
        auth = f"auth: {{htpasswd: {{realm: test, path: {root}/htpasswd}}}}\n"
    config.write_text(
        "version: 0.1\nlog: {level: error}\n"
        + auth
        + f"storage: {{filesystem: {{rootdirectory: {root}/data}}, delete: {{enabled: true}}}}\n"
        f"http: {{addr: '{address}'}}\n"
    )
    process = subprocess.Popen(
        [binary, "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        eventually(lambda: _answers(address), "docker-registry")
        yield address
    finally:
        process.terminate()
        process.wait(10)


def _answers(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        with socket.create_connection((host, int(port)), 1):
            return True
    except OSError:
        return False

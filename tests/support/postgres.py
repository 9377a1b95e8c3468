"""A PostgreSQL of our own (Debian's package), run by an unprivileged user, behind a unix socket."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
from tests.support.waiting import eventually

_USER = "postgres"
_OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=")


@contextlib.contextmanager
def running_postgres() -> Iterator[str]:
    """A new cluster; the folder of its socket."""
    folder = Path(tempfile.mkdtemp(prefix="budu-pg-"))
    shutil.chown(folder, _USER, _USER)
    data = folder / "data"
    initdb = [_binary("initdb"), "-D", str(data), "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
    subprocess.run([*initdb, "-N"], check=True, capture_output=True, **_unprivileged())
    command = [_binary("postgres"), "-D", str(data), "-k", str(folder)]
    for option in _OPTIONS:
        command += ["-c", option]
    server = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **_unprivileged()
    )
    try:
        eventually(lambda: _answers(folder), "postgres", timeout_s=60)
        yield str(folder)
    finally:
        server.send_signal(signal.SIGINT)  # a fast shutdown
        server.wait(30)
        shutil.rmtree(folder)


def new_database(socket: str) -> str:
    """An empty database; its address for `Database`."""
    name = f"hub_{uuid.uuid4().hex}"
    with psycopg.connect(host=socket, user=_USER, dbname="postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]  # made of hex
    return f"postgresql+psycopg://{_USER}@/{name}?host={socket}"


def _binary(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    assert found, "install Debian's postgresql"
    return str(found[-1])


def _unprivileged() -> dict[str, object]:
    return {"user": _USER, "group": _USER, "cwd": "/"} if os.getuid() == 0 else {}


def _answers(folder: Path) -> bool:
    try:
        psycopg.connect(host=str(folder), user=_USER, dbname="postgres").close()
    except psycopg.OperationalError:
        return False
    return True

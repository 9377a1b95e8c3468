"""A PostgreSQL of our own (Debian's package), run by an unprivileged user, behind a unix socket."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg

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
    options = " ".join(f"-c {option}" for option in _OPTIONS)
    start = [_binary("pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log")]
    start += ["-o", f"-k {folder} {options}", "start"]
    subprocess.run(start, check=True, stdout=subprocess.DEVNULL, **_unprivileged())
    try:
        yield str(folder)
    finally:
        _control(folder, "stop")
        shutil.rmtree(folder)


def restart_postgres(socket: str) -> None:
    """Cut all connections; new ones are taken when this returns."""
    _control(Path(socket), "restart")


@contextlib.contextmanager
def stopped_postgres(socket: str) -> Iterator[None]:
    """The server is down within the block."""
    _control(Path(socket), "stop")
    try:
        yield
    finally:
        _control(Path(socket), "restart")  # with the options that it was started with


def _control(folder: Path, action: str) -> None:
    command = [_binary("pg_ctl"), "-D", str(folder / "data"), "-m", "fast", "-w", action]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **_unprivileged())


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

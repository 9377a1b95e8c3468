"""Volumes of an NFS server, the kernel's own, from their making to their removal.

The engine has a hosts file of its own in a mount namespace, so that a server can have a name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support.engine import EngineProcess
from tests.support.fixtures import Registry, clean, fresh_engine
from tests.support.nfs_server import ADDRESS, nfs_server
from tests.support.scenes import PATIENT, create, logs, run, start, wait
from tests.support.small_registry import registry

__all__ = ["clean", "registry"]

pytestmark = [pytest.mark.host, pytest.mark.nfs, pytest.mark.usefixtures("clean")]

NAME = "files.budu.test"
HOSTS = f"127.0.0.1 localhost\n2001:db8::1 {NAME}\n{ADDRESS} {NAME}\n"


@pytest.fixture(scope="module")
def export() -> Iterator[Path]:
    """The server's folder; the server ends after the engine."""
    with nfs_server() as folder:
        yield folder


@pytest.fixture(scope="module")
def engine(
    registry: Registry, export: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EngineProcess]:
    hosts = tmp_path_factory.mktemp("nfs") / "hosts"
    hosts.write_text(HOSTS)
    own_file = f'mount --bind {hosts} /etc/hosts && exec "$@"'
    with ExitStack() as stack:
        wrapper = ("unshare", "-m", "sh", "-c", own_file, "sh")
        engine = stack.enter_context(fresh_engine(registry, wrapper=wrapper))
        reply = engine.request("POST", "/images/create", fromImage="busybox", tag="latest")
        assert b"errorDetail" not in reply.body, reply.body
        yield engine


def make_volume(engine: EngineProcess, *, o: str, device: str = ":/export") -> str:
    """A volume `far`; where it is mounted."""
    options = {"type": "nfs", "o": o, "device": device}
    reply = engine.request("POST", "/volumes/create", {"Name": "far", "DriverOpts": options})
    assert reply.status == 201, reply.body
    return str(reply.json["Mountpoint"])


def mounts(engine: EngineProcess) -> list[str]:
    """What the engine has mounted from the server: place and options."""
    table = Path(f"/proc/{engine.pid}/mounts").read_text().splitlines()
    rows = [line.split() for line in table]
    return [f"{row[1]} {row[3]}" for row in rows if row[2].startswith("nfs")]


def said(engine: EngineProcess, command: str, **host: object) -> str:
    id_ = run(engine, command, **host)
    wait(engine, id_)
    return logs(engine, id_).decode()


def test_what_a_container_writes_is_at_the_server_and_in_the_next(
    engine: EngineProcess, export: Path
) -> None:
    place = make_volume(engine, o=f"addr={ADDRESS},rw,nfsvers=4")
    assert mounts(engine) == []
    keeper = run(engine, f"echo one >/data/file; {PATIENT}", Binds=["far:/data"])
    assert said(engine, "while ! cat /data/file; do :; done 2>&-; echo two >>/data/file",
                Binds=["far:/data"]) == "one\n"  # fmt: skip
    assert (export / "file").read_text() == "one\ntwo\n"
    [mounted] = mounts(engine)
    assert mounted.startswith(f"{place} rw,")
    assert f",addr={ADDRESS}" in mounted
    assert engine.request("POST", f"/containers/{keeper}/stop").status == 204
    assert mounts(engine) == []
    engine.remove_containers()
    assert engine.request("GET", "/volumes").json["Volumes"] == []
    assert (export / "file").read_text() == "one\ntwo\n"


def test_read_only_of_the_volume_and_of_one_container(engine: EngineProcess, export: Path) -> None:
    (export / "kept").write_text("kept")
    attempt = "cat /data/kept; touch /data/new 2>&1"
    refused = "kepttouch: /data/new: Read-only file system\n"
    make_volume(engine, o=f"addr={ADDRESS},ro,nfsvers=4")
    assert said(engine, attempt, Binds=["far:/data"]) == refused
    engine.remove_containers()
    make_volume(engine, o=f"addr={ADDRESS},rw,nfsvers=4")
    assert said(engine, attempt, Binds=["far:/data:ro"]) == refused
    assert not (export / "new").exists()
    assert said(engine, attempt, Binds=["far:/data"]) == "kept"
    assert (export / "new").exists()


def test_the_server_is_looked_up_by_name_and_its_ipv4_address_taken(
    engine: EngineProcess, export: Path
) -> None:
    (export / "named").write_text("named")
    make_volume(engine, o=f"addr={NAME},rw,nfsvers=4")
    id_ = run(engine, f"cat /data/named; {PATIENT}", Binds=["far:/data"])
    assert f",addr={ADDRESS}" in mounts(engine)[0]
    assert engine.request("POST", f"/containers/{id_}/kill").status == 204
    wait(engine, id_)
    assert logs(engine, id_) == b"named"


def test_an_export_that_is_not_there(engine: EngineProcess) -> None:
    place = make_volume(engine, o=f"addr={ADDRESS},rw,nfsvers=4", device=":/nothing")
    id_ = create(engine, ["true"], Binds=["far:/data"])
    reply = engine.request("POST", f"/containers/{id_}/start")
    assert reply.status == 500
    assert reply.message == (
        f"error while mounting volume '{place}': failed to mount local volume: "
        f"mount :/nothing:{place}, data: addr={ADDRESS},nfsvers=4: no such file or directory"
    )
    assert engine.state(id_)["ExitCode"] == 128
    assert mounts(engine) == []
    assert engine.request("DELETE", f"/containers/{id_}").status == 204
    assert engine.request("DELETE", "/volumes/far").status == 204


def test_a_volume_in_use_stays_mounted_and_is_not_removed(
    engine: EngineProcess, export: Path
) -> None:
    make_volume(engine, o=f"addr={ADDRESS},rw,nfsvers=4")
    id_ = run(engine, PATIENT, Binds=["far:/data"])
    assert engine.request("DELETE", "/volumes/far").status == 409
    (export / "late").write_text("late")
    start(engine, create(engine, "cat /data/late", name="reader", Binds=["far:/data"]))
    assert wait(engine, "reader") == 0
    assert logs(engine, "reader") == b"late"
    assert len(mounts(engine)) == 1
    assert engine.request("POST", f"/containers/{id_}/kill").status == 204
    wait(engine, id_)
    assert mounts(engine) == []

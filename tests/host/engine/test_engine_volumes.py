"""Volumes that are mounted, and engines that are killed: the next one goes by the facts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_engine_faults import arm, next_engine, read
from tests.support.engine import EngineProcess
from tests.support.scenes import PATIENT, create, run, start
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

TMPFS = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}


def make(engine: EngineProcess, name: str, **options: str) -> str:
    """A volume with options; where it is on the host."""
    body = {"Name": name, "DriverOpts": options}
    reply = engine.request("POST", "/volumes/create", body)
    assert reply.status == 201, reply.body
    return str(reply.json["Mountpoint"])


def mounts_at(path: str) -> int:
    """How many mounts are on a path of the host."""
    return sum(line.split()[4] == path for line in Path("/proc/self/mountinfo").open())


def holds(id_: str) -> bool:
    """Whether a process keeps the container."""
    lines = (path for path in Path("/proc").glob("[0-9]*/cmdline"))
    return any(f"budu-shim {id_}".encode() in read(path) for path in lines)


def remove(engine: EngineProcess, ref: str) -> None:
    assert engine.request("DELETE", f"/containers/{ref}", force=1).status == 204


def volume_names(engine: EngineProcess) -> list[str]:
    found: list[dict[str, Any]] = engine.request("GET", "/volumes").json["Volumes"] or []
    return [each["Name"] for each in found]


@pytest.fixture(autouse=True)
def no_volumes(engine: EngineProcess) -> Iterator[None]:
    yield
    engine.environment = {}
    if not engine.is_running:
        engine.start()
    for each in engine.request("GET", "/containers/json", all=1).json:
        remove(engine, each["Id"])
    for name in volume_names(engine):
        assert engine.request("DELETE", f"/volumes/{name}").status == 204


def test_killed_engine_leaves_the_volume_to_its_users(engine: EngineProcess) -> None:
    path = make(engine, "mem", **TMPFS)
    first = run(engine, PATIENT, Binds=["mem:/m"])
    second = run(engine, PATIENT, Binds=["mem:/m"])
    engine.kill()
    engine.start()
    assert mounts_at(path) == 1
    remove(engine, first)
    assert mounts_at(path) == 1
    remove(engine, second)
    eventually(lambda: mounts_at(path) == 0, "the volume is unmounted")


def test_volume_of_a_container_that_ended_meanwhile_is_unmounted(engine: EngineProcess) -> None:
    path = make(engine, "mem", **TMPFS)
    id_ = run(engine, "sleep 1", Binds=["mem:/m"])
    engine.kill()
    eventually(lambda: not holds(id_), "the end of the process")
    engine.start()
    eventually(lambda: not engine.state(id_)["Running"], "the end of the container")
    eventually(lambda: mounts_at(path) == 0, "the volume is unmounted")


@pytest.mark.parametrize("point", ["start.volume-mounted", "start.cgroup-made"])
def test_start_that_was_broken_off_leaves_no_mount(engine: EngineProcess, point: str) -> None:
    path = make(engine, "mem", **TMPFS)
    id_ = create(engine, PATIENT, Binds=["mem:/m"])
    arm(engine, point)
    with pytest.raises(OSError):
        engine.request("POST", f"/containers/{id_}/start")
    next_engine(engine)
    assert mounts_at(path) == 0
    start(engine, id_)
    assert mounts_at(path) == 1


def test_sized_volume_that_was_not_stored_is_gone(engine: EngineProcess) -> None:
    arm(engine, "create.volume-folder-made")
    with pytest.raises(OSError):
        make(engine, "small", size="16m")
    next_engine(engine)
    assert volume_names(engine) == []
    assert mounts_at(make(engine, "small", size="16m")) == 0


def test_sized_volume_keeps_its_data_over_a_kill(engine: EngineProcess) -> None:
    path = make(engine, "small", size="16m")
    id_ = run(engine, f"echo kept >/s/f; {PATIENT}", Binds=["small:/s"])
    eventually(lambda: (Path(path) / "f").exists(), "the file")
    engine.kill()
    engine.start()
    remove(engine, id_)
    eventually(lambda: mounts_at(path) == 0, "the volume is unmounted")
    run(engine, PATIENT, Binds=["small:/s"])
    assert (Path(path) / "f").read_text() == "kept\n"


def test_mounted_volume_is_not_removed(engine: EngineProcess) -> None:
    make(engine, "mem", **TMPFS)
    id_ = run(engine, PATIENT, Binds=["mem:/m"])
    reply = engine.request("DELETE", "/volumes/mem", force=1)
    assert (reply.status, reply.json["message"]) == (
        409,
        f"remove mem: volume is in use - [{id_}]",
    )


def test_removal_of_a_left_mount_spares_what_it_shows(
    engine: EngineProcess, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    make(engine, "bound", type="none", device=str(tmp_path), o="bind")
    id_ = create(engine, PATIENT, Binds=["bound:/b"])
    arm(engine, "start.volume-mounted")
    with pytest.raises(OSError):
        engine.request("POST", f"/containers/{id_}/start")
    next_engine(engine)
    remove(engine, id_)
    assert engine.request("DELETE", "/volumes/bound").status == 204
    assert (tmp_path / "file").exists()


def test_options_are_told(engine: EngineProcess) -> None:
    make(engine, "small", size="16m")
    reply = engine.request("GET", "/volumes/small")
    assert reply.json["Options"] == {"size": "16m"}

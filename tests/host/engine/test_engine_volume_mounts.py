"""Every kind of mount and its options, as containers and the host see them."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.disks import plain_disk, silent_folder
from tests.support.engine import EngineProcess, Reply
from tests.support.scenes import PATIENT, create, logs, run, start, try_create, wait
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


def said(engine: EngineProcess, script: str, **host: object) -> str:
    """What a script says in a container that ends well."""
    id_ = run(engine, script, **host)
    assert wait(engine, id_) == 0, logs(engine, id_)
    return logs(engine, id_).decode().strip()


def volumes(engine: EngineProcess) -> set[str]:
    return {each["Name"] for each in engine.request("GET", "/volumes").json["Volumes"] or ()}


def refused_start(engine: EngineProcess, **host: object) -> str:
    """Why a container does not start."""
    id_ = create(engine, ["true"], **host)
    reply = engine.request("POST", f"/containers/{id_}/start")
    assert reply.status == 500, reply.body
    return reply.message


@pytest.mark.parametrize("suffix", ["z", "Z", "ro,z", "rw,Z", "z,rprivate"])
def test_selinux_suffixes_are_accepted(engine: EngineProcess, tmp_path: Path, suffix: str) -> None:
    (tmp_path / "f").write_text("in")
    id_ = create(engine, "cat /x/f", Binds=[f"{tmp_path}:/x:{suffix}"])
    start(engine, id_)
    assert (wait(engine, id_), logs(engine, id_)) == (0, b"in")
    (mount,) = engine.inspect(id_)["Mounts"]
    assert (mount["RW"], mount["Mode"]) == ("ro" not in suffix, suffix)


def test_a_source_is_made_when_it_is_asked_for(engine: EngineProcess, tmp_path: Path) -> None:
    source = tmp_path / "a/b"
    mount = {"Type": "bind", "Source": str(source), "Target": "/x"}
    reply = try_create(engine, ["true"], Mounts=[mount])
    assert reply.status == 400
    assert f"bind source path does not exist: {source}" in reply.message
    said(engine, "touch /x/f", Mounts=[{**mount, "BindOptions": {"CreateMountpoint": True}}])
    assert (source / "f").exists()


def test_copy_up_once_and_not_when_told(engine: EngineProcess) -> None:
    assert "passwd" in said(engine, "ls /etc", Binds=["one:/etc"]).split()
    said(engine, "rm /etc/passwd", Binds=["one:/etc"])
    assert "passwd" not in said(engine, "ls /etc", Binds=["one:/etc"]).split()
    assert "passwd" not in said(engine, "ls /etc", Binds=["two:/etc:nocopy"]).split()
    option = {"Type": "volume", "Source": "three", "Target": "/etc"}
    no_copy = [{**option, "VolumeOptions": {"NoCopy": True}}]
    assert "passwd" not in said(engine, "ls /etc", Mounts=no_copy).split()


def test_a_disk_that_hangs_holds_up_its_own_container_alone(
    engine: EngineProcess, tmp_path: Path
) -> None:
    with plain_disk(tmp_path) as disk:
        (disk / "data").mkdir()
        options = {"type": "none", "device": str(disk / "data"), "o": "bind"}
        reply = engine.request("POST", "/volumes/create", {"Name": "slow", "DriverOpts": options})
        slow = create(engine, "ls /etc", Binds=["slow:/etc"])
        subprocess.run(["fsfreeze", "--freeze", str(disk)], check=True, timeout=30)
        try:
            starting = threading.Thread(target=start, args=(engine, slow))
            starting.start()
            eventually(lambda: is_mounted(reply.json["Mountpoint"]), "the volume's mount")
            assert said(engine, "echo fine") == "fine"
            assert starting.is_alive()
        finally:
            subprocess.run(["fsfreeze", "--unfreeze", str(disk)], check=True, timeout=30)
        starting.join(60)
        assert wait(engine, slow) == 0
        assert "passwd" in logs(engine, slow).decode().split()
        engine.remove_containers()


@pytest.mark.parametrize("verb", ["create", "start"])
def test_a_source_that_does_not_answer_holds_up_its_own_container_alone(
    engine: EngineProcess, tmp_path: Path, verb: str
) -> None:
    bind = f"{tmp_path}/below:/x"
    made = create(engine, ["true"], name="made", Binds=[bind])
    replies: list[Reply] = []
    ask = {
        "create": lambda: try_create(engine, ["true"], Binds=[bind]),
        "start": lambda: engine.request("POST", f"/containers/{made}/start"),
    }
    with silent_folder(tmp_path) as end:
        asking = threading.Thread(target=lambda: replies.append(ask[verb]()))
        asking.start()
        assert [said(engine, "echo fine") for _ in range(3)] == ["fine"] * 3
        assert asking.is_alive()
        end()
        asking.join(60)
    assert [each.status for each in replies] == [{"create": 201, "start": 400}[verb]]


def is_mounted(place: str) -> bool:
    return any(line.split()[1] == place for line in Path("/proc/mounts").read_text().splitlines())


def test_containers_that_come_at_once_find_a_filled_volume(engine: EngineProcess) -> None:
    makers = [create(engine, "ls /etc", Binds=["shared:/etc"]) for _ in range(6)]
    crowd = [threading.Thread(target=start, args=(engine, each)) for each in makers]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join(60)
    for id_ in makers:
        assert wait(engine, id_) == 0
        assert "passwd" in logs(engine, id_).decode().split()


def test_a_copy_keeps_owners_modes_and_links(engine: EngineProcess) -> None:
    shape = "cd /home; stat -c '%a %u:%g %F %n' d d/f d/s; stat -c %h d/f"
    make = "mkdir -p /home/d; echo x > /home/d/f; ln /home/d/f /home/d/twin; ln -s f /home/d/s; "
    made = run(engine, f"{make} chown -h 5:6 /home/d /home/d/f; chmod 2751 /home/d; {shape}")
    assert wait(engine, made) == 0
    before = logs(engine, made).decode().strip()
    image = engine.request("POST", "/commit", container=made, repo="shaped", tag="1").json["Id"]
    try:
        body = {"Image": "shaped:1", "Cmd": ["sh", "-c", shape]}
        host = {"HostConfig": {"Binds": ["shape:/home"]}}
        reply = engine.request("POST", "/containers/create", {**body, **host})
        start(engine, reply.json["Id"])
        assert wait(engine, reply.json["Id"]) == 0
        assert logs(engine, reply.json["Id"]).decode().strip() == before
        engine.remove_containers()
    finally:
        assert engine.request("DELETE", f"/images/{image}", force=1).status == 200


def test_anonymous_volumes_go_with_their_container(engine: EngineProcess) -> None:
    body = {"Image": "app:1.0", "Entrypoint": ["true"], "HostConfig": {"Binds": ["kept:/kept"]}}
    for clean_up in (0, 1):
        id_ = engine.request("POST", "/containers/create", body).json["Id"]
        start(engine, id_)
        wait(engine, id_)
        assert len(volumes(engine)) == 2
        assert engine.request("DELETE", f"/containers/{id_}", v=clean_up).status == 204
        assert len(volumes(engine)) == 2 - clean_up
        for name in volumes(engine) - {"kept"}:
            assert engine.request("DELETE", f"/volumes/{name}").status == 204
    body["HostConfig"] = {"AutoRemove": True, "Binds": ["kept:/kept"]}
    start(engine, engine.request("POST", "/containers/create", body).json["Id"])
    eventually(lambda: engine.containers() == [], "the container's removal")
    eventually(lambda: volumes(engine) == {"kept"}, "the volume's removal")


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, timeout=30)


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    """A mount of the host whose changes others may see."""
    mount("-t", "tmpfs", "shared", str(tmp_path))
    mount("--make-rshared", str(tmp_path))
    (tmp_path / "later").mkdir()
    yield tmp_path
    for place in (tmp_path / "later", tmp_path):
        subprocess.run(["umount", str(place)], stderr=subprocess.DEVNULL, timeout=30)


@pytest.mark.parametrize(
    ("propagation", "seen"), [("rprivate", False), ("rslave", True), ("rshared", True)]
)
def test_a_mount_that_comes_later_is_seen_as_propagation_says(
    engine: EngineProcess, shared: Path, propagation: str, seen: bool
) -> None:
    bind = {"Type": "bind", "Source": str(shared), "Target": "/x"}
    bind["BindOptions"] = {"Propagation": propagation}  # type: ignore[assignment]
    id_ = run(engine, PATIENT, Mounts=[bind])
    mount("-t", "tmpfs", "later", str(shared / "later"))
    table = Path(f"/proc/{engine.state(id_)['Pid']}/mountinfo").read_text()
    assert (" /x/later " in table) is seen


def test_a_file_system_that_the_kernel_lacks(engine: EngineProcess) -> None:
    options = {"type": "befs", "device": "/dev/null", "o": "ro"}
    made = engine.request("POST", "/volumes/create", {"Name": "odd", "DriverOpts": options})
    place = made.json["Mountpoint"]
    assert refused_start(engine, Binds=["odd:/x"]) == (
        f"error while mounting volume '{place}': failed to mount local volume: "
        f"mount /dev/null:{place}, flags: 0x1: no such device"
    )


def test_an_nfs_server_that_has_no_address(engine: EngineProcess) -> None:
    options = {"type": "nfs", "device": ":/srv", "o": "addr=nobody.invalid,rw"}
    engine.request("POST", "/volumes/create", {"Name": "far", "DriverOpts": options})
    assert (
        "error resolving passed in network volume address: lookup nobody.invalid: "
        in refused_start(engine, Binds=["far:/x"])
    )
    assert engine.request("DELETE", "/volumes/far").status in (204, 409)


def test_sizes_users_and_last_use(engine: EngineProcess) -> None:
    def overview() -> dict[str, tuple[int, int, bool, bool]]:
        rows = engine.request("GET", "/budu/volumes", size=1).json
        return {
            each["Name"]: (
                each["UsageData"]["Size"],
                each["UsageData"]["RefCount"],
                each["InUse"],
                each["LastUsedNs"] > 0,
            )
            for each in rows
        }

    engine.request("POST", "/volumes/create", {"Name": "idle"})
    tmpfs = {"type": "tmpfs", "device": "tmpfs"}
    engine.request("POST", "/volumes/create", {"Name": "mem", "DriverOpts": tmpfs})
    engine.request("POST", "/volumes/create", {"Name": "img", "DriverOpts": {"size": "16m"}})
    busy = run(engine, f"printf 12345 > /b/f; {PATIENT}", Binds=["busy:/b"])
    create(engine, ["true"], Binds=["busy:/b", "mem:/m"])
    eventually(lambda: overview()["busy"] == (5, 2, True, True), "the file")
    found = overview()
    assert (found["idle"], found["mem"]) == ((0, 0, False, False), (-1, 1, False, False))
    assert 0 < found["img"][0] < 16 << 20
    engine.request("POST", f"/containers/{busy}/kill")
    eventually(lambda: overview()["busy"] == (5, 2, False, True), "the end")
    only = engine.request("GET", "/budu/volumes", filters='{"name":["busy"]}').json
    assert [(each["Name"], each["UsageData"]["Size"]) for each in only] == [("busy", -1)]

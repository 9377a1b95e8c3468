"""Files in and out of containers in every state, against containers that mean harm."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tarfile
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.archives import archive, files, get, open_archive, put, stat
from tests.support.engine import EngineProcess
from tests.support.scenes import PATIENT, create, logs, run, start, wait
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

MIB = 1 << 20
DIRECTORY = 1 << 31
SYMLINK = 1 << 27
SECRET = b"only the host knows"


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A folder of the host that no container may read or change."""
    (tmp_path / "secret").write_bytes(SECRET)
    return tmp_path


def ready(engine: EngineProcess, script: str, *, name: str = "box", **host: object) -> str:
    """A container that runs on after it did what `script` says."""
    id_ = run(engine, f"{script}; echo ready; {PATIENT}", name=name, **host)
    eventually(lambda: b"ready" in logs(engine, name), "the container's script")
    return id_


def held(engine: EngineProcess) -> Counter[str]:
    """Files, directories and namespaces that the engine holds open."""
    process = Path(f"/proc/{engine.pid}")
    found: Counter[str] = Counter()
    for each in process.glob("fd/*"):
        with contextlib.suppress(OSError):
            found[os.readlink(each)] += 1
    passing = ("socket:", "pipe:", "anon_inode:")  # of clients, and of shims that wait
    return Counter({name: n for name, n in found.items() if not name.startswith(passing)})


def settles(engine: EngineProcess, before: Counter[str]) -> None:
    eventually(lambda: held(engine) <= before or None, f"closing: {held(engine) - before}")


# Links


@pytest.mark.parametrize("up", ["", "../" * 12])
def test_links_lead_within_the_container(engine: EngineProcess, host: Path, up: str) -> None:
    ready(engine, f"ln -s '/{up}{host}' /evil; ln -s '/{up}{host}/secret' /file")
    for path in ("/evil/secret", "/evil/.", "/file/"):
        reply = get(engine, "box", path)
        assert reply.status == 404, path
        assert reply.message == f"Could not find the file {path} in container box"
    assert files(get(engine, "box", "/file")) == {"file": b""}
    assert stat(engine, "box", "/file")["linkTarget"] == f"{host}/secret"
    assert put(engine, "box", "/evil", archive(("x", b"1"))).status == 404
    assert os.listdir(host) == ["secret"]


def test_dots_end_at_the_root(engine: EngineProcess, host: Path) -> None:
    ready(engine, "echo inside > /etc/mark")
    up = "/.." * 20
    assert files(get(engine, "box", f"{up}/etc/mark")) == {"mark": b"inside\n"}
    assert get(engine, "box", f"{up}{host}/secret").status == 404


def test_links_of_the_kernel_are_refused(engine: EngineProcess) -> None:
    ready(engine, "mkdir /in; ln -s /proc/1/root /in/out")
    assert get(engine, "box", "/in/out/etc/passwd").status == 400
    assert get(engine, "box", "/proc/1/root/.").status == 400
    assert put(engine, "box", "/in/out/tmp", archive(("x", b"1"))).status == 400


def test_unpacking_never_follows_a_link_out(engine: EngineProcess, host: Path) -> None:
    ready(engine, f"mkdir /in; ln -s {host} /in/abs; ln -s ../../../../..{host} /in/rel")
    for name in ("abs", "rel"):
        assert put(engine, "box", "/in", archive((f"{name}/new", b"1"))).status == 200
    assert os.listdir(host) == ["secret"]
    assert files(get(engine, "box", f"{host}/new")) == {"new": b"1"}


@pytest.mark.parametrize(
    ("member", "sentence"),
    [
        (("../../x", b"1"), "escapes"),
        (("h", b"", {"type": tarfile.LNKTYPE, "linkname": "../../etc/passwd"}), "hardlink"),
        (("n" * 300, b"1"), "file name too long"),
        (("d/" * 3000 + "f", b"1"), "file name too long"),
    ],
)
def test_hostile_archives_are_refused(
    engine: EngineProcess, member: tuple[object, ...], sentence: str
) -> None:
    create(engine, ["true"], name="box")
    reply = put(engine, "box", "/tmp", archive(member))  # type: ignore[arg-type]
    assert reply.status == 400
    assert sentence in reply.message


def test_a_path_that_is_swapped_all_the_time(engine: EngineProcess, host: Path) -> None:
    """A directory that becomes a link to the host's folder and back, as fast as it can."""
    (host / "inside").write_bytes(SECRET)
    script = (
        f"mkdir -p /r/a {host}; echo inside > /r/a/inside; echo own > {host}/secret;"
        f"ln -s {'../' * 12}{str(host)[1:]} /r/b; ln -s /proc/1/root{host} /r/c;"
        "(cd /r; while :; do mv -T a x 2>/dev/null; mv -T b a; mv -T a b; mv -T c a; mv -T a c;"
        "mv -T x a; done) & true"
    )
    ready(engine, script)
    seen: set[bytes] = set()
    for number in range(100):
        for path in ("/r", "/r/a/inside", "/r/a/."):
            reply = get(engine, "box", path)
            assert reply.status in (200, 400, 404), reply.body
            if reply.status == 200:
                seen |= set(files(reply).values())
        put(engine, "box", "/r/a", archive((f"w{number}", b"written"), ("sub/w", b"written")))
    assert SECRET not in seen
    assert {b"inside\n", b"own\n"} <= seen
    assert sorted(os.listdir(host)) == ["inside", "secret"]


# What is no file


def test_fifos_and_devices_are_described_not_opened(engine: EngineProcess) -> None:
    ready(engine, "mkdir /in; mkfifo /in/fifo; mknod /in/null c 1 3; mknod /in/console c 5 1")
    reply = get(engine, "box", "/in")
    with tarfile.open(fileobj=io.BytesIO(reply.body)) as tar:
        assert tar.getmember("in/fifo").isfifo()
        null = tar.getmember("in/null")
        assert (null.ischr(), null.devmajor, null.devminor) == (True, 1, 3)
    assert get(engine, "box", "/in/fifo").status == 200
    assert put(engine, "box", "/in/fifo", archive(("x", b"1"))).status == 400
    assert get(engine, "box", "/dev").status == 200


def test_windows_into_the_kernel_are_left_out(engine: EngineProcess) -> None:
    ready(engine, "true")
    found = files(get(engine, "box", "/"))
    assert "/proc" in found and "/sys" in found
    assert not [name for name in found if name.startswith(("/proc/", "/sys/", "/dev/pts/"))]
    reply = get(engine, "box", "/proc/kmsg")
    assert reply.status == 404
    assert "budu exec box cat /proc/kmsg" in reply.json["hint"]


# Every state


def test_created_stopped_running_and_paused_look_the_same(engine: EngineProcess) -> None:
    script = f"cat /from; cat /vol/in; echo own > /own; {PATIENT}"
    create(engine, script, name="box", Binds=["state:/vol"])
    assert put(engine, "box", "/", archive(("from", b"outside\n"))).status == 200
    assert put(engine, "box", "/vol", archive(("in", b"volume\n"))).status == 200
    assert files(get(engine, "box", "/vol/in")) == {"in": b"volume\n"}
    start(engine, "box")
    eventually(lambda: logs(engine, "box") == b"outside\nvolume\n", "the program's output")
    eventually(lambda: stat(engine, "box", "/own"), "the program's file")
    assert files(get(engine, "box", "/own")) == {"own": b"own\n"}
    engine.request("POST", "/containers/box/pause")
    assert files(get(engine, "box", "/vol/.")) == {".": b"", "./in": b"volume\n"}
    assert put(engine, "box", "/vol", archive(("paused", b"p"))).status == 200
    engine.request("POST", "/containers/box/unpause")
    engine.request("POST", "/containers/box/stop")
    assert files(get(engine, "box", "/vol/paused")) == {"paused": b"p"}
    assert files(get(engine, "state", "/in", volume=True)) == {"in": b"volume\n"}
    assert b"\tlocalhost" in files(get(engine, "box", "/etc/hosts"))["hosts"]


def test_a_new_volume_has_the_images_files_before_the_first_start(engine: EngineProcess) -> None:
    body = {"Image": "app:1.0", "HostConfig": {"Binds": ["fresh:/data"]}}
    reply = engine.request("POST", "/containers/create", body, name="box")
    assert reply.status == 201, reply.body
    assert put(engine, "box", "/data", archive(("mine", b"1"))).status == 200
    found = files(get(engine, "fresh", "/.", volume=True))
    assert found == {".": b"", "./mine": b"1", "./seed": b"seed\n"}


def test_memory_file_systems_of_a_running_container(engine: EngineProcess) -> None:
    ready(engine, "echo fast > /fast/f", Tmpfs={"/fast": ""})
    assert files(get(engine, "box", "/fast")) == {"fast": b"", "fast/f": b"fast\n"}


def test_a_start_meanwhile_shares_the_file_system(engine: EngineProcess) -> None:
    """While a stopped container is being copied it is started: both see the same files."""
    create(engine, f"echo started > /during; {PATIENT}", name="box")
    assert put(engine, "box", "/", archive(("big", bytes(16 * MIB)))).status == 200
    answer = open_archive(engine, "box", "/big")
    assert len(answer.read(MIB)) == MIB
    start(engine, "box")
    eventually(lambda: stat(engine, "box", "/during"), "the started program's file")
    assert len(answer.read()) > 15 * MIB
    answer.connection.close()  # type: ignore[attr-defined]
    assert files(get(engine, "box", "/during")) == {"during": b"started\n"}


def test_an_end_meanwhile_takes_nothing_away(engine: EngineProcess) -> None:
    script = "dd if=/dev/zero of=/vol/big bs=1M count=16 2>/dev/null; echo last > /vol/z"
    ready(engine, script, Binds=["kept:/vol"])
    answer = open_archive(engine, "box", "/vol")
    begin = answer.read(MIB)
    engine.request("POST", "/containers/box/kill")
    wait(engine, "box")
    with tarfile.open(fileobj=io.BytesIO(begin + answer.read())) as tar:
        assert tar.extractfile("vol/z").read() == b"last\n"  # type: ignore[union-attr]
    answer.connection.close()  # type: ignore[attr-defined]


# Where nothing may be written


def test_read_only_places(engine: EngineProcess, host: Path) -> None:
    binds = [f"{host}:/ro:ro", "rw:/rw"]
    for name, begin in (("still", False), ("live", True)):
        create(engine, PATIENT, name=name, ReadonlyRootfs=True, Binds=binds)
        if begin:
            start(engine, name)
        reply = put(engine, name, "/tmp", archive(("x", b"1")))
        assert (reply.status, reply.message) == (403, "container rootfs is marked read-only")
        assert reply.json["hint"].startswith("The container was made with --read-only")
        reply = put(engine, name, "/ro", archive(("x", b"1")))
        assert (reply.status, reply.message) == (403, "mounted volume is marked read-only")
        assert put(engine, name, "/rw", archive((name, b"1"))).status == 200
        assert files(get(engine, name, "/ro/secret")) == {"secret": SECRET}
    assert os.listdir(host) == ["secret"]
    assert set(files(get(engine, "rw", "/", volume=True))) == {"", "/live", "/still"}


# What goes along


def test_owners_modes_times_and_capabilities_survive(engine: EngineProcess) -> None:
    create(engine, ["true"], name="box")
    capability = bytes.fromhex("0100000200040000000000000000000000000000")
    fields = {
        "uid": 1234,
        "gid": 70000,
        "mode": 0o4751,
        "mtime": 1_600_000_000,
        "pax_headers": {
            "mtime": "1600000000.123456789",
            "SCHILY.xattr.security.capability": capability.decode("latin-1"),
            "SCHILY.xattr.user.note": "kept",
        },
    }
    assert put(engine, "box", "/tmp", archive(("f", b"1", fields))).status == 200
    assert stat(engine, "box", "/tmp/f")["mtime"] == "2020-09-13T12:26:40.123456789Z"
    with tarfile.open(fileobj=io.BytesIO(get(engine, "box", "/tmp/f").body)) as tar:
        info = tar.getmember("f")
    assert (info.uid, info.gid, info.mode) == (1234, 70000, 0o4751)
    assert info.pax_headers["mtime"] == "1600000000.123456789"
    assert info.pax_headers["SCHILY.xattr.user.note"] == "kept"
    assert info.pax_headers["SCHILY.xattr.security.capability"] == capability.decode("latin-1")


def test_everything_may_belong_to_the_containers_user(engine: EngineProcess) -> None:
    body = {"Image": "busybox", "User": "daemon", "Cmd": ["true"]}
    assert engine.request("POST", "/containers/create", body, name="box").status == 201
    packed = archive(("mine", b"1", {"uid": 1234, "gid": 1234}))
    assert put(engine, "box", "/tmp", packed, copyUIDGID="true").status == 200
    with tarfile.open(fileobj=io.BytesIO(get(engine, "box", "/tmp/mine").body)) as tar:
        assert (tar.getmember("mine").uid, tar.getmember("mine").gid) == (1, 1)


def test_both_calls_leave_an_event(engine: EngineProcess) -> None:
    since = time.time()
    id_ = create(engine, ["true"], name="box")
    put(engine, "box", "/", archive(("f", b"1")))
    get(engine, "box", "/f")
    reply = engine.request("GET", "/events", since=since, until=time.time() + 0.1)
    events = [json.loads(line) for line in reply.body.splitlines()]
    actions = [each["Action"] for each in events if each["Actor"]["ID"] == id_]
    assert actions == ["create", "extract-to-dir", "archive-path"]


def test_patterns(engine: EngineProcess) -> None:
    ready(engine, "mkdir -p /log/a /log/b; touch /log/a/1.log /log/b/2.log /log/b/.3.log '/log/*'")

    def find(pattern: str) -> list[str]:
        query = urllib.parse.urlencode({"path": pattern})
        reply = engine.request("GET", f"/budu/containers/box/files?{query}")
        return [each["path"] for each in reply.json] if reply.status == 200 else []

    assert find("/log/?/*.log") == ["/log/a/1.log", "/log/b/2.log"]
    assert find("/log/b/.*") == ["/log/b/.3.log"]
    assert find("/log/*") == ["/log/*"]
    assert find("/log/[ab]/.") == ["/log/a/.", "/log/b/."]
    assert find("/log/*.txt") == []


# Much, slowly, and not to the end


def peak_bytes(engine: EngineProcess) -> int:
    """The most memory that the engine ever had."""
    text = Path(f"/proc/{engine.pid}/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0]) * 1024


def test_large_files_take_little_memory(engine: EngineProcess) -> None:
    size = 200 * MIB
    create(engine, ["true"], name="box")
    assert put(engine, "box", "/", archive(("warm", bytes(8 * MIB)))).status == 200
    before = peak_bytes(engine)

    def body() -> Iterator[bytes]:
        info = tarfile.TarInfo("big")
        info.size = size
        yield info.tobuf()
        for _ in range(size // MIB):
            yield bytes(MIB)
        yield bytes(1024)

    assert put(engine, "box", "/", body()).status == 200
    answer = open_archive(engine, "box", "/big")
    total = 0
    while piece := answer.read(MIB):
        total += len(piece)
    answer.connection.close()  # type: ignore[attr-defined]
    assert total >= size
    assert peak_bytes(engine) - before < 40 * MIB


@pytest.mark.parametrize("running", [True, False])
def test_a_client_that_leaves_takes_everything_along(engine: EngineProcess, running: bool) -> None:
    create(engine, PATIENT, name="box", Binds=["vol:/vol"])
    assert put(engine, "box", "/vol", archive(("big", bytes(64 * MIB)))).status == 200
    if running:
        start(engine, "box")
    before = held(engine)
    for _ in range(5):
        answer = open_archive(engine, "box", "/")
        answer.read(1000)
        answer.connection.close()  # type: ignore[attr-defined]
        answer.close()
    settles(engine, before)
    assert get(engine, "box", "/vol/big").status == 200
    settles(engine, before)


def test_an_upload_that_breaks_off_ends(engine: EngineProcess) -> None:
    create(engine, ["true"], name="box")
    before = held(engine)

    def body() -> Iterator[bytes]:
        info = tarfile.TarInfo("half")
        info.size = 32 * MIB
        yield info.tobuf()
        yield bytes(MIB)
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        put(engine, "box", "/", body())
    settles(engine, before)
    engine.request("DELETE", "/containers/box")
    assert engine.request("GET", "/containers/box/json").status == 404


def test_copies_at_the_same_time(engine: EngineProcess) -> None:
    create(engine, ["true"], name="box")
    assert put(engine, "box", "/", archive(("f", bytes(4 * MIB)))).status == 200
    before = held(engine)
    sizes: list[int] = []
    threads = [
        threading.Thread(target=lambda: sizes.append(len(get(engine, "box", "/f").body)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(sizes) == 8 and len(set(sizes)) == 1
    settles(engine, before)


def test_nothing_is_left_when_the_engine_is_killed(
    make_engine: Callable[..., EngineProcess],
) -> None:
    engine = make_engine()
    engine.request("POST", "/images/create", fromImage="busybox", tag="latest")
    create(engine, ["true"], name="box", Binds=["vol:/vol"])
    assert put(engine, "box", "/vol", archive(("big", bytes(16 * MIB)))).status == 200
    answer = open_archive(engine, "box", "/vol")
    answer.read(1000)
    engine.kill()
    answer.connection.close()  # type: ignore[attr-defined]
    eventually(lambda: not mounted_by_processes(engine), "the end of all mounts")
    engine.start()
    assert len(files(get(engine, "box", "/vol/big"))["big"]) == 16 * MIB


def mounted_by_processes(engine: EngineProcess) -> list[str]:
    """Mounts of the engine's files in the namespace of any process."""
    found = []
    for each in Path("/proc").glob("[0-9]*/mountinfo"):
        with contextlib.suppress(OSError):  # the process has ended
            found += [row for row in each.read_text().splitlines() if str(engine.root) in row]
    return found

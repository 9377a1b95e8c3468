"""The genuine docker command line: volumes with options, and every kind of mount."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.docker import Docker
from tests.support.engine import EngineProcess
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

ONCE = ("run", "--rm")
DAEMON = "Error response from daemon: "


def mounted(path: str) -> bool:
    """Whether something is mounted there on the host."""
    return any(line.split()[4] == path for line in Path("/proc/self/mountinfo").open())


def place(docker: Docker, volume: str) -> str:
    return docker("volume", "inspect", "-f", "{{.Mountpoint}}", volume)


@pytest.fixture(autouse=True)
def no_volumes(docker: Docker) -> Iterator[None]:
    yield
    for name in docker("ps", "-aq").split():
        docker("rm", "-f", name)
    for name in docker("volume", "ls", "-q").split():
        docker("volume", "rm", name)


def test_tmpfs_volume_is_mounted_while_it_is_used(docker: Docker) -> None:
    docker("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m", "tt")
    path = place(docker, "tt")
    docker("run", "-d", "--name", "one", "-v", "tt:/t", "busybox", "sleep", "600")
    docker("run", "-d", "--name", "two", "-v", "tt:/t", "busybox", "sleep", "600")
    assert docker("exec", "one", "sh", "-c", "df -k /t | tail -1").split()[1] == "1024"
    docker("exec", "one", "touch", "/t/x")
    docker("rm", "-f", "one")
    assert docker("exec", "two", "ls", "/t") == "x"
    docker("rm", "-f", "two")
    eventually(lambda: not mounted(path), "the volume is unmounted")


def test_bind_volume_shows_a_folder_and_leaves_it(docker: Docker, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    options = ("-o", "type=none", "-o", f"device={tmp_path}", "-o", "o=bind,ro")
    docker("volume", "create", *options, "bb")
    assert docker(*ONCE, "-v", "bb:/b", "busybox", "cat", "/b/file") == "kept"
    assert docker.run(*ONCE, "-v", "bb:/b", "busybox", "touch", "/b/new").status == 1
    docker("volume", "rm", "bb")
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["x=1"], 'invalid option: "x"'),
        (["type=tmpfs"], 'missing required option: "device"'),
        (["device=/x"], 'missing required option: "type"'),
        (["o=ro"], 'missing required option: "device"'),
        (["size=abc"], "invalid size: 'abc'"),
    ],
)
def test_wrong_options_are_refused(docker: Docker, options: list[str], message: str) -> None:
    words = [word for option in options for word in ("-o", option)]
    done = docker.run("volume", "create", *words, "bad")
    assert (done.status, done.err.strip()) == (1, f"{DAEMON}create bad: {message}")
    assert docker("volume", "ls", "-q") == ""


def test_mount_that_fails_leaves_nothing(docker: Docker) -> None:
    docker("volume", "create", "-o", "type=ext4", "-o", "device=/nowhere", "gone")
    path = place(docker, "gone")
    done = docker.run("run", "-v", "gone:/x", "busybox", "true")
    assert (
        f"error while mounting volume '{path}': failed to mount local volume: "
        f"mount /nowhere:{path}: no such file or directory"
    ) in done.err
    assert not mounted(path)


def test_size_is_kept_and_given_back(docker: Docker, engine: EngineProcess) -> None:
    docker("volume", "create", "-o", "size=16m", "small")
    fill = "dd if=/dev/zero of=/s/x bs=1M count=64"
    done = docker.run(*ONCE, "-v", "small:/s", "busybox", "sh", "-c", fill)
    assert "No space left on device" in done.err
    size = "wc -c </s/x"
    assert int(docker(*ONCE, "-v", "small:/s", "busybox", "sh", "-c", size)) <= 16 << 20
    docker("volume", "rm", "small")


def test_sized_volume_gets_what_the_image_has(docker: Docker) -> None:
    docker("volume", "create", "-o", "size=16m", "small")
    assert "passwd" in docker(*ONCE, "-v", "small:/etc", "busybox", "ls", "/etc")


def test_copy_from_a_stopped_container_sees_its_mounted_volume(
    docker: Docker, tmp_path: Path
) -> None:
    docker("volume", "create", "-o", "size=16m", "small")
    docker("run", "--name", "ww", "-v", "small:/s", "busybox", "sh", "-c", "echo hi >/s/f")
    docker("cp", "ww:/s/f", str(tmp_path / "f"))
    assert (tmp_path / "f").read_text() == "hi\n"
    assert not mounted(place(docker, "small"))


def test_name_of_another_driver_or_unknown_driver(docker: Docker) -> None:
    done = docker.run("volume", "create", "-d", "nope", "v1")
    assert done.err.strip() == (
        f'{DAEMON}create v1: error looking up volume plugin nope: plugin "nope" not found'
    )


def test_subpath(docker: Docker) -> None:
    docker(*ONCE, "-v", "vv:/v", "busybox", "sh", "-c", "mkdir -p /v/a/b; echo in >/v/a/b/f")
    mount = "type=volume,src=vv,dst=/x,volume-subpath=a/b"
    assert docker(*ONCE, "--mount", mount, "busybox", "cat", "/x/f") == "in"
    place_ = place(docker, "vv")
    done = docker.run(*ONCE, "--mount", mount.replace("a/b", "a/c"), "busybox", "true")
    assert f"cannot access path {place_}/a/c: no such file or directory" in done.err


def test_subpath_does_not_follow_a_link(docker: Docker) -> None:
    docker(*ONCE, "-v", "vv:/v", "busybox", "ln", "-s", "/etc", "/v/out")
    done = docker.run(
        *ONCE, "--mount", "type=volume,src=vv,dst=/x,volume-subpath=out", "busybox", "ls", "/x"
    )
    assert done.status == 125
    assert "too many levels of symbolic links" in done.err


def test_image_mount(docker: Docker) -> None:
    docker("run", "-d", "--name", "ii", "--mount", "type=image,src=busybox,dst=/i", "busybox",
           "sleep", "600")  # fmt: skip
    assert docker("exec", "ii", "ls", "/i/bin/busybox") == "/i/bin/busybox"
    assert docker.run("exec", "ii", "touch", "/i/x").status == 1
    (mount,) = docker(
        "inspect", "-f", "{{range .Mounts}}{{.Type}} {{.RW}}{{end}}", "ii"
    ).splitlines()
    assert mount == "image false"


def test_image_mount_with_subpath(docker: Docker) -> None:
    mount = "type=image,src=busybox,dst=/i,image-subpath=etc"
    assert "passwd" in docker(*ONCE, "--mount", mount, "busybox", "ls", "/i")


def test_bind_that_is_not_there(docker: Docker, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    done = docker.run(*ONCE, "--mount", f"type=bind,src={missing},dst=/x", "busybox", "true")
    assert f"bind source path does not exist: {missing}" in done.err
    docker(*ONCE, "-v", f"{missing}:/x", "busybox", "true")
    assert missing.is_dir()


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    """A folder with a mount in it."""
    inner = tmp_path / "inner"
    inner.mkdir()
    os.system(f"mount -t tmpfs tmpfs {inner}")
    yield tmp_path
    os.system(f"umount {inner}")


def test_read_only_is_recursive_unless_told(docker: Docker, tree: Path) -> None:
    touch = ("busybox", "touch", "/x/inner/f")
    mount = f"type=bind,src={tree},dst=/x,readonly"
    assert docker.run(*ONCE, "--mount", mount, *touch).status == 1
    docker(*ONCE, "--mount", f"{mount},bind-recursive=writable", *touch)
    forced = f"{mount},bind-recursive=readonly,bind-propagation=rprivate"
    assert docker.run(*ONCE, "--mount", forced, *touch).status == 1
    none = f"type=bind,src={tree},dst=/x,bind-recursive=disabled"
    assert docker(*ONCE, "--mount", none, "busybox", "ls", "/x/inner") == ""


def test_shared_needs_a_shared_mount(docker: Docker, tmp_path: Path) -> None:
    os.system(f"mount -t tmpfs tmpfs {tmp_path} && mount --make-private {tmp_path}")
    try:
        done = docker.run(*ONCE, "-v", f"{tmp_path}:/x:shared", "busybox", "true")
        slave = docker.run(*ONCE, "-v", f"{tmp_path}:/x:rslave", "busybox", "true")
    finally:
        os.system(f"umount {tmp_path}")
    text = f"path {tmp_path} is mounted on {tmp_path} but it is not a shared"
    assert f"{text} mount" in done.err
    assert f"{text} or slave mount" in slave.err


def test_tmpfs_mount_has_size_and_mode(docker: Docker) -> None:
    mount = "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770"
    shown = docker(*ONCE, "--mount", mount, "busybox", "sh", "-c", "stat -c %a /t; df -k /t")
    assert shown.split()[0] == "1770"
    assert shown.splitlines()[-1].split()[1] == "1024"


def test_files_of_mine_have_two_owners(docker: Docker, tmp_path: Path) -> None:
    os.chown(tmp_path, 4711, 4712)
    (tmp_path / "old").touch()
    os.chown(tmp_path / "old", 4711, 4712)
    shown = docker(*ONCE, "-v", f"{tmp_path}:/x:mine", "busybox", "sh", "-c",
                   "stat -c %u:%g /x/old; touch /x/new")  # fmt: skip
    assert shown == "0:0"
    made = (tmp_path / "new").stat()
    assert (made.st_uid, made.st_gid) == (4711, 4712)


def test_mine_for_another_user(docker: Docker, tmp_path: Path) -> None:
    os.chown(tmp_path, 4711, 4712)
    shown = docker(*ONCE, "-u", "65:66", "-v", f"{tmp_path}:/x:mine", "busybox", "sh", "-c",
                   "touch /x/new; stat -c %u:%g /x/new")  # fmt: skip
    assert shown == "65:66"
    assert (tmp_path / "new").stat().st_uid == 4711


def test_mine_is_refused_where_the_file_system_cannot(docker: Docker) -> None:
    done = docker.run(*ONCE, "-v", "/proc/sys:/x:mine", "-u", "5", "busybox", "true")
    assert "cannot map the owner of /proc/sys: the file system has no id-mapped mounts" in done.err


def test_file_with_a_file_system_is_a_device(docker: Docker, tmp_path: Path) -> None:
    image = tmp_path / "disk"
    with image.open("wb") as file:
        file.truncate(8 << 20)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", str(image)], check=True)
    options = ("-o", "type=ext4", "-o", f"device={image}", "-o", "o=loop,noatime")
    docker("volume", "create", *options, "disk")
    docker(*ONCE, "-v", "disk:/d", "busybox", "touch", "/d/file")
    assert "file" in docker(*ONCE, "-v", "disk:/d:ro", "busybox", "ls", "/d").split()


def test_mounted_image_is_not_removed(docker: Docker) -> None:
    docker("run", "--name", "maker", "busybox", "touch", "/x")
    docker("commit", "maker", "other:1")
    docker("rm", "maker")
    id_ = docker("create", "--mount", "type=image,src=other:1,dst=/o", "busybox", "ls", "/o/x")
    refused = docker.run("rmi", "other:1")
    shown = docker("start", "-a", id_)
    docker("rm", id_)
    docker("rmi", "other:1")
    assert (refused.status, shown) == (1, "/o/x")
    assert id_[:12] in refused.err


def test_update_is_for_cluster_volumes(docker: Docker, engine: EngineProcess) -> None:
    docker("volume", "create", "vv")
    reply = engine.request("PUT", "/volumes/vv", {"Spec": {}}, version=1)
    assert (reply.status, reply.json["message"]) == (
        503,
        "volume update only valid for cluster volumes, but swarm is unavailable",
    )


def test_sized_volume_grows(docker: Docker, engine: EngineProcess) -> None:
    docker("volume", "create", "-o", "size=16m", "small")
    docker(*ONCE, "-v", "small:/s", "busybox", "touch", "/s/old")
    reply = engine.request("PUT", "/budu/volumes/small/size", {"Size": 64 << 20})
    assert reply.status == 204, reply.body
    fill = "dd if=/dev/zero of=/s/x bs=1M count=30 && ls /s"
    assert docker(*ONCE, "-v", "small:/s", "busybox", "sh", "-c", fill).split() == ["old", "x"]
    shrunk = engine.request("PUT", "/budu/volumes/small/size", {"Size": 16 << 20})
    assert (shrunk.status, shrunk.json["message"]) == (
        400,
        "a volume in an image file can grow, not shrink",
    )


def test_missing_source_for_a_file_of_the_image_is_told(docker: Docker, tmp_path: Path) -> None:
    missing = tmp_path / "passwd"
    done = docker.run("create", "-v", f"{missing}:/etc/passwd", "busybox", "true")
    assert done.status == 0
    assert f"{missing} was missing and is made as a folder" in done.err
    failed = docker.run("run", "--rm", "-v", f"{missing}:/etc/passwd", "busybox", "true")
    assert failed.status == 125
    assert f'error mounting "{missing}" to rootfs at "/etc/passwd": mount {missing}:' in failed.err
    assert "not a directory: unknown: Are you trying to mount a directory onto a file" in failed.err


def test_old_clients_have_shallow_read_only_mounts(
    docker: Docker, engine: EngineProcess, tree: Path
) -> None:
    mount = f"type=bind,src={tree},dst=/x,readonly"
    docker.environment["DOCKER_API_VERSION"] = "1.43"
    try:
        docker(*ONCE, "--mount", mount, "busybox", "touch", "/x/inner/f")
        docker("volume", "ls")
    finally:
        del docker.environment["DOCKER_API_VERSION"]

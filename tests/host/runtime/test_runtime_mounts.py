"""Binds, tmpfs, read-only roots and hostile images on the real kernel."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from runtime_containers import Runner, make_spec

from budu.linux import mount as m
from budu.linux.libc import AT_FDCWD
from budu.runtime.launch import StepFailed
from budu.spec.oci_runtime import Mount, Root

pytestmark = pytest.mark.host


def _bind(source: Path | str, target: str, *options: str) -> Mount:
    return Mount(destination=target, type="bind", source=str(source), options=("rbind", *options))


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A host directory with one file."""
    directory = tmp_path / "shared"
    directory.mkdir()
    (directory / "word").write_text("hello\n")
    return directory


def test_bind_is_writable_both_ways(runner: Runner, shared: Path) -> None:
    script = "cat /data/x/word; echo back >/data/x/reply"
    result = runner.run(make_spec("sh", "-c", script, mounts=(_bind(shared, "/data/x"),)))
    assert (result.out, (shared / "reply").read_text()) == ("hello\n", "back\n")


def test_bind_by_descriptor(runner: Runner, shared: Path) -> None:
    tree = m.open_tree(AT_FDCWD, str(shared), recursive=True)
    spec = make_spec("cat", "/d/word", mounts=(_bind("fd:volume", "/d"),))
    result = runner.run(spec, fds={"volume": tree})
    os.close(tree)
    assert result.out == "hello\n"


def test_file_bind_makes_a_file_target(runner: Runner, shared: Path) -> None:
    spec = make_spec("cat", "/new/place/f", mounts=(_bind(shared / "word", "/new/place/f"),))
    assert runner.run(spec).out == "hello\n"
    assert (runner.root / "new/place/f").read_text() == ""


def test_read_only_bind_refuses_writes(runner: Runner, shared: Path) -> None:
    spec = make_spec("touch", "/d/x", mounts=(_bind(shared, "/d", "ro"),))
    result = runner.run(spec)
    assert (result.code, "Read-only file system" in result.err) == (1, True)


@pytest.mark.parametrize(("option", "code"), [("ro", 0), ("rro", 1)])
def test_only_rro_reaches_submounts(runner: Runner, shared: Path, option: str, code: int) -> None:
    (shared / "sub").mkdir()
    m.mount("tmpfs", str(shared / "sub"), "tmpfs")
    try:
        mounts = (_bind(shared, "/d", "ro", option),)
        result = runner.run(make_spec("touch", "/d/sub/x", mounts=mounts))
    finally:
        m.umount2(str(shared / "sub"))
    assert result.code == code


def test_missing_bind_source_fails(runner: Runner, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(StepFailed) as failure:
        runner.run(make_spec("true", mounts=(_bind(missing, "/d"),)))
    assert failure.value.detail == (
        f'error mounting "{missing}" to rootfs: stat {missing}: no such file or directory'
    )


@pytest.mark.parametrize(("source", "target"), [(".", "/etc/passwd"), ("word", "/etc")])
def test_directory_onto_file_and_back_fail(
    runner: Runner, shared: Path, source: str, target: str
) -> None:
    with pytest.raises(StepFailed) as failure:
        runner.run(make_spec("true", mounts=(_bind(shared / source, target),)))
    assert failure.value.detail.endswith(": not a directory")
    assert failure.value.detail.startswith(f'error mounting "{shared / source}" to rootfs at ')


def test_absolute_symlink_as_bind_target_stays_inside(
    runner: Runner, shared: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (runner.root / "escape").symlink_to(outside)
    (runner.root / "up").symlink_to("../../../../../../.." + str(outside))
    mounts = (_bind(shared, "/escape/a"), _bind(shared / "word", "/up/b"))
    result = runner.run(make_spec("cat", "/escape/a/word", "/up/b", mounts=mounts))
    assert (result.code, result.out) == (0, "hello\nhello\n")
    assert list(outside.iterdir()) == []


def test_symlinked_default_mounts_stay_inside(runner: Runner, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    for name in ("dev", "proc", "sys"):
        (runner.root / name).rmdir()
        (runner.root / name).symlink_to(f"{victim}/{name}")
    # The links dangle inside the root: the directories behind them are made there.
    result = runner.shell("ls /dev/null")
    assert result.out == "/dev/null\n"
    assert list(victim.iterdir()) == []


def test_magic_link_as_bind_target_is_refused(runner: Runner, shared: Path) -> None:
    leaked = os.open("/", os.O_RDONLY)
    mounts = (_bind(shared, f"/proc/self/fd/{leaked}/tmp"),)
    with pytest.raises(StepFailed):
        runner.run(make_spec("true", mounts=mounts))
    os.close(leaked)


def test_dangling_symlink_of_resolv_conf_is_followed_inside(runner: Runner, shared: Path) -> None:
    (runner.root / "etc/resolv.conf").symlink_to("../run/resolve/stub.conf")
    mounts = (_bind(shared / "word", "/etc/resolv.conf"),)
    assert runner.run(make_spec("cat", "/etc/resolv.conf", mounts=mounts)).out == "hello\n"
    assert (runner.root / "run/resolve/stub.conf").exists()


def test_fifo_as_passwd_does_not_hang(runner: Runner) -> None:
    (runner.root / "etc/passwd").unlink()
    os.mkfifo(runner.root / "etc/passwd")
    assert runner.run(make_spec("true"), user="5").code == 0


def test_read_only_root(runner: Runner, shared: Path) -> None:
    spec = make_spec(
        "sh",
        "-c",
        "touch /x; touch /d/x /dev/x /dev/shm/x && echo ok",
        mounts=(_bind(shared, "/d"),),
    )
    spec = msgspec.structs.replace(spec, root=Root(path="fd:rootfs", readonly=True))
    result = runner.run(spec)
    assert (result.out, "/x: Read-only file system" in result.err) == ("ok\n", True)
    (runner.root / "still-writable-on-the-host").touch()


def test_tmpfs_takes_size_and_the_directorys_mode(runner: Runner) -> None:
    mounts = (
        Mount(destination="/tmp", type="tmpfs", source="tmpfs", options=("noexec", "size=1m")),
    )
    script = "stat -c %a /tmp; grep ' /tmp ' /proc/mounts"
    result = runner.run(make_spec("sh", "-c", script, mounts=mounts))
    assert result.out.startswith("1777\ntmpfs /tmp tmpfs rw,noexec,relatime,size=1024k")


def test_bad_tmpfs_option_fails(runner: Runner) -> None:
    mounts = (Mount(destination="/t", type="tmpfs", source="tmpfs", options=("nonsense=1",)),)
    with pytest.raises(StepFailed) as failure:
        runner.run(make_spec("true", mounts=mounts))
    assert failure.value.detail.endswith("invalid argument")
    assert 'error mounting "tmpfs" to rootfs at "/t"' in failure.value.detail


def test_slave_bind_sees_later_mounts_of_the_host_and_private_does_not(
    runner: Runner, shared: Path
) -> None:
    m.mount(str(shared), str(shared), None, m.MS_BIND)
    m.mount("none", str(shared), None, m.MS_SHARED)
    (shared / "sub").mkdir()
    try:
        mounts = (_bind(shared, "/slave", "rslave"), _bind(shared, "/private", "rprivate"))
        read, write = os.pipe()
        out_read, out_write = os.pipe()
        script = "read go; grep -c /slave/sub /proc/mounts; grep -c /private/sub /proc/mounts"
        spec = make_spec("sh", "-c", script, mounts=mounts)
        started = runner.start(spec, (read, out_write, out_write), {})
        m.mount("tmpfs", str(shared / "sub"), "tmpfs")
        os.write(write, b"go\n")
        os.close(out_write)
        with open(out_read) as file:  # noqa: PTH123
            output = file.read()
        os.waitid(os.P_PIDFD, started.pidfd, os.WEXITED)
        started.close()
        os.close(read)
        os.close(write)
        m.umount2(str(shared / "sub"))
    finally:
        m.umount2(str(shared), m.MNT_DETACH)
    assert output == "1\n0\n"


def test_mounts_live_as_long_as_the_held_namespace(runner: Runner) -> None:
    null = os.open("/dev/null", os.O_RDWR)
    waiting, go_on = os.pipe()
    started = runner.start(make_spec("cat"), (waiting, null, null), {})
    for fd in (null, waiting, go_on):
        os.close(fd)
    os.waitid(os.P_PIDFD, started.pidfd, os.WEXITED)
    assert started.mount_namespace is not None
    assert os.readlink(f"/proc/self/fd/{started.mount_namespace}").startswith("mnt:")
    started.close()

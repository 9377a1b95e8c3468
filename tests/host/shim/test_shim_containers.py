"""Shims with real containers: stdio, exit statuses, and engines that come and go."""

from __future__ import annotations

import asyncio
import ctypes
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import structs
from tests.host.shim.shim_lab import LONG, Case, join

import budu
from budu.base.errors import Conflict, NotFound
from budu.logs.driver import LogSettings
from budu.logs.files import BEGINNING
from budu.logs.frames import STDERR, STDOUT
from budu.logs.reader import LogQuery, LogReader
from budu.logs.watch import Watch
from budu.runtime.host import read_host
from budu.runtime.launch import StepFailed
from budu.runtime.plan import make_exec_plan, make_plan
from budu.shim.client import (
    adopt_process,
    connect_shim,
    process_start_ticks,
    read_exit_file,
)
from budu.shim.pool import ShimPool, StartOrder
from budu.spec.oci_runtime import Mount, Process

pytestmark = pytest.mark.host

PIDFD_REMEMBERS = tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 15)


async def test_true_ends_with_zero_and_leaves_its_exit_file(case: Case) -> None:
    status = await case.run("/bin/true")
    assert (status.code, status.signal) == (0, None)
    assert read_exit_file(case.path("exit")) == status
    assert status.finished_ns > 0
    assert sorted(os.listdir(case.directory)) == ["container.log", "exit"]


async def test_streams_are_kept_apart(case: Case) -> None:
    status = await case.run("/bin/sh", "-c", "echo out; echo err >&2; exit 3")
    assert status.code == 3
    assert await case.output(STDOUT) == b"out\n"
    assert await case.output(STDERR) == b"err\n"


async def test_death_by_signal_has_dockers_code(case: Case) -> None:
    handle = await case.start(case.order("/bin/sleep", "60"))
    assert handle.signal(signal.SIGKILL)
    status = await handle.wait()
    assert (status.code, status.signal) == (137, 9)
    assert not handle.signal(signal.SIGKILL)


async def test_program_has_default_signal_dispositions(case: Case) -> None:
    await case.run("/bin/busybox", "grep", "-E", "SigIgn|SigBlk", "/proc/self/status")
    masks = [int(line.split()[1], 16) for line in (await case.output()).splitlines()]
    real_time = 0b11 << 31  # the C library keeps 32 and 33 to itself
    assert [mask & ~real_time for mask in masks] == [0, 0]


async def test_program_has_three_descriptors_only(case: Case) -> None:
    await case.run("/bin/busybox", "ls", "/proc/self/fd")
    assert await case.output() == b"0\n1\n2\n3\n"


async def test_input_reaches_the_program_and_ends(case: Case) -> None:
    handle = await case.start(case.order("/bin/cat", stdin=True))
    assert handle.stdin_fd is not None
    os.write(handle.stdin_fd, b"typed\n")
    assert await case.read_until(b"typed\n") == b"typed\n"
    await handle.close_stdin()
    assert (await handle.wait()).code == 0


async def test_without_input_the_program_reads_end_of_file(case: Case) -> None:
    handle = await case.start(case.order("/bin/cat"))
    assert handle.stdin_fd is None
    assert (await handle.wait()).code == 0


async def test_stdin_once_ends_the_input_with_the_last_engine(case: Case) -> None:
    handle = await case.start(case.order("/bin/cat", stdin=True, stdin_once=True))
    handle.close()
    await wait_for_path(case.path("exit"))
    status = read_exit_file(case.path("exit"))
    assert status is not None and status.code == 0


async def test_terminal_echoes_and_has_a_size(case: Case) -> None:
    handle = await case.start(case.order("/bin/sh", "-c", "read x; stty size", tty=True))
    assert handle.stdin_fd is not None
    handle.resize(33, 77)
    os.write(handle.stdin_fd, b"go\n")
    assert (await handle.wait()).code == 0
    assert await case.output() == b"go\r\n33 77\r\n"


async def test_pipes_cannot_be_resized(case: Case) -> None:
    handle = await case.start(case.order("/bin/sleep", "60"))
    with pytest.raises(Conflict):
        handle.resize(1, 1)


async def test_missing_program_is_reported_and_nothing_is_left(case: Case) -> None:
    with pytest.raises(StepFailed) as failure:
        await case.start(case.order("/bin/none"))
    assert failure.value.exit_code == 127
    assert os.listdir(case.directory) == ["container.log"]


async def test_unusable_folder_is_reported(case: Case) -> None:
    order = case.order("/bin/true")
    case.directory.rmdir()
    with pytest.raises(StepFailed, match="No such file"):
        await case.start(order)


async def test_large_order_travels(case: Case) -> None:
    status = await case.run("/bin/sh", "-c", "echo ${#1}", "sh", "y" * 100_000)
    assert status.code == 0
    assert await case.output() == b"100000\n"


async def test_all_output_is_stored_before_the_end_is_reported(case: Case) -> None:
    status = await case.run("/bin/sh", "-c", "yes 0123456789abcde | head -c 3000000")
    assert status.code == 0
    assert len(await case.output()) == 3_000_000


async def test_a_process_that_outlives_init_does_not_hold_the_end_back(case: Case) -> None:
    handle = await case.start(
        case.order("/bin/sh", "-c", "sleep 600 & echo $!; exit 5", host_pid=True)
    )
    assert (await handle.wait()).code == 5
    survivor = int(await case.output())
    os.kill(survivor, signal.SIGKILL)


async def test_window_blocks_the_container_and_loses_nothing(case: Case) -> None:
    command = "yes 0123456789abcde | head -c 3000000"
    order = case.order("/bin/sh", "-c", command, window=100_000, max_size=100_000)
    handle = await case.start(order)
    received = 0
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    handle_end = asyncio.create_task(handle.wait())
    handle_end.add_done_callback(lambda _: ended.set_result(None))
    async for batch in case.log.attach(BEGINNING, ended=ended):
        received += sum(len(frame[3]) for frame in batch)
        await asyncio.sleep(0.001)
        handle.allow_output(received + 100_000)
    assert received == 3_000_000


async def test_a_later_engine_finds_the_container_and_its_end(case: Case) -> None:
    first = await case.start(case.order("/bin/cat", stdin=True))
    pid = first.pid
    first.close()
    second = case.handle = await connect_shim(case.path("shim.sock"))
    assert (second.pid, second.id) == (pid, LONG)
    assert second.start_ticks == process_start_ticks(pid)
    assert second.stdin_fd is not None
    os.write(second.stdin_fd, b"hello\n")
    await second.close_stdin()
    assert (await second.wait()).code == 0
    assert await case.output() == b"hello\n"
    with pytest.raises(NotFound):
        await connect_shim(case.path("shim.sock"))


async def test_two_engines_are_told_of_the_end(case: Case) -> None:
    first = await case.start(case.order("/bin/cat", stdin=True))
    second = await connect_shim(case.path("shim.sock"))
    second._close_stdin_fd()
    await first.close_stdin()
    assert await first.wait() == await second.wait()
    second.close()


async def test_a_terminal_survives_reconnection(case: Case) -> None:
    first = await case.start(case.order("/bin/sh", "-c", "read x; stty size", tty=True))
    first.close()
    second = case.handle = await connect_shim(case.path("shim.sock"))
    second.resize(11, 22)
    assert second.stdin_fd is not None
    os.write(second.stdin_fd, b"\n")
    assert (await second.wait()).code == 0
    assert await case.output() == b"\r\n11 22\r\n"


async def test_descriptors_are_kept_for_later_engines_and_from_the_program(case: Case) -> None:
    reading, writing = os.pipe2(os.O_CLOEXEC)
    order = structs.replace(case.order("/bin/cat", stdin=True, tty=True), keep=("word", "no"))
    with Path("/dev/null").open("rb") as null:
        shim = await case.pool.take()
        first = await shim.start(order, {"no": null.fileno(), "word": reading})
    os.close(reading)
    os.write(writing, b"kept")
    assert len(os.listdir(f"/proc/{first.pid}/fd")) == 3
    assert first.take_kept("another", "word") == ()
    first.close()
    second = case.handle = await connect_shim(case.path("shim.sock"))
    (word,) = second.take_kept("word")
    assert second.take_kept("word") == ()
    assert os.read(word, 10) == b"kept"
    assert second.stdin_fd is not None
    os.write(second.stdin_fd, b"\x04")
    assert (await second.wait()).code == 0
    os.close(word)
    poll = select.poll()
    poll.register(writing, 0)
    assert poll.poll(5000) == [(writing, select.POLLERR)]  # nobody holds the other end any more
    os.close(writing)


async def test_killed_shim_still_lets_the_end_be_seen(case: Case) -> None:
    handle = await case.start(case.order("/bin/sh", "-c", "read x; exit 7", stdin=True))
    stdin = handle.stdin_fd
    assert stdin is not None
    os.kill(handle.shim_pid, signal.SIGKILL)
    while handle.has_shim:
        await asyncio.sleep(0.01)
    assert handle.status is None
    os.write(stdin, b"\n")
    status = await handle.wait()
    assert status.code == 7 if PIDFD_REMEMBERS else status.code in (7, 137)
    with pytest.raises(NotFound):
        await connect_shim(case.path("shim.sock"))


async def test_a_container_without_shim_is_adopted_by_pid_and_start_time(case: Case) -> None:
    handle = await case.start(case.order("/bin/sleep", "600"))
    pid, ticks = handle.pid, handle.start_ticks
    os.kill(handle.shim_pid, signal.SIGKILL)
    facts = {"container_id": LONG, "pid": pid, "exit_path": case.path("exit")}
    with pytest.raises(NotFound):
        adopt_process(**facts, start_ticks=ticks + 1)
    adopted = adopt_process(**facts, start_ticks=ticks)
    assert adopted.signal(signal.SIGKILL)
    assert (await adopted.wait()).code == 137
    adopted.close()


async def test_a_process_that_is_gone_is_not_adopted(tmp_path: Path) -> None:
    process = subprocess.Popen(["true"])
    ticks = process_start_ticks(process.pid)
    process.wait()
    with pytest.raises(NotFound):
        adopt_process(
            container_id="c",
            pid=process.pid,
            start_ticks=ticks,
            exit_path=str(tmp_path / "exit"),
        )


def test_the_zygotes_rehearsal_comes_to_its_end() -> None:
    source = "import sys; sys.path.append(sys.argv[1]); from budu.shim.rehearsal import rehearse\n"
    source += "raise SystemExit(not rehearse(2))"
    root = str(Path(budu.__file__).parents[1])
    assert subprocess.run([sys.executable, "-I", "-S", "-c", source, root]).returncode == 0


async def test_exec_runs_in_the_container(case: Case) -> None:
    init = await case.start(case.order("/bin/sleep", "600"))
    host_names = os.readlink(f"/proc/{init.pid}/ns/uts")
    folder = case.directory / "exec"
    folder.mkdir()
    process = Process(args=("/bin/busybox", "readlink", "/proc/self/ns/uts"), env=("PATH=/bin",))
    order = StartOrder(
        id="exec",
        socket=str(folder / "shim.sock"),
        exit=str(folder / "exit"),
        log=LogSettings(max_size=0, max_files=1).shim_order(str(folder)),
        plan=make_exec_plan(process, read_host(), spec=case.spec("/bin/sleep")),
    )
    handle = await (await case.pool.take()).start(order, {"target": init.pidfd})
    assert (await handle.wait()).code == 0
    handle.close()
    frames = [f async for batch in LogReader(str(folder), Watch()).read(LogQuery()) for f in batch]
    assert join(frames, STDOUT).decode().strip() == host_names


async def test_a_killed_zygote_is_replaced(pool: ShimPool, case: Case) -> None:
    old = pool.zygote_pid
    shims = [await pool.take() for _ in range(2)]
    os.kill(old, signal.SIGKILL)
    while pool.zygote_pid in (0, old):
        await asyncio.sleep(0.01)
    assert (await case.run("/bin/true")).code == 0
    for shim in shims:
        assert shim.is_alive()
        shim.discard()


async def test_a_dead_idle_shim_is_not_handed_out(pool: ShimPool, case: Case) -> None:
    await case.run("/bin/true")
    shim = await pool.take()
    os.kill(shim.pid, signal.SIGKILL)
    while shim.is_alive():
        await asyncio.sleep(0.01)
    pool._idle.appendleft(shim)
    other = await pool.take()
    assert other.pid != shim.pid
    other.discard()


async def test_volumes_see_mounts_that_the_host_makes_later(case: Case) -> None:
    """Also where the host's mounts are private: the shim is older than the mount here."""
    assert (await case.pool.take()).is_alive()
    (case.rootfs / "mnt").mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    source = case.directory / "later"
    source.mkdir()
    assert libc.mount(b"tmpfs", os.fsencode(source), b"tmpfs", 0, b"size=64k") == 0
    try:
        (source / "file").write_text("seen\n")
        spec = case.spec("/bin/cat", "/mnt/file")
        bind = Mount(destination="/mnt", type="bind", source=str(source), options=("bind",))
        spec = structs.replace(spec, mounts=(*spec.mounts, bind))
        order = case.order("/bin/true")
        order = structs.replace(order, plan=make_plan(spec, read_host()))
        handle = await case.start(order)
        assert (await handle.wait()).code == 0
        assert await case.output() == b"seen\n"
    finally:
        assert libc.umount2(os.fsencode(source), 0) == 0


async def test_memory_of_a_shim(case: Case) -> None:
    handle = await case.start(case.order("/bin/sleep", "600"))
    shares = Path(f"/proc/{handle.shim_pid}/smaps_rollup").read_text()
    rows = dict(line.split(":", 1) for line in shares.splitlines()[1:])
    print("shim", {key: rows[key].strip() for key in ("Rss", "Pss", "Private_Dirty")})
    assert Path(f"/proc/{handle.shim_pid}/comm").read_text() == "budu-shim\n"
    assert Path(f"/proc/{handle.shim_pid}/cmdline").read_text().startswith("budu-shim container-")


ENGINE = """
import asyncio, sys
sys.path.insert(0, {tests!r})
from test_shim_containers import Case, ShimPool
from pathlib import Path

async def main():
    pool = ShimPool()
    pool.spawn_zygote()
    await pool.start()
    case = Case(pool, Path({rootfs!r}))
    script = "n=0; while [ ! -e /tmp/stop ]; do n=$((n+1)); echo $n; done; echo last; exit 9"
    handle = await case.start(case.order("/bin/sh", "-c", script))
    print(handle.pid, handle.shim_pid, pool.zygote_pid, flush=True)
    await handle.wait()

asyncio.run(main())
"""


async def test_killed_engine_leaves_container_and_complete_log(rootfs: Path) -> None:
    source = ENGINE.format(tests=str(Path(__file__).parent), rootfs=str(rootfs))
    engine = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE)
    assert engine.stdout is not None
    pid, shim_pid, zygote_pid = map(int, engine.stdout.readline().split())
    engine.kill()
    engine.wait()
    engine.stdout.close()
    directory = rootfs.parent / LONG
    log = LogReader(str(directory), Watch())
    while process_start_ticks(zygote_pid):
        await asyncio.sleep(0.01)
    os.kill(shim_pid, signal.SIGTERM)
    size = (directory / "container.log").stat().st_size
    while (directory / "container.log").stat().st_size == size:
        await asyncio.sleep(0.01)
    handle = await connect_shim(str(directory / "shim.sock"))
    assert (handle.pid, handle.shim_pid) == (pid, shim_pid)
    (rootfs / "tmp/stop").touch()
    assert (await handle.wait()).code == 9
    handle.close()
    frames = [frame async for batch in log.read(LogQuery()) for frame in batch]
    *numbers, last = join(frames, STDOUT).split()
    assert last == b"last"
    assert [int(number) for number in numbers] == list(range(1, len(numbers) + 1))


async def wait_for_path(path: str) -> None:
    while not os.path.exists(path):
        await asyncio.sleep(0.01)

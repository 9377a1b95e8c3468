"""Whatever a container writes comes back: in any chunking, rotation and at any point of reading."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from budu.logs.files import BEGINNING, LOG_NAME, clear, end_position
from budu.logs.frames import STDERR, STDOUT, Frame
from budu.logs.reader import LogQuery, LogReader
from budu.logs.watch import Watch
from budu.logs.writer import LogWriter

Chunks = list[tuple[int, bytes]]
chunks_strategy = st.lists(
    st.tuples(st.sampled_from([STDOUT, STDERR]), st.binary(min_size=1, max_size=300)), max_size=40
)


def write(directory: Path, chunks: Chunks, *, max_size: int = 0, max_files: int = 1000) -> None:
    writer = LogWriter(str(directory / LOG_NAME), max_size=max_size, max_files=max_files)
    for stream, data in chunks:
        writer.write(stream, data)
    writer.close()


def join(source: list[Frame] | Chunks, stream: int) -> bytes:
    return b"".join(item[-1] for item in source if item[0] == stream)


async def collect(directory: Path, query: LogQuery) -> list[Frame]:
    reader = LogReader(str(directory), Watch())
    return [frame async for batch in reader.read(query) for frame in batch]


@settings(max_examples=60, deadline=None)
@given(chunks=chunks_strategy, max_size=st.sampled_from([0, 1, 64, 500]))
def test_both_streams_come_back_across_rotation(chunks: Chunks, max_size: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write(directory, chunks, max_size=max_size)
        frames = asyncio.run(collect(directory, LogQuery()))
    assert [(frame[0], frame[3]) for frame in frames] == chunks


@settings(max_examples=60, deadline=None)
@given(
    chunks=chunks_strategy, max_size=st.sampled_from([1, 200]), attached_after=st.integers(0, 20)
)
def test_following_and_attaching_lose_and_double_nothing(
    chunks: Chunks, max_size: int, attached_after: int
) -> None:
    async def scenario(directory: Path) -> tuple[Chunks, Chunks]:
        watch = Watch()
        reader = LogReader(str(directory), watch)
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        followed: Chunks = []
        attached: Chunks = []

        async def follow() -> None:
            async for batch in reader.read(LogQuery(follow=True), ended=ended):
                followed.extend((frame[0], frame[3]) for frame in batch)

        async def attach() -> None:
            async for batch in reader.attach(position, ended=ended):
                attached.extend((frame[0], frame[3]) for frame in batch)

        writer = LogWriter(str(directory / LOG_NAME), max_size=max_size, max_files=1000)
        async with asyncio.TaskGroup() as group:
            group.create_task(follow())
            for index, (stream, data) in enumerate(chunks):
                if index == attached_after:
                    position = reader.position()
                    group.create_task(attach())
                writer.write(stream, data)
                if index % 3 == 0:
                    await asyncio.sleep(0)
            writer.close()
            ended.set_result(None)
        watch.close()
        return followed, attached

    with tempfile.TemporaryDirectory() as name:
        followed, attached = asyncio.run(scenario(Path(name)))
    assert followed == chunks
    assert attached == chunks[attached_after:]


def reference_tail(chunks: Chunks, streams: set[int], count: int) -> dict[int, bytes]:
    """The last `count` lines, each placed where it ends; unfinished ones where they stand."""
    lines: list[tuple[int, int, bytes]] = []
    unfinished: dict[int, tuple[int, bytes]] = {}
    for at, (stream, data) in enumerate(chunks):
        if stream not in streams:
            continue
        *complete, rest = (unfinished.pop(stream, (0, b""))[1] + data).split(b"\n")
        lines += [(at, stream, line + b"\n") for line in complete]
        if rest:
            unfinished[stream] = (at, rest)
    lines += [(at, stream, rest) for stream, (at, rest) in unfinished.items()]
    lines.sort(key=lambda line: line[0])
    chosen = lines[len(lines) - count :] if count < len(lines) else lines
    return {stream: b"".join(text for _, of, text in chosen if of == stream) for stream in streams}


@settings(max_examples=200, deadline=None)
@given(
    chunks=st.lists(
        st.tuples(
            st.sampled_from([STDOUT, STDERR]),
            st.text(alphabet="ab\n", min_size=1, max_size=6).map(str.encode),
        ),
        max_size=25,
    ),
    max_size=st.sampled_from([0, 60]),
    streams=st.sampled_from([{STDOUT}, {STDERR}, {STDOUT, STDERR}]),
    count=st.integers(0, 12),
)
def test_tail_gives_the_last_lines_whole(
    chunks: Chunks, max_size: int, streams: set[int], count: int
) -> None:
    query = LogQuery(stdout=STDOUT in streams, stderr=STDERR in streams, tail=count)
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), chunks, max_size=max_size)
        frames = asyncio.run(collect(Path(name), query))
    expected = reference_tail(chunks, streams, count)
    assert {stream: join(frames, stream) for stream in streams} == expected


@given(cut=st.integers(1, 59), payload=st.binary(min_size=40, max_size=40))
@settings(max_examples=60, deadline=None)
def test_a_torn_frame_is_skipped_by_readers_and_mended_by_the_writer(
    cut: int, payload: bytes
) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write(directory, [(STDOUT, b"before\n"), (STDOUT, payload)])
        path = directory / LOG_NAME
        os.truncate(path, path.stat().st_size - cut)
        torn = asyncio.run(collect(directory, LogQuery()))
        write(directory, [(STDERR, b"after\n")])
        mended = asyncio.run(collect(directory, LogQuery()))
    assert [frame[3] for frame in torn] == [b"before\n"]
    assert [frame[3] for frame in mended] == [b"before\n", b"after\n"]


async def test_a_hole_in_the_middle_costs_only_what_it_covers(tmp_path: Path) -> None:
    write(tmp_path, [(STDOUT, b"one\n"), (STDOUT, b"two\n"), (STDOUT, b"three\n")])
    with (tmp_path / LOG_NAME).open("r+b") as file:
        file.seek(24)
        file.write(bytes(24))
    frames = await collect(tmp_path, LogQuery())
    assert [frame[3] for frame in frames] == [b"one\n", b"three\n"]


async def test_rotation_keeps_the_number_of_files(tmp_path: Path) -> None:
    write(tmp_path, [(STDOUT, b"%03d\n" % n) for n in range(50)], max_size=100, max_files=3)
    frames = await collect(tmp_path, LogQuery())
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        LOG_NAME,
        LOG_NAME + ".11",
        LOG_NAME + ".12",
    ]
    assert join(frames, STDOUT).endswith(b"047\n048\n049\n")
    assert len(frames) == 10


async def test_a_single_file_is_replaced_when_full(tmp_path: Path) -> None:
    write(tmp_path, [(STDOUT, b"%03d\n" % n) for n in range(9)], max_size=100, max_files=1)
    assert [path.name for path in tmp_path.iterdir()] == [LOG_NAME]
    assert join(await collect(tmp_path, LogQuery()), STDOUT) == b"008\n"


async def test_since_and_until_choose_by_the_time_a_line_was_complete(tmp_path: Path) -> None:
    writer = LogWriter(str(tmp_path / LOG_NAME), max_size=0, max_files=1)
    writer.write(STDOUT, b"old\nbeg")
    writer.write(STDERR, b"other\n")
    between = (await collect(tmp_path, LogQuery()))[-1][2]
    writer.write(STDOUT, b"in\nlast\n")
    writer.close()
    since = await collect(tmp_path, LogQuery(since_ns=between + 1))
    until = await collect(tmp_path, LogQuery(until_ns=between))
    assert join(since, STDOUT) == b"begin\nlast\n"
    assert join(since, STDERR) == b""
    assert join(until, STDOUT) == b"old\nbeg"
    assert join(until, STDERR) == b"other\n"


async def test_follow_begins_before_the_log_exists(tmp_path: Path) -> None:
    watch = Watch()
    reader = LogReader(str(tmp_path), watch)
    frames = reader.attach(BEGINNING)
    first = asyncio.create_task(anext(frames))
    await asyncio.sleep(0)
    write(tmp_path, [(STDOUT, b"hello")])
    assert [frame[3] for frame in await first] == [b"hello"]
    await frames.aclose()
    watch.close()


async def test_follow_ends_with_the_folder(tmp_path: Path) -> None:
    directory = tmp_path / "container"
    directory.mkdir()
    write(directory, [(STDOUT, b"hello")])
    watch = Watch()
    frames = LogReader(str(directory), watch).read(LogQuery(follow=True))
    assert [frame[3] for frame in await anext(frames)] == [b"hello"]
    rest = asyncio.create_task(anext(frames, None))
    await asyncio.sleep(0)
    (directory / LOG_NAME).unlink()
    directory.rmdir()
    assert await rest is None
    watch.close()


async def test_clear_forgets_and_the_writer_goes_on(tmp_path: Path) -> None:
    writer = LogWriter(str(tmp_path / LOG_NAME), max_size=200, max_files=3)
    for n in range(20):
        writer.write(STDOUT, b"%d\n" % n)
    assert len(os.listdir(tmp_path)) == 3
    clear(str(tmp_path))
    assert await collect(tmp_path, LogQuery()) == []
    writer.write(STDOUT, b"new\n")
    writer.close()
    assert join(await collect(tmp_path, LogQuery()), STDOUT) == b"new\n"


async def test_a_follower_survives_clear(tmp_path: Path) -> None:
    writer = LogWriter(str(tmp_path / LOG_NAME), max_size=0, max_files=3)
    writer.write(STDOUT, b"a long line that is forgotten\n")
    watch = Watch()
    frames = LogReader(str(tmp_path), watch).read(LogQuery(follow=True))
    await anext(frames)
    clear(str(tmp_path))
    writer.write(STDOUT, b"new\n")
    assert [frame[3] for frame in await anext(frames)] == [b"new\n"]
    await frames.aclose()
    writer.close()
    watch.close()


def test_what_does_not_fit_on_the_disk_is_counted_and_leaves_no_torn_frame(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        os._exit(write_until_limit(tmp_path))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 200
    frames = asyncio.run(collect(tmp_path, LogQuery()))
    lost = b"budu: 200 bytes of output were lost here: no space for the log\n"
    assert [frame[3] for frame in frames] == [b"fits\n", lost, b"small\n"]
    assert frames[1][0] == STDERR


def write_until_limit(directory: Path) -> int:
    """In a child with a file size limit, whose writes end as on a full disk: partial, then none."""
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (190, 190))
    writer = LogWriter(str(directory / LOG_NAME), max_size=0, max_files=1)
    writer.write(STDOUT, b"fits\n")
    writer.write(STDOUT, b"x" * 200)
    writer.write(STDOUT, b"small\n")
    return writer.dropped


def test_position_of_no_log_is_the_beginning(tmp_path: Path) -> None:
    assert end_position(str(tmp_path)) == BEGINNING

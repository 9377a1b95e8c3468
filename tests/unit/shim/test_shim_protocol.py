"""Messages, exit files and what the light processes import."""

from __future__ import annotations

import _socket
import os
import subprocess
import sys
from pathlib import Path

import pytest

import budu
from budu.base.errors import NotFound
from budu.shim import protocol, sockets
from budu.shim.client import ExitStatus, connect_shim, read_exit_file
from budu.shim.exit_file import ExitFile

FORBIDDEN = {
    "argparse", "asyncio", "collections", "contextlib", "dataclasses", "enum", "functools",
    "inspect", "json", "logging", "msgspec", "pathlib", "re", "socket", "subprocess", "typing",
}  # fmt: skip


@pytest.fixture
def pair() -> tuple[_socket.socket, _socket.socket]:
    return _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)


@pytest.mark.parametrize("size", [0, 60_000, 70_000, 3_000_000])
def test_a_message_of_any_size_arrives_with_its_descriptors(
    pair: tuple[_socket.socket, _socket.socket], size: int
) -> None:
    read, write = os.pipe()
    message = {"op": "x", "data": b"y" * size, "nested": (1, None, ["a"], {"k": True})}
    protocol.send(pair[0], message, [write])
    received = protocol.receive(pair[1])
    assert received is not None
    assert received[0] == message
    os.write(received[1][0], b"through")
    assert os.read(read, 10) == b"through"
    for fd in (read, write, *received[1]):
        os.close(fd)


def test_the_end_of_the_other_side_is_none(pair: tuple[_socket.socket, _socket.socket]) -> None:
    pair[0].close()
    assert protocol.receive(pair[1]) is None


@pytest.mark.parametrize("packet", [b"garbage", b"i\1\0\0\0", protocol.marshal.dumps({"a": 1})])
def test_what_is_no_message_is_refused(
    pair: tuple[_socket.socket, _socket.socket], packet: bytes
) -> None:
    pair[0].send(packet)
    with pytest.raises(protocol.ProtocolError):
        protocol.receive(pair[1])


def test_sockets_work_at_paths_longer_than_the_kernel_takes(tmp_path: Path) -> None:
    path = tmp_path / ("d" * 150) / "socket"
    path.parent.mkdir()
    for _ in range(2):
        listener = sockets.listen_at(str(path))
    client = sockets.connect_to(str(path))
    server = sockets.accept(listener)
    assert server is not None
    client.send(b"hello")
    assert server.recv(10) == b"hello"
    assert path.stat().st_mode & 0o777 == 0o600


async def test_connecting_to_nobody_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await connect_shim(str(tmp_path / "socket"))
    sockets.listen_at(str(tmp_path / "socket")).close()
    with pytest.raises(NotFound):
        await connect_shim(str(tmp_path / "socket"))


@pytest.mark.parametrize(
    "status",
    [
        ExitStatus(code=0, finished_ns=1),
        ExitStatus(code=137, signal=9, finished_ns=1 << 62, oom=True, dropped=1 << 60),
    ],
)
def test_exit_file_keeps_the_status(tmp_path: Path, status: ExitStatus) -> None:
    path = str(tmp_path / "exit")
    Path(path).write_text("1 - 2 0 0\n")
    file = ExitFile(path)
    assert read_exit_file(path) is None
    fields = {name: getattr(status, name) for name in ExitStatus.__struct_fields__}
    file.write(fields)
    assert read_exit_file(path) == status
    assert os.listdir(tmp_path) == ["exit"]


def test_discarded_exit_file_leaves_nothing(tmp_path: Path) -> None:
    ExitFile(str(tmp_path / "exit")).discard()
    assert os.listdir(tmp_path) == []


def test_light_processes_import_nothing_dear() -> None:
    source = (
        "import sys; sys.path.append(sys.argv[1]); import budu.shim.zygote;"
        " print(*sys.modules, sep='\\n')"
    )
    root = str(Path(budu.__file__).parents[1])
    command = [sys.executable, "-I", "-S", "-c", source, root]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "budu.shim.main" in modules
    assert FORBIDDEN.isdisjoint(modules)

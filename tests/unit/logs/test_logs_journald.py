"""What the journal is sent: fields, long messages, and a server that is not there."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

import pytest
from tests.support.records import a_log_source

from budu.logs.entries import Entry
from budu.logs.frames import STDERR, STDOUT
from budu.logs.senders.journald import JournaldSender, field, field_name

SOURCE = a_log_source(
    labels={"com.example.team": "blue"}, env={}, options={"labels": "com.example.team"}
)


def entry(line: bytes, stream: int = STDOUT) -> Entry:
    return Entry(stream=stream, time_ns=1, line=line)


@pytest.fixture
def journal(tmp_path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.bind(str(tmp_path / "journal"))
    made.settimeout(5)
    return made


async def test_a_message_has_its_fields(journal: socket.socket, tmp_path: Path) -> None:
    sender = JournaldSender(SOURCE, path=str(tmp_path / "journal"))
    await sender.send([entry(b"hello"), entry(b""), entry(b"bad", STDERR)])
    first, second = journal.recv(65535), journal.recv(65535)
    lines = first.split(b"\n")
    assert b"MESSAGE=hello" in lines
    assert b"PRIORITY=6" in lines
    assert b"CONTAINER_NAME=web" in lines
    assert b"COM_EXAMPLE_TEAM=blue" in lines
    assert b"CONTAINER_ID_FULL=" + b"f" * 64 in lines
    assert b"PRIORITY=3" in second.split(b"\n")
    await sender.close()
    journal.close()


async def test_a_long_message_travels_as_a_file(journal: socket.socket, tmp_path: Path) -> None:
    sender = JournaldSender(SOURCE, path=str(tmp_path / "journal"))
    await sender.send([entry(b"x" * 1_000_000)])
    data, rights, _, _ = journal.recvmsg(65535, 1024)
    assert data == b""
    (fd,) = struct.unpack("i", rights[0][2])
    assert b"MESSAGE=" + b"x" * 1_000_000 in os.pread(fd, 2_000_000, 0)
    os.close(fd)
    await sender.close()
    journal.close()


async def test_without_a_journal_it_fails(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        await JournaldSender(SOURCE, path=str(tmp_path / "none")).send([entry(b"hello")])


def test_names_and_values() -> None:
    assert field("MESSAGE", b"a\nb") == b"MESSAGE\n" + struct.pack("<Q", 3) + b"a\nb\n"
    assert field_name("_com.example-x") == "COM_EXAMPLE_X"

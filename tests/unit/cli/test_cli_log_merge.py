"""Several logs as one: order, names, long lines, and what goes wrong."""

from __future__ import annotations

import json
import os
import pty
import select
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fakes.scripted_http import ScriptedServer, answer, raw

from budu.cli.log_merge import LineParser, Source, merged
from budu.cli.main import main
from budu.client.endpoint import Endpoint
from budu.client.transport import Connection

Turn = Callable[[socket.socket, bytes], None]


def stamp(second: int) -> bytes:
    return b"2024-05-06T07:08:%02d.000000000Z" % second


def frame(stream: int, *lines: bytes) -> bytes:
    payload = b"".join(lines)
    return struct.pack(">BxxxI", stream, len(payload)) + payload


def line(second: int, text: bytes) -> bytes:
    return stamp(second) + b" " + text


def requests_of(server: ScriptedServer) -> list[str]:
    return [" ".join(request.decode().split(" ", 2)[:2]) for request in server.requests]


def run(server: ScriptedServer, folder: Path, *words: str, **environ: str) -> int:
    settings = {"BUDU_HOST": f"unix://{server.path}", "DOCKER_CONFIG": str(folder), **environ}
    return main(["logs", *words], settings)


def source_of(server: ScriptedServer, prefix: bytes = b"", *, tty: bool = False) -> Source:
    """The log that the server's next turn answers with."""
    connection = Connection(Endpoint(f"unix://{server.path}", path=server.path))
    return Source(prefix, connection, connection.request("GET", "/"), tty=tty)


def nothing() -> None:
    """Nothing is held back."""


def texts(lines: list[tuple[Source, tuple[bytes, int, bytes]]]) -> list[tuple[bytes, bytes]]:
    return [(source.prefix, text) for source, (_, _, text) in lines]


def test_a_long_line_comes_in_one_piece_again() -> None:
    parser = LineParser(tty=False)
    data = frame(1, line(1, b"a" * 16384)) + frame(2, line(2, b"other\n"))
    data += frame(1, line(3, b"b\n"), line(3, b"c\rd\n"))
    found = [each for at in range(len(data)) for each in parser.feed(data[at : at + 1])]
    assert found == [
        (stamp(2), 2, b"other\n"),
        (stamp(1), 1, b"a" * 16384 + b"b\n"),
        (stamp(3), 1, b"c\rd\n"),
    ]
    assert [*parser.finish()] == []


@pytest.mark.parametrize("tty", [False, True])
def test_an_unended_line_is_ended(tty: bool) -> None:
    parser = LineParser(tty=tty)
    text = line(1, b"open")
    assert [*parser.feed(text if tty else frame(1, text))] == []
    assert [*parser.finish()] == [(stamp(1), 1, b"open\n")]


def test_lines_come_by_time_and_not_by_container() -> None:
    first = frame(1, line(1, b"one\n"), line(4, b"four\n"))
    second = frame(1, line(2, b"two\n")) + frame(2, line(3, b"three\n"))
    with ScriptedServer(answer(first)) as one, ScriptedServer(answer(second, pieces=9)) as two:
        sources = [source_of(one, b"a"), source_of(two, b"b")]
        found = texts([*merged(sources, follow=False, before_wait=nothing)])
    assert found == [(b"a", b"one\n"), (b"b", b"two\n"), (b"b", b"three\n"), (b"a", b"four\n")]


def test_while_following_a_silent_log_is_not_waited_for() -> None:
    speak = threading.Event()

    def silent(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        speak.wait(10)
        connection.sendall(frame(1, line(9, b"late\n")))

    spoken = frame(1, line(1, b"one\n"), line(2, b"two\n"))
    with ScriptedServer(silent) as one, ScriptedServer(answer(spoken)) as two:
        sources = [source_of(one, b"s"), source_of(two, b"a")]
        lines = merged(sources, follow=True, before_wait=nothing)
        assert texts([next(lines), next(lines)]) == [(b"a", b"one\n"), (b"a", b"two\n")]
        speak.set()
        assert texts([next(lines)]) == [(b"s", b"late\n")]
        sources[0].connection.close()


def test_nobody_named_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedServer() as server:
        assert run(server, tmp_path) == 1
    assert "'budu logs' requires at least 1 argument" in capsys.readouterr().err


def test_clear_asks_for_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = answer(b'{"message":"No such container: b1"}', status="404 Not Found")
    with ScriptedServer(raw(b"HTTP/1.1 204 No Content\r\n\r\n"), missing) as server:
        assert run(server, tmp_path, "--clear", "a1", "b1") == 1
        assert requests_of(server) == ["DELETE /containers/a1/logs", "DELETE /containers/b1/logs"]
    shown = capsys.readouterr()
    assert shown.out == "a1\n"
    assert "No such container: b1" in shown.err


def one_of_all() -> tuple[Turn, ...]:
    """The answers for one container that is all there is."""
    document = {"Id": "i1", "Name": "/web", "Config": {}}
    log = frame(1, line(1, b"out\n")) + frame(2, line(2, b"err\n"))
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    inspected = json.dumps(document).encode()
    return (
        answer(b'[{"Id":"i1"}]'),
        lambda connection, _: connection.sendall(head % len(inspected) + inspected),
        lambda connection, _: connection.sendall(head % len(log) + log),
    )


def test_all_have_their_names(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with ScriptedServer(*one_of_all()) as server:
        assert run(server, tmp_path, "--all", "-t", "--tail", "7") == 0
        assert requests_of(server)[0] == "GET /containers/json?all=1"
        assert requests_of(server)[2] == "GET /containers/i1/logs?" + (
            "stdout=1&stderr=1&timestamps=1&tail=7"
        )
    shown = capfd.readouterr()
    assert shown.out == f"web | {stamp(1).decode()} out\n"
    assert shown.err == f"web | {stamp(2).decode()} err\n"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [({}, b"\x1b[36mweb | \x1b[0mout\r\n"), ({"NO_COLOR": "1"}, b"web | out\r\n")],
)
def test_names_are_coloured_on_a_terminal(
    tmp_path: Path, environ: dict[str, str], expected: bytes
) -> None:
    with ScriptedServer(*one_of_all()) as server:
        settings = {"BUDU_HOST": f"unix://{server.path}", "DOCKER_CONFIG": str(tmp_path)}
        pid, terminal = pty.fork()
        if pid == 0:
            os._exit(main(["logs", "--all"], {**settings, **environ}))
        shown = b""
        while expected not in shown and select.select([terminal], [], [], 10)[0]:
            shown += os.read(terminal, 4096)
        os.waitpid(pid, 0)
        os.close(terminal)
    assert expected in shown

"""Log drivers: what arrives at servers and in files, and what `logs` still reads."""

from __future__ import annotations

import gzip
import json
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.engine import EngineProcess
from tests.support.scenes import run, try_create
from tests.support.waiting import eventually

pytestmark = pytest.mark.host
SAY = ["sh", "-c", "echo hello; echo trouble >&2; printf open"]


def logs(engine: EngineProcess, ref: str, **query: object) -> bytes:
    return engine.request("GET", f"/containers/{ref}/logs", stdout=1, **query).body


def driver(name: str, **options: str) -> dict[str, Any]:
    config = {key.replace("_", "-"): value for key, value in options.items()}
    return {"LogConfig": {"Type": name, "Config": config}}


def ended(engine: EngineProcess, ref: str) -> None:
    eventually(lambda: engine.state(ref)["Status"] == "exited")


@pytest.fixture
def datagrams() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.settimeout(10)
        yield made


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.settimeout(10)
        yield made


def port(made: socket.socket) -> int:
    number = made.getsockname()[1]
    assert isinstance(number, int)
    return number


def test_the_default_is_local(engine: EngineProcess) -> None:
    ref = run(engine, SAY)
    ended(engine, ref)
    assert engine.inspect(ref)["HostConfig"]["LogConfig"] == {"Type": "json-file", "Config": {}}
    assert engine.inspect(ref)["LogPath"] == ""
    assert engine.request("GET", "/info").json["LoggingDriver"] == "local"


def test_json_file_is_dockers(engine: EngineProcess) -> None:
    ref = run(engine, SAY, **driver("json-file", labels="no"))
    ended(engine, ref)
    path = Path(engine.inspect(ref)["LogPath"])
    assert path.name == f"{ref}-json.log"
    eventually(lambda: path.exists() and path.read_bytes().count(b"\n") == 3)
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted((each["stream"], each["log"]) for each in records) == [
        ("stderr", "trouble\n"),
        ("stdout", "hello\n"),
        ("stdout", "open"),
    ]


def test_json_file_goes_on_with_the_next_engine(engine: EngineProcess) -> None:
    script = "for i in 1 2 3 4 5 6 7 8; do echo line-$i; sleep 0.3; done"
    ref = run(engine, ["sh", "-c", script], **driver("json-file"))
    path = Path(engine.inspect(ref)["LogPath"])
    eventually(lambda: path.exists() and b"line-2" in path.read_bytes())
    engine.kill()
    engine.start()
    ended(engine, ref)
    eventually(lambda: b"line-8" in path.read_bytes())
    lines = [json.loads(line)["log"] for line in path.read_text().splitlines()]
    assert lines == [f"line-{number}\n" for number in range(1, 9)]


def test_syslog(engine: EngineProcess, datagrams: socket.socket) -> None:
    address = f"udp://127.0.0.1:{port(datagrams)}"
    options = driver("syslog", syslog_address=address, tag="{{.Name}}/{{.ID}}")
    ref = run(engine, SAY, name="speaker", **options)
    messages = sorted(datagrams.recv(4096) for _ in range(3))
    assert [each.partition(b">")[0] for each in messages] == [b"<27", b"<30", b"<30"]
    assert b"trouble" in messages[0]
    assert all(f"speaker/{ref[:12]}[".encode() in each for each in messages)
    assert b"hello" in logs(engine, ref)


def test_gelf(engine: EngineProcess, datagrams: socket.socket) -> None:
    address = f"udp://127.0.0.1:{port(datagrams)}"
    ref = run(engine, SAY, name="gelling", **driver("gelf", gelf_address=address))
    messages = [json.loads(gzip.decompress(datagrams.recv(65535))) for _ in range(3)]
    assert {each["short_message"] for each in messages} == {"hello", "trouble", "open"}
    assert {each["level"] for each in messages} == {6, 3}
    first = messages[0]
    assert (first["version"], first["_container_id"]) == ("1.1", ref)
    assert first["_container_name"] == "gelling"


def test_gelf_with_zlib(engine: EngineProcess, datagrams: socket.socket) -> None:
    address = f"udp://127.0.0.1:{port(datagrams)}"
    options = driver("gelf", gelf_address=address, gelf_compression_type="zlib")
    run(engine, ["echo", "hello"], **options)
    assert json.loads(zlib.decompress(datagrams.recv(65535)))["short_message"] == "hello"


def test_fluentd(engine: EngineProcess, listener: socket.socket) -> None:
    address = f"127.0.0.1:{port(listener)}"
    ref = run(engine, ["echo", "hello"], **driver("fluentd", fluentd_address=address, tag="t.x"))
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(10)
        data = b""
        while True:
            data += connection.recv(65535)
            try:
                message = msgspec.msgpack.decode(data)
                break
            except msgspec.DecodeError:
                continue
    assert message[0] == "t.x"
    text = repr(message)
    assert "'log': 'hello'" in text
    assert f"'container_id': '{ref}'" in text


def test_a_server_that_is_away_does_not_stop_the_container(
    engine: EngineProcess, listener: socket.socket
) -> None:
    """What was said meanwhile comes when the server does, also with another engine."""
    number = port(listener)
    listener.close()
    options = driver("fluentd", fluentd_address=f"127.0.0.1:{number}", fluentd_async="true")
    ref = run(engine, ["echo", "patience"], **options)
    ended(engine, ref)
    assert b"patience" in logs(engine, ref)
    engine.kill()
    engine.start()
    with socket.create_server(("127.0.0.1", number)) as again:
        again.settimeout(40)
        connection, _ = again.accept()
        with connection:
            connection.settimeout(10)
            assert b"patience" in connection.recv(65535)


@pytest.mark.parametrize("mode", ["blocking", "non-blocking"])
def test_a_server_that_does_not_read_slows_nobody(
    engine: EngineProcess, listener: socket.socket, mode: str
) -> None:
    """The frames on the disk are the buffer: nothing waits and nothing is lost in either mode."""
    buffer = {"max_buffer_size": "4k"} if mode == "non-blocking" else {}
    address = f"127.0.0.1:{port(listener)}"
    script = (
        "i=0; while [ $i -lt 30000 ]; do echo line-$i-of-a-program-that-talks; i=$((i+1)); done"
    )
    options = driver("fluentd", fluentd_address=address, mode=mode, **buffer)
    ref = run(engine, ["sh", "-c", script], **options)
    connection, _ = listener.accept()
    with connection:
        ended(engine, ref)
        assert engine.state(ref)["ExitCode"] == 0
        said = logs(engine, ref)
        assert said.count(b"line-") == 30000
        assert b"line-29999-" in said


def test_none_is_not_read(engine: EngineProcess) -> None:
    ref = run(engine, SAY, **driver("none"))
    reply = engine.request("GET", f"/containers/{ref}/logs", stdout=1)
    assert reply.status == 501
    assert "configured logging driver does not support reading" in reply.json["message"]


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("wood", {}, "logger: no log driver named 'wood' is registered"),
        ("json-file", {"color": "red"}, "unknown log opt 'color' for json-file log driver"),
        ("local", {"max-size": "many"}, "many"),
        ("syslog", {"syslog-address": "carrier://pigeon"}, "pigeon"),
        ("gelf", {}, "gelf"),
    ],
)
def test_wrong_drivers_and_options(
    engine: EngineProcess, name: str, options: dict[str, str], sentence: str
) -> None:
    reply = try_create(engine, ["true"], LogConfig={"Type": name, "Config": options})
    assert reply.status == 400
    assert sentence in reply.json["message"]


def test_a_log_is_emptied_while_it_is_written(engine: EngineProcess) -> None:
    script = "echo before; until [ -e /go ]; do sleep 0.1; done; echo after"
    ref = run(engine, ["sh", "-c", script], **driver("json-file"))
    eventually(lambda: b"before" in logs(engine, ref))
    assert engine.request("DELETE", f"/containers/{ref}/logs").status == 204
    assert logs(engine, ref) == b""
    assert engine.request("DELETE", "/containers/nobody/logs").status == 404
    engine.request("POST", f"/containers/{ref}/kill")

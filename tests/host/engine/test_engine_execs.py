"""Execs on the kernel: streams both ways, terminals, rights, ends, and what must not be left."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.engine import EngineProcess
from tests.support.scenes import run
from tests.support.waiting import eventually

pytestmark = pytest.mark.host


@pytest.fixture
def box(engine: EngineProcess) -> Iterator[str]:
    id_ = run(engine, ["sleep", "600"])
    yield id_
    engine.request("DELETE", f"/containers/{id_}", force=1)


def create(engine: EngineProcess, ref: str, *cmd: str, **options: Any) -> str:
    body = {"Cmd": cmd, "AttachStdout": True, "AttachStderr": True, **options}
    reply = engine.request("POST", f"/containers/{ref}/exec", body)
    assert reply.status == 201, reply.body
    return str(reply.json["Id"])


def inspect(engine: EngineProcess, id_: str) -> dict[str, Any]:
    document = engine.request("GET", f"/exec/{id_}/json").json
    assert isinstance(document, dict)
    return document


class Stream:
    """A connection on which an exec was started."""

    def __init__(self, engine: EngineProcess, id_: str, **body: Any) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(str(engine.socket))
        data = json.dumps(body).encode()
        head = (
            f"POST /v1.51/exec/{id_}/start HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\n"
            "Upgrade: tcp\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\n\r\n"
        )
        self.socket.sendall(head.encode() + data)
        self.rest = b""
        while b"\r\n\r\n" not in self.rest:
            part = self.socket.recv(65536)
            assert part, self.rest
            self.rest += part
        self.head, _, self.rest = self.rest.partition(b"\r\n\r\n")

    def read_all(self) -> bytes:
        """Everything until the end."""
        with self.socket:
            while data := self.socket.recv(65536):
                self.rest += data
        return self.rest

    def frames(self) -> dict[int, bytes]:
        """The whole output, by stream."""
        data, found = self.read_all(), {1: b"", 2: b""}
        while data:
            stream, size = struct.unpack(">B3xI", data[:8])
            found[stream] += data[8 : 8 + size]
            data = data[8 + size :]
        return found


def output(engine: EngineProcess, ref: str, *cmd: str, **options: Any) -> dict[int, bytes]:
    return Stream(engine, create(engine, ref, *cmd, **options)).frames()


def test_streams_are_kept_apart_and_the_code_is_known_at_the_end(
    engine: EngineProcess, box: str
) -> None:
    id_ = create(engine, box, "sh", "-c", "echo out; echo err >&2; exit 7")
    before = inspect(engine, id_)
    assert (before["Running"], before["ExitCode"], before["Pid"]) == (False, None, 0)
    stream = Stream(engine, id_)
    assert stream.head.startswith(b"HTTP/1.1 101 UPGRADED")
    assert stream.frames() == {1: b"out\n", 2: b"err\n"}
    after = inspect(engine, id_)
    assert (after["Running"], after["ExitCode"], after["CanRemove"]) == (False, 7, True)
    assert after["ContainerID"] == box
    assert after["ProcessConfig"] == {
        "tty": False,
        "entrypoint": "sh",
        "arguments": ["-c", "echo out; echo err >&2; exit 7"],
        "privileged": False,
    }


def test_input_with_half_close_and_ten_megabytes(engine: EngineProcess, box: str) -> None:
    stream = Stream(engine, create(engine, box, "sh", "-c", "wc -c", AttachStdin=True))
    stream.socket.sendall(bytes(range(256)) * 40960)
    stream.socket.shutdown(socket.SHUT_WR)
    assert stream.frames()[1].strip() == b"10485760"
    many = output(engine, box, "sh", "-c", "head -c 10000000 /dev/zero; echo e >&2")
    assert (len(many[1]), many[2]) == (10000000, b"e\n")


def test_the_start_says_whether_output_is_framed(engine: EngineProcess, box: str) -> None:
    terminal = create(engine, box, "sh", "-c", "echo a; echo b >&2", Tty=True)
    stream = Stream(engine, terminal, Tty=False)
    assert b"application/vnd.docker.multiplexed-stream" in stream.head
    assert stream.frames() == {1: b"a\r\nb\r\n", 2: b""}
    plain = create(engine, box, "sh", "-c", "echo a")
    stream = Stream(engine, plain, Tty=True)
    assert b"application/vnd.docker.raw-stream" in stream.head
    assert stream.read_all() == b"a\n"


def test_a_terminal_with_its_size(engine: EngineProcess, box: str) -> None:
    script = "read x; stty size; exit 3"
    id_ = create(engine, box, "sh", "-c", script, Tty=True, AttachStdin=True, ConsoleSize=[20, 50])
    stream = Stream(engine, id_, Tty=True)
    assert engine.request("POST", f"/exec/{id_}/resize", h=33, w=44).status == 200
    stream.socket.sendall(b"\n")
    assert stream.read_all() == b"\r\n33 44\r\n"
    assert inspect(engine, id_)["ExitCode"] == 3
    first = create(engine, box, "stty", "size", Tty=True, ConsoleSize=[20, 50])
    assert Stream(engine, first, Tty=True).read_all() == b"20 50\r\n"


def test_detach_keys_leave_the_process(engine: EngineProcess, box: str) -> None:
    script = "sleep 1; touch /done"
    id_ = create(engine, box, "sh", "-c", script, Tty=True, AttachStdin=True, DetachKeys="ctrl-x,q")
    stream = Stream(engine, id_, Tty=True)
    stream.socket.sendall(b"\x18q")
    stream.read_all()
    assert inspect(engine, id_)["Running"] is True
    eventually(lambda: inspect(engine, id_)["Running"] is False)
    assert output(engine, box, "ls", "/done")[1] == b"/done\n"


def test_who_where_and_with_what(engine: EngineProcess, box: str) -> None:
    script = "id -u; pwd; echo $X; grep -c . /proc/self/cgroup >/dev/null && echo ok"
    found = output(engine, box, "sh", "-c", script, User="33", WorkingDir="/tmp", Env=["X=y z"])
    assert found[1].splitlines() == [b"33", b"/tmp", b"y z", b"ok"]
    caps = output(engine, box, "grep", "CapEff", "/proc/self/status")[1].split()[1]
    all_of_them = output(engine, box, "grep", "CapEff", "/proc/self/status", Privileged=True)
    assert int(all_of_them[1].split()[1], 16) > int(caps, 16)
    seccomp = output(engine, box, "grep", "Seccomp:", "/proc/self/status", Privileged=True)
    assert seccomp[1].split()[1] == b"0"


def test_it_runs_in_the_containers_namespaces_and_cgroup(engine: EngineProcess, box: str) -> None:
    id_ = create(engine, box, "sleep", "30")
    assert engine.request("POST", f"/exec/{id_}/start", {"Detach": True}).status == 200
    pid, init = inspect(engine, id_)["Pid"], engine.state(box)["Pid"]
    for kind in ("mnt", "pid", "net", "uts", "ipc", "cgroup"):
        ours = Path(f"/proc/{pid}/ns/{kind}").readlink()
        assert ours == Path(f"/proc/{init}/ns/{kind}").readlink()
    cgroups = [Path(f"/proc/{each}/cgroup").read_text() for each in (pid, init)]
    assert cgroups[0] == cgroups[1]
    assert engine.inspect(box)["ExecIDs"] == [id_]
    engine.request("POST", f"/containers/{box}/kill")
    eventually(lambda: not Path(f"/proc/{pid}").exists())


def test_programs_that_cannot_be_run(engine: EngineProcess, box: str) -> None:
    for program, code, words in (
        ("nosuch", 127, b'exec: "nosuch": executable file not found in $PATH: unknown\r\n'),
        ("/etc/passwd", 126, b"permission denied"),
    ):
        id_ = create(engine, box, program)
        text = Stream(engine, id_).frames()[1]
        assert text.startswith(b"OCI runtime exec failed: exec failed: ")
        assert words in text
        assert inspect(engine, id_)["ExitCode"] == code
    id_ = create(engine, box, "nosuch")
    reply = engine.request("POST", f"/exec/{id_}/start", {"Detach": True})
    assert reply.status == 400


def test_wrong_states_and_names(engine: EngineProcess, box: str) -> None:
    def refused(path: str, body: object, status: int, words: str) -> None:
        reply = engine.request("POST", path, body)
        assert (reply.status, words in reply.json["message"]) == (status, True), reply.body

    wish = {"Cmd": ["true"]}
    refused("/containers/nobody/exec", wish, 404, "No such container: nobody")
    refused(f"/containers/{box}/exec", {"Cmd": []}, 400, "No exec command specified")
    refused(f"/containers/{box}/exec", wish | {"DetachKeys": "bad"}, 400, "Invalid escape keys")
    refused("/exec/nothing/start", {}, 404, "No such exec instance: nothing")
    id_ = create(engine, box, "true")
    Stream(engine, id_).read_all()
    refused(f"/exec/{id_}/start", {}, 409, f"error: exec command {id_} has already run")
    prepared = create(engine, box, "true")
    engine.request("POST", f"/containers/{box}/pause")
    paused = f"Container {box} is paused, unpause the container before exec"
    refused(f"/containers/{box}/exec", wish, 409, paused)
    refused(f"/exec/{prepared}/start", {}, 409, paused)
    engine.request("POST", f"/containers/{box}/unpause")
    engine.request("POST", f"/containers/{box}/kill")
    eventually(lambda: engine.state(box)["Status"] == "exited")
    refused(f"/containers/{box}/exec", wish, 409, f"container {box} is not running")
    assert engine.request("GET", "/exec/nothing/json").status == 404


def test_a_client_that_leaves_stops_nobody(engine: EngineProcess, box: str) -> None:
    script = "i=0; while [ $i -lt 2000 ]; do echo 0123456789012345678901234567890123456789; "
    script += "i=$((i+1)); done; touch /wrote"
    id_ = create(engine, box, "sh", "-c", script)
    Stream(engine, id_).socket.close()
    eventually(lambda: inspect(engine, id_)["Running"] is False)
    assert inspect(engine, id_)["ExitCode"] == 0
    assert output(engine, box, "ls", "/wrote")[1] == b"/wrote\n"


def test_twenty_at_once(engine: EngineProcess, box: str) -> None:
    streams = [Stream(engine, create(engine, box, "echo", str(number))) for number in range(20)]
    assert [each.frames()[1] for each in streams] == [b"%d\n" % number for number in range(20)]


def test_a_background_process_does_not_hold_the_client(engine: EngineProcess, box: str) -> None:
    assert output(engine, box, "sh", "-c", "sleep 30 & echo out")[1] == b"out\n"


def test_events(engine: EngineProcess, box: str) -> None:
    id_ = create(engine, box, "sh", "-c", "exit 4")
    Stream(engine, id_).read_all()
    told = [each for each in engine.events(container=box) if "exec" in each["Action"]]
    assert [each["Action"] for each in told] == [
        "exec_create: sh -c exit 4",
        "exec_start: sh -c exit 4",
        "exec_die",
    ]
    assert {each["Actor"]["Attributes"]["execID"] for each in told} == {id_}
    assert told[-1]["Actor"]["Attributes"]["exitCode"] == "4"


def test_the_engine_is_killed_meanwhile(engine: EngineProcess, box: str) -> None:
    id_ = create(engine, box, "sh", "-c", "sleep 1; touch /went-on")
    engine.request("POST", f"/exec/{id_}/start", {"Detach": True})
    engine.kill()
    engine.start()
    assert engine.request("GET", f"/exec/{id_}/json").status == 404
    eventually(lambda: output(engine, box, "ls", "/went-on")[1] == b"/went-on\n")

"""What cannot be done ends in one sentence, and leaves nothing behind."""

import os
import shutil
import socket
import threading
from collections.abc import Callable

import pytest
from tests.support.engine import EngineProcess, UnixConnection
from tests.support.leaks import assert_clean, open_files
from tests.support.ports import free_port
from tests.support.scenes import (
    SERVER,
    await_page,
    create,
    logs,
    publish,
    run,
    start,
    try_create,
    wait,
)
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


def fail_to_start(engine: EngineProcess, id_: str) -> str:
    """The sentence of a start that fails; nothing of it may be left but the record."""
    reply = engine.request("POST", f"/containers/{id_}/start")
    assert reply.status >= 400, reply.body
    state = engine.state(id_)
    assert not state["Running"]
    assert state["Error"] == reply.message
    return reply.message


def test_a_port_of_a_foreign_process(engine: EngineProcess) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        id_ = create(engine, SERVER, name="web", **publish(port))
        reply = engine.request("POST", f"/containers/{id_}/start")
        assert reply.status in (409, 500)
        assert "failed to bind host port for 0.0.0.0:" + str(port) in reply.message
        assert "address already in use" in reply.message
        assert str(os.getpid()) in reply.json["hint"]
        assert engine.state(id_)["ExitCode"] == 128
    start(engine, id_)
    await_page(port)


def test_a_port_of_another_container(engine: EngineProcess) -> None:
    port = free_port()
    run(engine, SERVER, name="first", **publish(port))
    second = create(engine, SERVER, name="second", **publish(port))
    assert fail_to_start(engine, second).endswith(
        f"Bind for 0.0.0.0:{port} failed: port is already allocated"
    )
    engine.request("DELETE", f"/containers/{second}")
    run(engine, SERVER, name="second", **publish(free_port()))
    await_page(port)


def test_a_program_that_is_not_there(engine: EngineProcess) -> None:
    id_ = create(engine, ["nosuchprogram"], **publish(free_port()))
    assert "executable file not found in $PATH" in fail_to_start(engine, id_)
    assert engine.state(id_)["ExitCode"] == 127
    engine.request("DELETE", f"/containers/{id_}")
    assert_clean(engine)


def test_a_failed_start_with_rm_removes(engine: EngineProcess) -> None:
    id_ = create(engine, ["nosuchprogram"], AutoRemove=True, Binds=["/scratch"])
    assert engine.request("POST", f"/containers/{id_}/start").status == 400
    assert engine.containers() == []
    assert_clean(engine)


def test_a_bind_source_that_went_away(engine: EngineProcess, tmp_path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    mount = {"Type": "bind", "Source": str(source), "Target": "/mnt"}
    id_ = create(engine, "true", Mounts=[mount])
    source.rmdir()
    assert str(source) in fail_to_start(engine, id_)
    source.mkdir()
    start(engine, id_)


def test_a_bind_source_that_was_never_there(engine: EngineProcess) -> None:
    mount = {"Type": "bind", "Source": "/no/such", "Target": "/mnt"}
    reply = try_create(engine, "true", Mounts=[mount], Binds=["vol:/v"])
    assert reply.status == 400
    assert "bind source path does not exist: /no/such" in reply.message
    assert_clean(engine)


def test_an_unknown_image(engine: EngineProcess) -> None:
    reply = engine.request("POST", "/containers/create", {"Image": "nope"})
    assert (reply.status, reply.message) == (404, "No such image: nope:latest")


def test_a_policy_does_not_fight_a_taken_port(engine: EngineProcess) -> None:
    """A restart that cannot be served ends the container instead of leaving it half alive."""
    port = free_port()
    policy = {"RestartPolicy": {"Name": "always"}}
    id_ = run(engine, "sleep 0.3; exit 1", name="again", **policy, **publish(port))
    thief = eventually(lambda: steal(port))
    with thief:
        eventually(lambda: engine.state(id_)["Status"] == "exited")
        assert "address already in use" in engine.state(id_)["Error"]
        assert wait(engine, id_) == 128


def steal(port: int) -> socket.socket | None:
    """The port, in the moment between two lives of its container."""
    taker = socket.socket()
    try:
        taker.bind(("0.0.0.0", port))
    except OSError:
        taker.close()
        return None
    taker.listen()
    return taker


def test_twenty_clients_at_one_container(engine: EngineProcess) -> None:
    """Whatever the order, records stay true and nothing is left."""
    create(engine, "trap 'exit 0' TERM; while :; do sleep 0.1; done", name="contested")
    odd: list[str] = []

    def meddle(number: int) -> None:
        for turn in range(6):
            path, query = ACTIONS[(number + turn) % len(ACTIONS)]
            method = "DELETE" if path == "" else "POST"
            reply = engine.request(method, f"/containers/contested{path}", **query)
            if reply.status == 500 or reply.status not in EXPECTED:
                odd.append(f"{method} {path}: {reply.status} {reply.body!r}")
            if path == "":
                create_again(engine)

    threads = [threading.Thread(target=meddle, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert odd == []
    assert not any(thread.is_alive() for thread in threads)
    eventually(lambda: settled(engine))
    engine.remove_containers()
    assert_clean(engine)
    run(engine, "true", name="contested")


ACTIONS = (
    ("/start", {}),
    ("/stop", {"t": 1}),
    ("/start", {}),
    ("/kill", {}),
    ("/restart", {"t": 1}),
    ("/pause", {}),
    ("/unpause", {}),
    ("", {"force": 1}),
)
EXPECTED = frozenset({200, 204, 304, 404, 409})


def create_again(engine: EngineProcess) -> None:
    command = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
    assert try_create(engine, command, name="contested").status in (201, 409)


def settled(engine: EngineProcess) -> bool:
    """Records and facts agree: who is said to run has a process, who is not has none."""
    states = [engine.state(row["Id"]) for row in engine.containers()]
    return all(
        os.path.exists(f"/proc/{state['Pid']}") if state["Running"] else state["Pid"] == 0
        for state in states
    )


def test_a_rename_during_a_start_is_kept(engine: EngineProcess) -> None:
    for _ in range(5):
        id_ = create(engine, "sleep 600", name="before")
        starting = threading.Thread(target=start, args=(engine, id_))
        starting.start()
        engine.request("POST", f"/containers/{id_}/rename", name="after")
        starting.join(20)
        assert engine.inspect(id_)["Name"] == "/after"
        assert engine.request("GET", "/containers/before/json").status == 404
        engine.request("DELETE", f"/containers/{id_}", force=1)


def test_removal_by_force_while_it_starts(engine: EngineProcess) -> None:
    for _ in range(5):
        id_ = create(engine, "sleep 600")
        starting = threading.Thread(
            target=engine.request, args=("POST", f"/containers/{id_}/start")
        )
        starting.start()
        reply = engine.request("DELETE", f"/containers/{id_}", force=1)
        starting.join(20)
        assert reply.status == 204, reply.body
        assert engine.containers() == []


def test_stop_beats_a_restart_policy(engine: EngineProcess) -> None:
    """Whatever moment of the restarting the stop meets, the container stays stopped."""
    for _ in range(8):
        id_ = run(engine, "exit 1", RestartPolicy={"Name": "always"})
        eventually(lambda id_=id_: engine.inspect(id_)["RestartCount"] >= 1)
        assert engine.request("POST", f"/containers/{id_}/stop", t=0).status in (204, 304)
        assert engine.state(id_)["Status"] == "exited"
        engine.request("DELETE", f"/containers/{id_}")
    assert engine.containers() == []


def test_descriptors_are_given_back(engine: EngineProcess) -> None:
    """Lives of containers, and clients that go away in the middle, cost the engine nothing."""
    run_and_leave(engine)
    before = open_files(engine.pid)
    for _ in range(5):
        run_and_leave(engine)
    eventually(lambda: open_files(engine.pid) <= before)


def run_and_leave(engine: EngineProcess) -> None:
    id_ = run(engine, "while :; do sleep 0.05; done", **publish(free_port()))
    left = [UnixConnection(engine.socket) for _ in range(4)]
    for connection, target in zip(
        left,
        (
            ("GET", f"/containers/{id_}/logs?follow=1&stdout=1"),
            ("POST", f"/containers/{id_}/wait"),
            ("GET", "/events"),
            ("POST", f"/containers/{id_}/attach?stream=1&stdout=1&stdin=1"),
        ),
        strict=True,
    ):
        connection.request(*target)
        connection.getresponse()
    for connection in left:
        connection.close()
    engine.request("DELETE", f"/containers/{id_}", force=1)


def test_clients_that_leave_are_noticed_while_the_container_runs(engine: EngineProcess) -> None:
    id_ = run(engine, ["sleep", "600"])
    before = open_files(engine.pid)
    for target in (
        ("GET", f"/containers/{id_}/logs?follow=1&stdout=1"),
        ("POST", f"/containers/{id_}/wait"),
        ("GET", "/events"),
    ):
        connection = UnixConnection(engine.socket)
        connection.request(*target)
        connection.getresponse()
        connection.sock.close()
        connection.close()
    eventually(lambda: open_files(engine.pid) <= before, "closed connections")


def test_two_engines_side_by_side(
    engine: EngineProcess, make_engine: Callable[..., EngineProcess]
) -> None:
    other = make_engine()
    assert other.request("POST", "/images/create", fromImage="busybox", tag="latest").status == 200
    port = free_port()
    run(engine, SERVER, name="web", **publish(port))
    await_page(port)
    run(other, "sleep 600", name="web")
    taken = create(other, SERVER, **publish(port))
    assert other.request("POST", f"/containers/{taken}/start").status >= 400
    subnets = [
        each.request("GET", "/networks/bridge").json["IPAM"]["Config"][0]["Subnet"]
        for each in (engine, other)
    ]
    assert subnets[0] != subnets[1]
    other.kill()
    assert engine.state("web")["Running"]
    other.start()
    assert other.state("web")["Running"]


def test_a_log_that_was_taken_away_harms_nobody(engine: EngineProcess) -> None:
    id_ = run(engine, "echo x; sleep 600")
    eventually(lambda: logs(engine, id_))
    shutil.rmtree(engine.data_root / "containers" / id_)
    assert engine.request("DELETE", f"/containers/{id_}", force=1).status == 204
    assert engine.containers() == []

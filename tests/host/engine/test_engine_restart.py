"""The engine goes, by SIGKILL or SIGTERM, and comes back: containers never notice."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.engine import EngineProcess
from tests.support.leaks import helpers_of
from tests.support.ports import free_port
from tests.support.scenes import (
    PATIENT,
    SERVER,
    await_page,
    create,
    fetch,
    is_alive,
    logs,
    parent,
    publish,
    run,
    shim_of,
    start,
    wait,
)
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

ALWAYS = {"RestartPolicy": {"Name": "always"}}


@pytest.fixture(autouse=True)
def running_engine(engine: EngineProcess) -> Iterator[None]:
    if not engine.is_running:
        engine.start()
    yield


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_containers_live_on(engine: EngineProcess, number: int) -> None:
    id_ = run(engine, "n=0; while :; do n=$((n+1)); echo $n; sleep 0.02; done", name="counts")
    before = engine.state(id_)
    eventually(lambda: logs(engine, id_))
    engine.end(number)
    assert is_alive(before["Pid"])
    engine.start()
    assert engine.state(id_) == before
    read = len(logs(engine, id_))
    eventually(lambda: len(logs(engine, id_)) > read)
    assert engine.request("POST", f"/containers/{id_}/kill").status == 204
    numbers = logs(engine, id_).split()
    assert numbers == [str(n).encode() for n in range(1, len(numbers) + 1)]


def test_a_published_port_works_throughout(engine: EngineProcess) -> None:
    port = free_port()
    id_ = run(engine, SERVER, **publish(port))
    await_page(port)
    engine.kill()
    assert fetch(port) == "page\n"
    engine.start()
    assert fetch(port) == "page\n"
    other = create(engine, SERVER, **publish(port))
    refused = engine.request("POST", f"/containers/{other}/start")
    assert "port is already allocated" in refused.message
    engine.request("POST", f"/containers/{id_}/kill")
    start(engine, other)
    await_page(port)


def test_a_childs_memory_kill_meanwhile_is_known(engine: EngineProcess) -> None:
    waiting = "while ! test -e /go; do sleep 0.02; done"
    hungry = "dd if=/dev/zero of=/dev/null bs=64M count=1"
    script = f"{waiting}; {hungry}; touch /after; {PATIENT}"
    id_ = run(engine, script, Memory=16 << 20, MemorySwap=16 << 20)
    root = Path(f"/proc/{engine.state(id_)['Pid']}/root")
    engine.kill()
    (root / "go").touch()
    eventually((root / "after").exists)
    engine.start()
    assert engine.state(id_)["Running"]
    eventually(lambda: engine.state(id_)["OOMKilled"])
    assert [each["Action"] for each in engine.events(container=id_)].count("oom") == 1


def test_an_exit_meanwhile_is_known(engine: EngineProcess) -> None:
    """The container ends by itself only after the engine is gone, because somebody lets it."""
    id_ = run(engine, "echo begun; while ! test -e /go; do sleep 0.02; done; echo end; exit 42")
    pid = engine.state(id_)["Pid"]
    eventually(lambda: logs(engine, id_))
    engine.kill()
    Path(f"/proc/{pid}/root/go").touch()
    eventually(lambda: not is_alive(pid))
    engine.start()
    state = engine.state(id_)
    assert (state["Status"], state["ExitCode"], state["Pid"]) == ("exited", 42, 0)
    assert state["FinishedAt"] > state["StartedAt"]
    assert logs(engine, id_) == b"begun\nend\n"
    assert wait(engine, id_) == 42


def test_a_signal_death_meanwhile_is_known(engine: EngineProcess) -> None:
    id_ = run(engine, ["sleep", "600"])
    pid = engine.state(id_)["Pid"]
    engine.kill()
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not is_alive(pid))
    engine.start()
    assert engine.state(id_)["ExitCode"] == 137


def test_wait_and_stop_work_after_a_restart(engine: EngineProcess) -> None:
    id_ = run(engine, PATIENT)
    engine.kill()
    engine.start()
    assert engine.request("POST", f"/containers/{id_}/stop").status == 204
    assert wait(engine, id_) == 0


def test_input_and_pause_outlive_the_engine(engine: EngineProcess) -> None:
    id_ = run(engine, ["sleep", "600"])
    assert engine.request("POST", f"/containers/{id_}/pause").status == 204
    engine.kill()
    engine.start()
    assert engine.state(id_)["Status"] == "paused"
    assert engine.request("POST", f"/containers/{id_}/unpause").status == 204
    assert engine.state(id_)["Status"] == "running"


def test_a_restart_policy_is_served_after_the_engine_was_away(engine: EngineProcess) -> None:
    id_ = run(engine, ["sleep", "600"], **ALWAYS)
    pid = engine.state(id_)["Pid"]
    engine.kill()
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not is_alive(pid))
    engine.start()
    eventually(lambda: engine.state(id_)["Running"] and engine.state(id_)["Pid"] not in (0, pid))


def test_what_the_user_stopped_stays_stopped(engine: EngineProcess) -> None:
    id_ = run(engine, PATIENT, RestartPolicy={"Name": "unless-stopped"})
    engine.request("POST", f"/containers/{id_}/stop")
    engine.kill()
    engine.start()
    assert engine.state(id_)["Status"] == "exited"


def test_rm_is_served_after_the_engine_was_away(engine: EngineProcess) -> None:
    id_ = run(engine, ["sleep", "600"], AutoRemove=True)
    pid = engine.state(id_)["Pid"]
    engine.kill()
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not is_alive(pid))
    engine.start()
    assert engine.containers() == []


def test_rm_of_one_that_lives_on(engine: EngineProcess) -> None:
    id_ = run(engine, ["sleep", "600"], AutoRemove=True)
    engine.kill()
    engine.start()
    assert engine.state(id_)["Running"]
    engine.request("POST", f"/containers/{id_}/kill")
    eventually(lambda: engine.containers() == [])


def test_a_container_outlives_its_shim(engine: EngineProcess) -> None:
    id_ = run(engine, ["sleep", "600"])
    pid = engine.state(id_)["Pid"]
    os.kill(shim_of(engine, id_), signal.SIGKILL)
    assert engine.state(id_)["Running"]
    assert engine.request("POST", f"/containers/{id_}/kill").status == 204
    assert not is_alive(pid)
    assert wait(engine, id_) == 137
    start(engine, id_)
    assert engine.state(id_)["Running"]


def test_a_shim_killed_while_the_engine_is_away(engine: EngineProcess) -> None:
    id_ = run(engine, ["sleep", "600"])
    before, shim = engine.state(id_), shim_of(engine, id_)
    engine.kill()
    os.kill(shim, signal.SIGKILL)
    engine.start()
    assert engine.state(id_) == before
    assert engine.request("POST", f"/containers/{id_}/kill").status == 204
    assert not is_alive(before["Pid"])
    assert engine.state(id_)["Status"] == "exited"
    start(engine, id_)


def test_a_container_and_its_shim_killed_while_the_engine_is_away(engine: EngineProcess) -> None:
    id_ = run(engine, ["sleep", "600"])
    pid, shim = engine.state(id_)["Pid"], shim_of(engine, id_)
    engine.kill()
    os.kill(shim, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not is_alive(pid))
    engine.start()
    state = engine.state(id_)
    assert state["Status"] == "exited"
    # While nobody has reaped the process the kernel still tells how it ended.
    assert state["ExitCode"] in (137, 255)
    start(engine, id_)


def pid_of(process: str) -> int:
    return int(process.partition("/")[0])


def test_a_killed_zygote_is_replaced(engine: EngineProcess) -> None:
    id_ = run(engine, ["sleep", "600"])
    (zygote,) = (each for each in helpers_of(engine.pid) if parent(pid_of(each)) == engine.pid)
    os.kill(pid_of(zygote), signal.SIGKILL)
    others = [run(engine, ["sleep", "600"]) for _ in range(4)]
    assert all(engine.state(each)["Running"] for each in (id_, *others))


def test_a_removal_that_was_broken_off_is_finished(engine: EngineProcess) -> None:
    """What a killed engine leaves in the middle of many removals is gone after the next start."""
    for _ in range(6):
        run(engine, ["true"], AutoRemove=True)
    engine.kill()
    engine.start()
    eventually(lambda: engine.containers() == [])


def test_names_and_volumes_are_kept(engine: EngineProcess) -> None:
    create(engine, "true", name="kept", Binds=["things:/t"])
    engine.kill()
    engine.start()
    assert engine.inspect("kept")["Mounts"][0]["Name"] == "things"
    assert engine.request("GET", "/volumes/things").status == 200


def test_a_second_engine_on_the_same_roots_is_refused(engine: EngineProcess) -> None:
    second = EngineProcess(engine.root)
    second.spawn()
    assert second.wait() == 1
    text = second.log.read_text()
    assert f"process with PID {engine.pid} is still running" in text
    assert engine.request("GET", "/_ping").status == 200
    assert (engine.root / "pid").read_text() == f"{engine.pid}\n"

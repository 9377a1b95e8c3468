"""The engine is killed at every named point of an operation: the next one loses and leaks nothing.

The points are read from the source, so that a new one is tried as soon as it is there; the first
word of its name chooses the scene. Those of networks are in `test_engine_networks_faults`.
"""

import http.client
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import leaks
from tests.support.engine import ROOT, EngineProcess
from tests.support.ports import free_port
from tests.support.scenes import (
    PATIENT,
    SERVER,
    await_page,
    create,
    is_alive,
    logs,
    publish,
    run,
    start,
    wait,
)
from tests.support.waiting import eventually

from budu.base import faults

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

ANONYMOUS = {"Mounts": [{"Type": "volume", "Target": "/var"}]}
ALWAYS = {"RestartPolicy": {"Name": "always"}}
DEAF = "trap '' TERM; echo ready; while :; do sleep 0.1; done"


def points(*operations: str) -> list[str]:
    """The points of these operations, or all, by the source."""
    found = {
        point
        for path in (ROOT / "src" / "budu").rglob("*.py")
        for point in re.findall(r"faults\.at\(\s*\"([^\"]+)", path.read_text())
    }
    return sorted(each for each in found if not operations or each.partition(".")[0] in operations)


def test_every_point_has_its_scene_and_its_word() -> None:
    scenes = points(
        "create",
        "start",
        "end",
        "stop",
        "restart",
        "pause",
        "unpause",
        "remove",
        "network",
        "plugin",
        "volume",
    )
    told = (ROOT / "docs" / "flows" / "engine-restart.md").read_text()
    assert points() == scenes == sorted(re.findall(r"`(\w+\.\w[\w-]*)` \|", told))


def arm(engine: EngineProcess, point: str) -> None:
    """From now on an engine runs that dies at `point`."""
    if engine.is_running:
        engine.kill()
    engine.environment = {faults.VARIABLE: point}
    engine.start()


def next_engine(engine: EngineProcess) -> None:
    """The armed engine has died at its point; the next one runs."""
    assert engine.wait() == -9
    engine.environment = {}
    engine.start()


def die_in(engine: EngineProcess, method: str, path: str, **query: object) -> None:
    """A request that gets no answer because the engine dies; then the next engine."""
    with pytest.raises((OSError, http.client.HTTPException)):
        engine.request(method, path, **query)
    next_engine(engine)


@pytest.fixture(autouse=True)
def unarmed(engine: EngineProcess) -> Iterator[None]:
    yield
    engine.environment = {}
    if not engine.is_running:
        engine.start()


def assert_nothing_runs(engine: EngineProcess, id_: str) -> None:
    """No process, cgroup, link or firewall element; the record says the same."""
    state = engine.state(id_)
    assert (state["Running"], state["Pid"]) == (False, 0), state
    eventually(lambda: not shims(id_), "the end of the shim")
    eventually(lambda: not hosted(engine), f"the end of {hosted(engine)}")


def hosted(engine: EngineProcess) -> list[str]:
    """What running containers have on this machine, and others do not."""
    kinds = ("cgroup ", "link ", "nft ", "mount ")
    return [each for each in leaks.leftovers(engine) if each.startswith(kinds)]


def shims(id_: str) -> list[str]:
    """The processes that keep a container."""
    return [
        path.parent.name
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if f"budu-shim {id_}".encode() in read(path)
    ]


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def assert_runs(engine: EngineProcess, id_: str) -> None:
    """The process, its log and its end are the record's."""
    state = engine.state(id_)
    assert state["Running"], state
    assert is_alive(state["Pid"])
    eventually(lambda: logs(engine, id_), "output")
    assert engine.request("POST", f"/containers/{id_}/kill").status == 204
    assert wait(engine, id_) == 137
    assert not is_alive(state["Pid"])


@pytest.mark.parametrize("point", points("create"))
def test_create(engine: EngineProcess, point: str) -> None:
    arm(engine, point)
    with pytest.raises((OSError, http.client.HTTPException)):
        create(engine, "echo here", name="made", **ANONYMOUS)
    next_engine(engine)
    made = engine.containers()
    stored = [each["Action"] for each in engine.events(container="made")]
    if made:
        assert stored[-1:] == ["create"]
        engine.request("DELETE", "/containers/made", v=1)
    assert leaks.leftovers(engine) == []
    id_ = run(engine, "echo here", name="made", **ANONYMOUS)
    assert wait(engine, id_) == 0
    assert logs(engine, id_) == b"here\n"


@pytest.mark.parametrize("point", points("start"))
def test_start(engine: EngineProcess, point: str) -> None:
    arm(engine, point)
    port = free_port()
    id_ = create(engine, f"echo begun; {SERVER}", **ANONYMOUS, **publish(port))
    die_in(engine, "POST", f"/containers/{id_}/start")
    if engine.state(id_)["Running"]:
        await_page(port)
        assert_runs(engine, id_)
    else:
        assert engine.state(id_)["Status"] == "created"
    assert_nothing_runs(engine, id_)
    start(engine, id_)
    await_page(port)
    assert_runs(engine, id_)


def idle_shims(engine: EngineProcess) -> list[int]:
    """The two shims that wait for an order, and the starter of each."""
    helpers = [int(each.partition("/")[0]) for each in leaks.helpers_of(engine.pid)]
    return [each for each in helpers if b"budu-shim" in read(Path(f"/proc/{each}/comm"))]


def test_a_start_whose_order_was_not_read_yet(engine: EngineProcess) -> None:
    """The shim wakes up long after its engine has died: nothing starts any more."""
    arm(engine, "start.shim-told")
    id_ = create(engine, SERVER, **publish(port := free_port()))
    eventually(lambda: len(idle_shims(engine)) == 4, "a full pool")
    asleep = idle_shims(engine)
    try:
        for pid in asleep:
            os.kill(pid, signal.SIGSTOP)
        die_in(engine, "POST", f"/containers/{id_}/start")
    finally:
        for pid in asleep:
            os.kill(pid, signal.SIGCONT)
    eventually(lambda: not any(map(is_alive, asleep)), "the end of the old shims")
    assert_nothing_runs(engine, id_)
    start(engine, id_)
    await_page(port)


def test_a_start_that_was_not_recorded_and_lost_its_shim(engine: EngineProcess) -> None:
    arm(engine, "start.process-runs")
    id_ = create(engine, SERVER, **publish(port := free_port()))
    with pytest.raises((OSError, http.client.HTTPException)):
        engine.request("POST", f"/containers/{id_}/start")
    for pid in shims(id_):
        os.kill(int(pid), signal.SIGKILL)
    next_engine(engine)
    assert_nothing_runs(engine, id_)
    start(engine, id_)
    await_page(port)


@pytest.mark.parametrize("point", ["start.process-runs", "start.record-stored"])
def test_start_again(engine: EngineProcess, point: str) -> None:
    """Of a container that has lived before: what is known of that life stays true."""
    arm(engine, f"{point}:2")
    id_ = run(engine, "test -e /seen && exec sleep 600; touch /seen; exit 3")
    assert wait(engine, id_) == 3
    die_in(engine, "POST", f"/containers/{id_}/start")
    state = engine.state(id_)
    if state["Running"]:
        assert is_alive(state["Pid"])
    else:
        assert (state["Status"], state["ExitCode"]) == ("exited", 3)
        assert_nothing_runs(engine, id_)
        start(engine, id_)


@pytest.mark.parametrize("point", points("end"))
def test_end(engine: EngineProcess, point: str) -> None:
    arm(engine, point)
    id_ = run(engine, "echo begun; sleep 0.2; echo over; exit 7", **publish(free_port()))
    next_engine(engine)
    state = engine.state(id_)
    assert (state["Status"], state["ExitCode"]) == ("exited", 7)
    assert state["FinishedAt"] > state["StartedAt"]
    assert logs(engine, id_) == b"begun\nover\n"
    dies = engine.events(container=id_, event="die")
    assert [each["Actor"]["Attributes"]["exitCode"] for each in dies] == ["7"]
    assert_nothing_runs(engine, id_)
    start(engine, id_)
    assert wait(engine, id_) == 7


@pytest.mark.parametrize("point", ["end.seen", "end.record-stored"])
def test_end_of_what_starts_again(engine: EngineProcess, point: str) -> None:
    arm(engine, point)
    id_ = run(engine, "sleep 0.2; test -e /seen && exec sleep 600; touch /seen", **ALWAYS)
    next_engine(engine)
    eventually(lambda: engine.state(id_)["Status"] == "running")
    assert engine.inspect(id_)["RestartCount"] == 1
    assert is_alive(engine.state(id_)["Pid"])


@pytest.mark.parametrize("point", [*points("end")[-2:], "remove.begun", "remove.files-removed"])
def test_end_of_what_is_removed_then(engine: EngineProcess, point: str) -> None:
    arm(engine, point)
    run(engine, "sleep 0.2", AutoRemove=True, **ANONYMOUS)
    next_engine(engine)
    assert engine.containers() == []
    assert leaks.leftovers(engine) == []


@pytest.mark.parametrize("point", points("stop"))
def test_stop(engine: EngineProcess, point: str) -> None:
    arm(engine, point)
    is_forced = point == "stop.killed"
    id_ = run(engine, DEAF if is_forced else f"echo ready; {PATIENT}", **ALWAYS)
    eventually(lambda: logs(engine, id_))
    die_in(engine, "POST", f"/containers/{id_}/stop", t=0 if is_forced else 20)
    if engine.state(id_)["Running"]:
        assert engine.request("POST", f"/containers/{id_}/stop").status in (204, 304)
    assert engine.state(id_)["Status"] == "exited" or point != "stop.wish-stored"
    eventually(lambda: settled(engine, id_))


def settled(engine: EngineProcess, id_: str) -> bool:
    """Either it is stopped, or its policy has started it again at the engine's start."""
    state = engine.state(id_)
    return state["Pid"] == 0 if not state["Running"] else is_alive(state["Pid"])


@pytest.mark.parametrize("rm", [False, True])
@pytest.mark.parametrize("point", points("restart"))
def test_restart(engine: EngineProcess, point: str, *, rm: bool) -> None:
    arm(engine, point)
    id_ = run(engine, PATIENT, AutoRemove=rm)
    die_in(engine, "POST", f"/containers/{id_}/restart")
    if rm:
        assert leaks.leftovers(engine) == []
        return
    assert engine.state(id_)["Status"] == "exited"
    assert engine.request("POST", f"/containers/{id_}/restart").status == 204
    assert engine.state(id_)["Running"]


def test_a_restart_keeps_the_wish_to_be_removed(engine: EngineProcess) -> None:
    """Killed at any moment of it, the engine does not forget `--rm`."""
    arm(engine, "stop.signal-sent")
    id_ = run(engine, DEAF, AutoRemove=True)
    eventually(lambda: logs(engine, id_))
    die_in(engine, "POST", f"/containers/{id_}/restart")
    assert engine.inspect(id_)["HostConfig"]["AutoRemove"] is True
    engine.request("POST", f"/containers/{id_}/kill")
    eventually(lambda: leaks.leftovers(engine) == [])


@pytest.mark.parametrize("point", points("pause", "unpause"))
def test_pause_and_unpause(engine: EngineProcess, point: str) -> None:
    arm(engine, point)
    id_ = run(engine, "while :; do echo tick; sleep 0.02; done")
    operation = point.partition(".")[0]
    if operation == "unpause":
        assert engine.request("POST", f"/containers/{id_}/pause").status == 204
    die_in(engine, "POST", f"/containers/{id_}/{operation}")
    if engine.state(id_)["Paused"]:
        still = logs(engine, id_)
        assert engine.request("POST", f"/containers/{id_}/unpause").status == 204
    else:
        still = logs(engine, id_)
    eventually(lambda: len(logs(engine, id_)) > len(still), "the container's going on")
    assert engine.request("POST", f"/containers/{id_}/pause").status == 204


@pytest.mark.parametrize("point", points("remove"))
def test_remove(engine: EngineProcess, point: str) -> None:
    arm(engine, point)
    command = f"echo begun; {SERVER}"
    id_ = run(engine, command, name="goes", **ANONYMOUS, **publish(port := free_port()))
    await_page(port)
    die_in(engine, "DELETE", f"/containers/{id_}", force=1, v=1)
    if engine.containers():
        assert point == "remove.killed"
        assert_nothing_runs(engine, id_)
        assert engine.request("DELETE", f"/containers/{id_}", v=1).status == 204
    assert leaks.leftovers(engine) == []
    assert [each["Action"] for each in engine.events(container=id_)].count("destroy") == 1
    run(engine, command, name="goes", **ANONYMOUS, **publish(port))
    await_page(port)


@pytest.mark.parametrize("point", ["remove.begun", "remove.layers-released"])
def test_layers_go_with_the_last_that_stands_on_them(engine: EngineProcess, point: str) -> None:
    before = layers(engine)
    arm(engine, point)
    engine.request("POST", "/images/create", fromImage="layered", tag="latest")
    reply = engine.request("POST", "/containers/create", {"Image": "layered"})
    assert engine.request("DELETE", "/images/layered", force=1).status == 200
    assert layers(engine) > before
    die_in(engine, "DELETE", f"/containers/{reply.json['Id']}")
    eventually(lambda: layers(engine) == before, "the end of the layers")


def layers(engine: EngineProcess) -> set[str]:
    """The files of all layers."""
    return {str(each) for each in (engine.data_root / "layers").rglob("*") if each.is_file()}

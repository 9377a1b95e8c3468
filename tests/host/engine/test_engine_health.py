"""Health on the real kernel: probes that run, time out, come again after the engine, and heal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import pytest
from tests.support.engine import EngineProcess
from tests.support.scenes import PATIENT, SERVER, create, start
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

MS = 1_000_000
QUICK = {"Interval": 50 * MS, "Timeout": 2000 * MS, "Retries": 2}
FILE = ["CMD-SHELL", "echo looked; test -e /ok"]


def run(
    engine: EngineProcess,
    test: Sequence[str],
    *,
    command: str = PATIENT,
    labels: dict[str, str] | None = None,
    host: dict[str, object] | None = None,
    **settings: object,
) -> str:
    """A started busybox with a probe; its id."""
    body: dict[str, object] = {
        "Image": "busybox",
        "Cmd": ["sh", "-c", command],
        "Labels": labels or {},
        "Healthcheck": {"Test": list(test), **QUICK, **settings},
        "HostConfig": host or {},
    }
    reply = engine.request("POST", "/containers/create", body)
    assert reply.status == 201, reply.body
    id_ = str(reply.json["Id"])
    start(engine, id_)
    return id_


def health(engine: EngineProcess, id_: str) -> dict[str, Any]:
    found = engine.state(id_)["Health"]
    assert isinstance(found, dict)
    return found


def await_status(engine: EngineProcess, id_: str, status: str) -> dict[str, Any]:
    def look() -> dict[str, Any]:
        found = health(engine, id_)
        return found if found["Status"] == status else {}

    return eventually(look, f"{status} of {id_}")


def inside(engine: EngineProcess, id_: str, *command: str) -> None:
    """Run a program on the container's files."""
    root = f"/proc/{engine.state(id_)['Pid']}/root"
    subprocess.run([each.replace("@", root) for each in command], check=True)


def actions(engine: EngineProcess, id_: str) -> list[str]:
    """What happened to the container, by the event log."""
    query = {"since": 1, "until": f"{time.time():.9f}", "filters": f'{{"container":["{id_}"]}}'}
    lines = engine.request("GET", "/events", **query).body.splitlines()
    return [json.loads(line)["Action"] for line in lines if line]


def test_health_follows_the_program(engine: EngineProcess) -> None:
    id_ = run(engine, FILE)
    first = await_status(engine, id_, "unhealthy")
    assert first["FailingStreak"] >= 2
    assert {(each["ExitCode"], each["Output"]) for each in first["Log"]} == {(1, "looked\n")}
    inside(engine, id_, "touch", "@/ok")
    assert await_status(engine, id_, "healthy")["FailingStreak"] == 0
    inside(engine, id_, "rm", "@/ok")
    await_status(engine, id_, "unhealthy")
    told = [each for each in actions(engine, id_) if each.startswith("health_status")]
    assert told == [f"health_status: {word}" for word in ("unhealthy", "healthy", "unhealthy")]


def test_five_probes_are_remembered(engine: EngineProcess) -> None:
    id_ = run(engine, ["CMD", "true"])
    eventually(lambda: actions(engine, id_).count("exec_die") > 6)
    log = health(engine, id_)["Log"]
    assert len(log) == 5
    assert [each["End"] for each in log] == sorted(each["End"] for each in log)
    kinds = {each.partition(":")[0] for each in actions(engine, id_)}
    assert {"exec_create", "exec_start", "exec_die"} <= kinds


def test_failures_in_the_start_period_do_not_count(engine: EngineProcess) -> None:
    id_ = run(engine, FILE, StartPeriod=600_000 * MS, StartInterval=30 * MS, Interval=600_000 * MS)
    eventually(lambda: len(health(engine, id_)["Log"]) == 5)
    assert (health(engine, id_)["Status"], health(engine, id_)["FailingStreak"]) == ("starting", 0)
    inside(engine, id_, "touch", "@/ok")
    await_status(engine, id_, "healthy")


def test_a_probe_that_hangs_is_killed_with_its_children(engine: EngineProcess) -> None:
    id_ = run(engine, ["CMD-SHELL", "echo before; sleep 4321 & sleep 4321"], Timeout=200 * MS)
    found = eventually(lambda: health(engine, id_)["Log"])[0]
    assert found["ExitCode"] == -1
    assert found["Output"] == "Health check exceeded timeout (200ms): before\n"
    await_status(engine, id_, "unhealthy")
    engine.request("POST", f"/containers/{id_}/pause")
    eventually(lambda: sleepers() == [])


def sleepers() -> list[str]:
    found = subprocess.run(["pgrep", "-fx", "sleep 4321"], capture_output=True, text=True)
    return found.stdout.split()


def test_a_program_that_is_missing_fails_the_probe(engine: EngineProcess) -> None:
    id_ = run(engine, ["CMD", "curl", "http://localhost"])
    probe = eventually(lambda: health(engine, id_)["Log"])[0]
    assert probe["ExitCode"] == -1
    assert 'exec: "curl": executable file not found in $PATH' in probe["Output"]
    await_status(engine, id_, "unhealthy")


def test_a_long_output_is_cut(engine: EngineProcess) -> None:
    id_ = run(engine, ["CMD-SHELL", "head -c 100000 /dev/zero | tr '\\0' x"])
    probe = eventually(lambda: health(engine, id_)["Log"])[0]
    assert probe["Output"] == "x" * 4096 + "..."


@pytest.mark.parametrize("network", ["bridge", "host", "none"])
def test_http_and_tcp_probes_need_nothing_of_the_image(engine: EngineProcess, network: str) -> None:
    port = 18080
    server = f"mkdir -p /w; echo page > /w/index.html; exec httpd -f -h /w -p {port}"
    host: dict[str, object] = {"NetworkMode": network}
    id_ = run(engine, ["HTTP", f":{port}/"], command=server, host=host)
    last = await_status(engine, id_, "healthy")["Log"][-1]
    assert last["Output"] == f"http://127.0.0.1:{port}/: 200 OK\npage\n"


def test_http_probe_of_a_missing_page(engine: EngineProcess) -> None:
    id_ = run(engine, ["HTTP", ":80/nothing"], command=SERVER)
    last = await_status(engine, id_, "unhealthy")["Log"][-1]
    assert last["ExitCode"] == 1
    assert last["Output"].startswith("http://127.0.0.1:80/nothing: 404")


def test_tcp_probe(engine: EngineProcess) -> None:
    id_ = run(engine, ["TCP", "80"], command=f"sleep 0.3; {SERVER}", Retries=1)
    last = await_status(engine, id_, "unhealthy")["Log"][-1]
    assert last["Output"] == "connect to 127.0.0.1:80: connection refused"
    await_status(engine, id_, "healthy")


def test_a_server_on_the_ipv6_loopback_is_found(engine: EngineProcess) -> None:
    command = "mkdir -p /w; echo six > /w/index.html; exec httpd -f -h /w -p [::1]:80"
    id_ = run(engine, ["HTTP", ":80"], command=command)
    last = await_status(engine, id_, "healthy")["Log"][-1]
    assert last["Output"] == "http://[::1]:80/: 200 OK\nsix\n"


def test_connection_probes_time_out(engine: EngineProcess) -> None:
    """A server that takes connections and never answers."""
    command = f"httpd -f -p 80 & sleep 0.1; kill -STOP $!; {PATIENT}"
    id_ = run(engine, ["HTTP", ":80"], command=command, Timeout=150 * MS)
    await_status(engine, id_, "unhealthy")
    words = "Health check exceeded timeout (150ms): "
    eventually(lambda: engine.state(id_)["Health"]["Log"][-1]["Output"].startswith(words))


def test_our_own_command_line_says_it_by_flags(engine: EngineProcess) -> None:
    flags = ["--health-http", ":80/", "--on-unhealthy", "restart", "--health-interval", "50ms"]
    words = ["run", "-d", "--name", "web", *flags, "busybox", "sh", "-c", SERVER]
    subprocess.run(
        [sys.executable, "-m", "budu.cli.main", *words],
        env=os.environ | {"DOCKER_HOST": engine.host},
        capture_output=True,
        check=True,
    )
    await_status(engine, "web", "healthy")
    config = engine.inspect("web")["Config"]["Healthcheck"]
    assert config == {"Test": ["HTTP", ":80/"], "Interval": 50 * MS, "OnUnhealthy": "restart"}


def test_an_action_without_a_probe_is_told(engine: EngineProcess) -> None:
    body = {"Image": "busybox", "Cmd": ["true"], "Healthcheck": {"OnUnhealthy": "restart"}}
    reply = engine.request("POST", "/containers/create", body)
    warning = "OnUnhealthy has no effect: the container has no health check."
    assert (reply.status, reply.json["Warnings"]) == (201, [warning])


def test_labels_say_it_too(engine: EngineProcess) -> None:
    body = {
        "Image": "busybox",
        "Cmd": ["sh", "-c", SERVER],
        "Labels": {"budu.health-http": ":80", "budu.on-unhealthy": "stop"},
        "Healthcheck": {"Interval": 50 * MS},
    }
    id_ = engine.request("POST", "/containers/create", body).json["Id"]
    start(engine, id_)
    await_status(engine, id_, "healthy")
    config = engine.inspect(id_)["Config"]["Healthcheck"]
    assert config == {"Test": ["HTTP", ":80"], "Interval": 50 * MS, "OnUnhealthy": "stop"}


def test_a_paused_container_is_not_probed(engine: EngineProcess) -> None:
    id_ = run(engine, ["CMD", "true"])
    await_status(engine, id_, "healthy")
    engine.request("POST", f"/containers/{id_}/pause")
    before = health(engine, id_)
    other = run(engine, ["CMD", "true"])
    eventually(lambda: actions(engine, other).count("exec_die") > 3)
    assert health(engine, id_) == before
    engine.request("POST", f"/containers/{id_}/unpause")
    eventually(lambda: health(engine, id_)["Log"] != before["Log"])


def test_health_begins_anew_with_the_container(engine: EngineProcess) -> None:
    id_ = run(engine, ["CMD", "true"])
    await_status(engine, id_, "healthy")
    engine.request("POST", f"/containers/{id_}/kill")
    assert health(engine, id_)["Status"] == "unhealthy"
    start(engine, id_)
    await_status(engine, id_, "healthy")


def test_health_outlives_the_engine(engine: EngineProcess) -> None:
    id_ = run(engine, FILE, Interval=100 * MS)
    inside(engine, id_, "touch", "@/ok")
    await_status(engine, id_, "healthy")
    engine.kill()
    engine.start()
    state = health(engine, id_)
    assert state["Status"] == "healthy"
    assert state["Log"]
    inside(engine, id_, "rm", "@/ok")
    await_status(engine, id_, "unhealthy")


def test_a_probe_of_a_killed_engine_does_not_stay(engine: EngineProcess) -> None:
    id_ = run(engine, ["CMD", "sleep", "4321"], Timeout=60_000 * MS)
    eventually(sleepers)
    left = sleepers()
    engine.kill()
    assert sleepers() == left
    engine.start()
    eventually(lambda: not set(sleepers()) & set(left))
    engine.stop()
    engine.start()
    assert engine.state(id_)["Running"]


@pytest.mark.parametrize(("action", "policy"), [("restart", "no"), ("kill", "always")])
def test_an_unhealthy_container_is_healed(engine: EngineProcess, action: str, policy: str) -> None:
    """Twice, the second time after a pause; and not any more once it is well."""
    heals = "test $(cat /n) -ge 3"
    command = f"n=$(cat /n || echo 0); echo $((n+1)) > /n; {PATIENT}"
    host: dict[str, object] = {"RestartPolicy": {"Name": policy}}
    id_ = run(engine, ["CMD-SHELL", heals], command=command, OnUnhealthy=action, host=host)
    await_status(engine, id_, "healthy")
    happened = actions(engine, id_)
    assert happened.count(f"heal: {action}") == 2
    assert happened.count("start") == 3


@pytest.mark.parametrize("action", ["stop", "kill"])
def test_an_unhealthy_container_is_ended(engine: EngineProcess, action: str) -> None:
    id_ = run(engine, ["CMD", "false"], OnUnhealthy=action)
    eventually(lambda: engine.state(id_)["Status"] == "exited")
    assert engine.state(id_)["ExitCode"] == (0 if action == "stop" else 137)
    assert actions(engine, id_).count("start") == 1


def test_rows_show_health_and_are_filtered_by_it(engine: EngineProcess) -> None:
    well = run(engine, ["CMD", "true"])
    ill = run(engine, ["CMD", "false"])
    slow = run(engine, ["CMD", "true"], Interval=600_000 * MS)
    bare = create(engine, ["sleep", "60"])
    start(engine, bare)
    await_status(engine, well, "healthy")
    await_status(engine, ill, "unhealthy")
    for status, id_, note in (
        ("healthy", well, "(healthy)"),
        ("unhealthy", ill, "(unhealthy)"),
        ("starting", slow, "(health: starting)"),
        ("none", bare, "second"),
    ):
        query = f'{{"health":["{status}"]}}'
        rows = engine.request("GET", "/containers/json", filters=query).json
        assert [row["Id"] for row in rows] == [id_]
        assert rows[0]["Status"].endswith(note) or status == "none"


@pytest.mark.parametrize(
    ("health_config", "message"),
    [
        ({"Interval": 1}, "Interval in Healthcheck cannot be less than 1ms"),
        ({"StartInterval": -5}, "StartInterval in Healthcheck cannot be less than 1ms"),
        ({"Retries": -1}, "Retries in Healthcheck cannot be negative"),
        ({"Test": ["HTTP", "x"]}, "invalid address 'x' in Healthcheck"),
    ],
)
def test_senseless_probes_are_refused(
    engine: EngineProcess, health_config: dict[str, object], message: str
) -> None:
    body = {"Image": "busybox", "Cmd": ["true"], "Healthcheck": health_config}
    reply = engine.request("POST", "/containers/create", body)
    assert (reply.status, reply.message) == (400, message)

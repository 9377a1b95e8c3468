"""Health and restarts with the genuine docker command line and docker-py."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import docker as docker_py
import pytest
from tests.support.docker import Docker
from tests.support.engine import EngineProcess
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

QUICK = ("--health-interval", "50ms", "--health-retries", "2")
SLEEP = ("busybox", "sleep", "600")


@pytest.fixture
def client(engine: EngineProcess) -> Iterator[docker_py.DockerClient]:
    client = docker_py.DockerClient(base_url=engine.host)
    yield client
    client.close()


def status(docker: Docker, ref: str) -> str:
    return docker("inspect", "-f", "{{.State.Health.Status}}", ref)


def test_run_inspect_and_ps(docker: Docker) -> None:
    test = "echo looked; test -e /ok"
    docker("run", "-d", "--name", "web", "--health-cmd", test, *QUICK, *SLEEP)
    eventually(lambda: status(docker, "web") == "unhealthy")
    assert docker("ps", "--format", "{{.Status}}").endswith(" (unhealthy)")
    assert docker("ps", "-q", "--filter", "health=healthy") == ""
    touch_ok(docker, "web")
    eventually(lambda: status(docker, "web") == "healthy")
    assert docker("ps", "--format", "{{.Status}}").endswith(" (healthy)")
    assert docker("ps", "--filter", "health=healthy", "--format", "{{.Names}}") == "web"
    health = json.loads(docker("inspect", "-f", "{{json .State.Health}}", "web"))
    assert health["FailingStreak"] == 0
    assert health["Log"][-1]["Output"] == "looked\n"
    config = json.loads(docker("inspect", "-f", "{{json .Config.Healthcheck}}", "web"))
    assert config == {"Test": ["CMD-SHELL", test], "Interval": 50_000_000, "Retries": 2}


def touch_ok(docker: Docker, ref: str) -> None:
    """A file in the container, by its process's root."""
    pid = docker("inspect", "-f", "{{.State.Pid}}", ref)
    Path(f"/proc/{pid}/root/ok").touch()


def test_before_the_first_probe_it_is_starting(docker: Docker) -> None:
    docker("run", "-d", "--name", "web", "--health-cmd", "true", *SLEEP)
    assert status(docker, "web") == "starting"
    assert docker("ps", "--format", "{{.Status}}").endswith(" (health: starting)")


def test_no_healthcheck(docker: Docker) -> None:
    docker("run", "-d", "--name", "web", "--no-healthcheck", *SLEEP)
    assert docker("inspect", "-f", "{{.Config.Healthcheck.Test}}", "web") == "[NONE]"
    assert docker("inspect", "-f", "{{.State.Health}}", "web") == "<nil>"
    assert docker("ps", "-q", "--filter", "health=none") != ""


def test_events_tell_of_probes_and_health(docker: Docker) -> None:
    docker("run", "-d", "--name", "told", "--health-cmd", "true", *QUICK, *SLEEP)
    eventually(lambda: status(docker, "told") == "healthy")
    told = docker(
        "events", "--since", "1", "--until", f"{time.time():.9f}",
        "--filter", "container=told", "--format", "{{.Action}}",
    ).splitlines()  # fmt: skip
    assert told[:2] == ["create", "start"]
    probe = ["exec_create: /bin/sh -c true", "exec_start: /bin/sh -c true", "exec_die"]
    assert told[2:6] == [*probe, "health_status: healthy"]
    only = docker(
        "events", "--since", "1", "--until", f"{time.time():.9f}",
        "--filter", "event=health_status", "--filter", "container=told",
    )  # fmt: skip
    assert "health_status: healthy" in only


def test_labels_bring_what_docker_cannot_say(docker: Docker) -> None:
    docker(
        "run", "-d", "--name", "web", "--label", "budu.health-tcp=80",
        "--label", "budu.on-unhealthy=stop", *QUICK, *SLEEP,
    )  # fmt: skip
    eventually(lambda: docker("inspect", "-f", "{{.State.Status}}", "web") == "exited")
    assert docker("inspect", "-f", "{{.Config.Healthcheck.Test}}", "web") == "[TCP 80]"


def test_wrong_values_are_refused_in_docker_s_words(docker: Docker) -> None:
    done = docker.run("run", "--health-cmd", "true", "--health-interval", "1us", *SLEEP)
    assert done.status == 125
    assert "Interval in Healthcheck cannot be less than 1ms" in done.err


def test_ps_tells_of_a_restarting_container(docker: Docker) -> None:
    docker("run", "-d", "--name", "ill", "--restart", "always", "busybox", "sh", "-c", "exit 3")
    eventually(lambda: docker("ps", "--format", "{{.Status}}").startswith("Restarting (3) "))
    eventually(lambda: int(docker("inspect", "-f", "{{.RestartCount}}", "ill")) > 2)


def test_docker_py_health(client: docker_py.DockerClient) -> None:
    second = 1_000_000_000
    container = client.containers.run(
        "busybox",
        ["sleep", "600"],
        detach=True,
        healthcheck={"test": ["CMD", "true"], "interval": second // 20, "retries": 2},
    )

    def is_healthy() -> bool:
        container.reload()
        return bool(container.health == "healthy")

    eventually(is_healthy)
    assert container.attrs["State"]["Health"]["Log"][0]["ExitCode"] == 0
    assert [each.id for each in client.containers.list(filters={"health": "healthy"})] == [
        container.id
    ]

"""The genuine docker command line: ps, inspect, logs, events and the life of containers."""

import json
import re
import subprocess
import time

import pytest
from tests.support.docker import Docker
from tests.support.engine import EngineProcess
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

SLEEP = ("busybox", "sleep", "600")
PATIENT = ("busybox", "sh", "-c", "trap 'exit 0' TERM INT; while :; do sleep 0.1; done")


@pytest.fixture
def web(docker: Docker) -> str:
    """A running container called web that ends at once when it is told to; its id."""
    return docker("run", "-d", "--name", "web", "--label", "tier=front", *PATIENT)


@pytest.fixture
def ended(docker: Docker) -> str:
    """A container called ended that wrote to both streams and exited with 3; its id."""
    script = "echo one; echo two >&2; echo three; exit 3"
    docker.run("run", "--name", "ended", "busybox", "sh", "-c", script)
    return docker("ps", "-lq", "--no-trunc")


# ps


def test_ps_shows_running_ones(docker: Docker, web: str, ended: str) -> None:
    done = docker.run("ps")
    assert done.lines[0].split() == [
        "CONTAINER",
        "ID",
        "IMAGE",
        "COMMAND",
        "CREATED",
        "STATUS",
        "PORTS",
        "NAMES",
    ]
    (row,) = done.lines[1:]
    assert row.startswith(web[:12])
    assert "\"sh -c 'trap 'exit 0" in row
    assert " Up " in row and row.endswith("web")


def test_ps_all_last_and_quiet(docker: Docker, web: str, ended: str) -> None:
    assert docker("ps", "-aq", "--no-trunc").split() == [ended, web]
    assert docker("ps", "-lq") == ended[:12]
    assert docker("ps", "-n", "2", "--format", "{{.Names}}").split() == ["ended", "web"]
    status = docker("ps", "-a", "-f", "name=ended", "--format", "{{.Status}}")
    assert re.fullmatch(r"Exited \(3\) (Less than a second|\d+ seconds?) ago", status)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (["name=we"], ["web"]),
        (["name=^/?ended$"], ["ended"]),
        (["status=exited"], ["ended"]),
        (["status=running", "status=exited"], ["ended", "web"]),
        (["exited=3"], ["ended"]),
        (["exited=0"], []),
        (["label=tier"], ["web"]),
        (["label=tier=back"], []),
        (["ancestor=busybox"], ["ended", "web"]),
        (["ancestor=app:1.0"], []),
        (["before=ended"], ["web"]),
        (["since=web"], ["ended"]),
        (["network=bridge", "status=running"], ["web"]),
        (["volume=nope"], []),
    ],
)
def test_ps_filters(
    docker: Docker, web: str, ended: str, wanted: list[str], names: list[str]
) -> None:
    flags = [word for each in wanted for word in ("-f", each)]
    assert docker("ps", "-a", *flags, "--format", "{{.Names}}").split() == names


def test_ps_unknown_filter(docker: Docker) -> None:
    done = docker.run("ps", "-f", "colour=red")
    assert done.err == "Error response from daemon: invalid filter 'colour'\n"


def test_ps_size_and_json(docker: Docker, ended: str) -> None:
    docker.run("run", "--name", "writer", "busybox", "sh", "-c", "head -c 100000 /dev/zero > /x")
    row = json.loads(docker("ps", "-as", "-f", "name=writer", "--format", "json"))
    assert re.fullmatch(r"1\d\dkB \(virtual \d+(\.\d+)?MB\)", row["Size"])
    assert row["Image"] == "busybox"
    assert row["State"] == "exited"


def test_inspect(docker: Docker, web: str, engine: EngineProcess) -> None:
    (document,) = json.loads(docker("inspect", "web"))
    assert document["Id"] == web
    assert document["Name"] == "/web"
    assert document["State"]["Status"] == "running"
    assert document["State"]["Running"] is True
    assert document["Path"] == "sh"
    assert document["HostConfig"]["NetworkMode"] == "bridge"
    assert document["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    assert docker("inspect", "-f", "{{.Config.Image}} {{.RestartCount}}", web[:6]) == "busybox 0"


def test_inspect_of_nothing(docker: Docker) -> None:
    done = docker.run("inspect", "nope")
    assert (done.status, done.text) == (1, "[]")
    assert "no such object: nope" in done.err.lower()


# logs


def test_logs_keep_streams_apart(docker: Docker, ended: str) -> None:
    done = docker.run("logs", "ended")
    assert (done.out, done.err) == ("one\nthree\n", "two\n")


def test_logs_tail_and_times(docker: Docker) -> None:
    docker("run", "--name", "lines", "busybox", "sh", "-c", "echo one; echo two; echo three")
    assert docker("logs", "--tail", "1", "lines") == "three"
    assert docker("logs", "--tail", "2", "lines") == "two\nthree"
    assert docker("logs", "-n", "0", "lines") == ""
    stamp, _, line = docker("logs", "-t", "--tail", "1", "lines").partition(" ")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", stamp)
    assert line == "three"


def test_logs_since_and_until(docker: Docker) -> None:
    docker.run("run", "--name", "dated", "busybox", "sh", "-c", "echo a; sleep 0.2; echo b")
    first, second = (line.split()[0] for line in docker("logs", "-t", "dated").splitlines())
    assert docker("logs", "--since", second, "dated") == "b"
    assert docker("logs", "--until", first, "dated") == "a"
    assert docker("logs", "--since", "1h", "dated") == "a\nb"


def test_logs_follow_to_the_end(docker: Docker) -> None:
    script = "for n in 1 2 3 4 5; do echo $n; sleep 0.1; done"
    docker("run", "-d", "--name", "counter", "busybox", "sh", "-c", script)
    assert docker("logs", "-f", "counter").split() == ["1", "2", "3", "4", "5"]


def test_logs_follow_sees_the_next_line(docker: Docker) -> None:
    docker("run", "-d", "--name", "echoes", "-i", "busybox", "cat")
    with (
        docker.open(["logs", "-f", "echoes"], stdout=subprocess.PIPE, bufsize=0) as following,
        docker.open(
            ["attach", "echoes"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, bufsize=0
        ) as typing,
    ):
        assert typing.stdin and following.stdout
        for line in (b"first\n", b"second\n"):
            typing.stdin.write(line)
            assert following.stdout.readline() == line
        docker("kill", "echoes")
        assert following.wait(20) == 0


def test_logs_of_nothing(docker: Docker) -> None:
    done = docker.run("logs", "nope")
    assert (done.status, done.err) == (1, "Error response from daemon: No such container: nope\n")


# Life


def test_create_start_attach(docker: Docker) -> None:
    docker("create", "--name", "later", "busybox", "sh", "-c", "echo hello; exit 5")
    assert docker("ps", "-a", "--format", "{{.Status}}") == "Created"
    done = docker.run("start", "-a", "later")
    assert (done.status, done.out) == (5, "hello\n")
    assert docker.run("start", "-a", "later").out == "hello\n"
    assert docker("logs", "later") == "hello\nhello"


def test_start_with_input(docker: Docker) -> None:
    docker("create", "-i", "--name", "copies", "busybox", "cat")
    assert docker("start", "-ai", "copies", stdin=b"typed") == "typed"


def test_start_of_a_running_one_changes_nothing(docker: Docker, web: str) -> None:
    before = docker("inspect", "-f", "{{.State.Pid}}", "web")
    assert docker("start", "web") == "web"
    assert docker("inspect", "-f", "{{.State.Pid}}", "web") == before


def test_stop_and_start_keep_the_files(docker: Docker) -> None:
    docker("run", "-d", "--name", "box", "busybox", "sh", "-c", "echo x >> /count; sleep 600")
    docker("stop", "-t", "0", "box")
    assert docker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "box") == "exited 137"
    docker("start", "box")
    copied = eventually(lambda: docker("ps", "-s", "--format", "{{.Size}}"))
    assert copied.startswith("4B") or "virtual" in copied
    docker("restart", "-t", "0", "box")
    assert docker("inspect", "-f", "{{.State.Status}}", "box") == "running"


def test_stop_asks_first(docker: Docker, web: str) -> None:
    assert docker("stop", "web") == "web"
    assert docker("inspect", "-f", "{{.State.ExitCode}}", "web") == "0"
    assert docker("stop", "web") == "web"


def test_stop_signal(docker: Docker) -> None:
    script = "trap 'exit 9' USR1; while :; do sleep 0.1; done"
    docker("run", "-d", "--name", "usr", "--stop-signal", "USR1", "busybox", "sh", "-c", script)
    docker("stop", "usr")
    assert docker("inspect", "-f", "{{.State.ExitCode}}", "usr") == "9"
    docker("start", "usr")
    docker("stop", "-s", "KILL", "usr")
    assert docker("inspect", "-f", "{{.State.ExitCode}}", "usr") == "137"


def test_stop_of_a_paused_one_lets_it_end(docker: Docker, web: str) -> None:
    docker("pause", "web")
    docker("stop", "web")
    assert docker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "web") == "exited 0"


def test_kill_and_signals(docker: Docker, web: str) -> None:
    assert docker("kill", "-s", "TERM", "web") == "web"
    assert docker("wait", "web") == "0"
    done = docker.run("kill", "web")
    assert done.status == 1
    assert f"cannot kill container: web: container {web} is not running" in done.err
    assert "invalid signal: NONSENSE" in docker.run("kill", "-s", "NONSENSE", "web").err


def test_wait_answers_for_all(docker: Docker, ended: str, web: str) -> None:
    with docker.open(["wait", "ended", "web"], stdout=subprocess.PIPE) as waiting:
        docker("stop", "web")
        assert waiting.communicate(timeout=20)[0] == b"3\n0\n"


def test_pause_and_unpause(docker: Docker, web: str) -> None:
    docker("pause", "web")
    assert docker("ps", "--format", "{{.Status}}").endswith("(Paused)")
    assert f"{web} is already paused" in docker.run("pause", "web").err
    assert "paused container, unpause it first" in docker.run("attach", "web").err
    docker("unpause", "web")
    assert "is not paused" in docker.run("unpause", "web").err
    assert docker("inspect", "-f", "{{.State.Status}}", "web") == "running"


def test_restart_of_a_stopped_one_starts_it(docker: Docker, ended: str) -> None:
    docker("restart", "ended")
    assert docker("wait", "ended") == "3"


def test_rename(docker: Docker, web: str, ended: str) -> None:
    docker("rename", "web", "site")
    assert docker("ps", "--format", "{{.Names}}") == "site"
    done = docker.run("rename", "site", "ended")
    assert 'The container name "/ended" is already in use by container' in done.err
    docker("rename", "ended", "web")


def test_rm_rules(docker: Docker, web: str, ended: str) -> None:
    assert docker("rm", "ended") == "ended"
    done = docker.run("rm", "web")
    assert done.status == 1
    assert (
        'cannot remove container "/web": container is running: stop the container before '
        "removing or force remove" in done.err
    )
    assert docker("rm", "-f", web[:8]) == web[:8]
    assert docker.run("rm", "web").err == "Error response from daemon: No such container: web\n"
    assert docker.run("rm", "-f", "web").status == 0
    assert docker("ps", "-aq") == ""


def test_rm_force_of_a_paused_one(docker: Docker, web: str) -> None:
    docker("pause", "web")
    docker("rm", "-f", "web")
    assert docker("ps", "-aq") == ""


def test_container_prune(docker: Docker, web: str, ended: str) -> None:
    shown = docker("container", "prune", "-f")
    assert ended in shown and "Total reclaimed space" in shown
    assert docker("ps", "-aq", "--no-trunc") == web


def test_restart_on_failure_gives_up(docker: Docker) -> None:
    docker("run", "-d", "--name", "fails", "--restart", "on-failure:2", "busybox", "false")
    eventually(
        lambda: (
            docker("inspect", "-f", "{{.RestartCount}} {{.State.Status}}", "fails") == "2 exited"
        )
    )


def test_restart_always_until_stopped(docker: Docker) -> None:
    docker("run", "-d", "--name", "again", "--restart", "always", "busybox", "true")
    eventually(lambda: int(docker("inspect", "-f", "{{.RestartCount}}", "again")) >= 2)
    docker("stop", "again")
    assert docker("inspect", "-f", "{{.State.Status}}", "again") == "exited"


def test_a_killed_one_is_not_restarted(docker: Docker) -> None:
    docker("run", "-d", "--name", "dead", "--restart", "always", *SLEEP)
    docker("kill", "dead")
    assert docker("inspect", "-f", "{{.State.Status}}", "dead") == "exited"


# The engine


def test_events_between_two_times(docker: Docker) -> None:
    since = f"{time.time():.9f}"
    id_ = docker("create", "--name", "seen", "--label", "k=v", "busybox", "true")
    docker("start", "-a", "seen")
    docker("rm", "seen")
    flags = ("--since", since, "--until", f"{time.time():.9f}", "--format", "json")
    events = [json.loads(line) for line in docker("events", *flags).splitlines()]
    actions = [each["Action"] for each in events if each["Type"] == "container"]
    assert actions == ["create", "attach", "start", "die", "destroy"]
    die = next(each for each in events if each["Action"] == "die")
    assert die["Actor"]["ID"] == id_
    attributes = die["Actor"]["Attributes"]
    assert attributes.pop("execDuration") == "0"
    assert attributes == {"exitCode": "0", "image": "busybox", "name": "seen", "k": "v"}


def test_event_filters(docker: Docker) -> None:
    since = f"{time.time():.9f}"
    id_ = docker("run", "-d", "--name", "first", "--label", "k=v", "busybox", "true")
    docker("wait", "first")
    docker("run", "--rm", "--name", "second", "busybox", "true")
    flags = ("--since", since, "--until", f"{time.time():.9f}", "--format", "{{.Action}}")
    assert docker("events", *flags, "-f", f"container={id_}", "-f", "event=die") == "die"
    assert docker("events", *flags, "-f", "container=second", "-f", "event=start") == "start"
    assert docker("events", *flags, "-f", "label=k=v").split() == ["create", "start", "die"]
    assert docker("events", *flags, "-f", "image=busybox", "-f", "event=create").split() == [
        "create",
        "create",
    ]


def test_events_come_live(docker: Docker) -> None:
    command = ["events", "--format", "{{.Type}} {{.Action}}", "-f", "type=volume"]
    with docker.open(command, stdout=subprocess.PIPE, bufsize=0) as following:
        assert following.stdout
        eventually(lambda: docker("info", "-f", "{{.NEventsListener}}") != "0")
        docker("volume", "create", "fresh")
        assert following.stdout.readline() == b"volume create\n"
        docker("volume", "rm", "fresh")
        assert following.stdout.readline() == b"volume destroy\n"
        following.terminate()


def test_info_and_version(docker: Docker, web: str, ended: str, engine: EngineProcess) -> None:
    facts = json.loads(docker("info", "-f", "{{json .}}"))
    assert (facts["Containers"], facts["ContainersRunning"], facts["ContainersStopped"]) == (
        2,
        1,
        1,
    )
    assert facts["DockerRootDir"] == str(engine.data_root)
    assert facts["OSType"] == "linux"
    assert "Server Version:" in docker("info")
    assert docker("version", "-f", "{{.Server.APIVersion}}") == "1.51"
    assert "Server: budu" in docker("version")


def test_networks_and_volumes_are_listed(docker: Docker) -> None:
    names = docker("network", "ls", "--format", "{{.Name}} {{.Driver}} {{.Scope}}").splitlines()
    assert names == ["bridge bridge local", "host host local", "none null local"]
    docker("volume", "create", "--label", "a=b", "mine")
    assert docker("volume", "ls", "-f", "label=a=b", "-q") == "mine"
    assert docker("volume", "ls", "-f", "dangling=true", "-q") == "mine"
    assert docker("volume", "inspect", "-f", "{{.Driver}}", "mine") == "local"
    done = docker.run("volume", "inspect", "nope")
    assert (done.status, done.text) == (1, "[]")
    assert "get nope: no such volume" in done.err


def test_old_api_versions_are_served(docker: Docker, web: str) -> None:
    docker.environment["DOCKER_API_VERSION"] = "1.40"
    try:
        assert docker("ps", "-q", "--no-trunc") == web
        assert docker("run", "--rm", "busybox", "echo", "old") == "old"
        assert docker("images", "-q")
    finally:
        del docker.environment["DOCKER_API_VERSION"]

"""Containers that share: networks, processes, memory and volumes of each other."""

import os

import pytest
from tests.support.engine import EngineProcess
from tests.support.scenes import PATIENT, SERVER, create, logs, run, start, try_create, wait
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


def namespace(engine: EngineProcess, ref: str, kind: str) -> str:
    return os.readlink(f"/proc/{engine.state(ref)['Pid']}/ns/{kind}")


@pytest.mark.parametrize(
    ("field", "kind"), [("NetworkMode", "net"), ("PidMode", "pid"), ("IpcMode", "ipc")]
)
def test_a_namespace_is_the_donors(engine: EngineProcess, field: str, kind: str) -> None:
    donor = run(engine, PATIENT, name="donor", IpcMode="shareable")
    joined = run(engine, PATIENT, name="joined", **{field: "container:donor"})
    assert namespace(engine, "joined", kind) == namespace(engine, "donor", kind)
    assert namespace(engine, "joined", "mnt") != namespace(engine, "donor", "mnt")
    assert engine.inspect(joined)["HostConfig"][field] == f"container:{donor}"


def test_a_shared_network_serves_on_the_same_loopback(engine: EngineProcess) -> None:
    run(engine, SERVER, name="web")
    client = run(
        engine,
        "hostname; cat /etc/hostname; "
        "for n in 1 2 3 4 5 6 7 8 9; do nc 127.0.0.1 80 </dev/null && break; sleep 0.2; done; "
        "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc 127.0.0.1 80",
        name="client",
        NetworkMode="container:web",
    )
    assert wait(engine, client) == 0
    first, second, *rest = logs(engine, client).decode().splitlines()
    assert first == second == engine.inspect("web")["Config"]["Hostname"]
    assert "page" in rest[-1]
    assert engine.inspect(client)["NetworkSettings"]["Networks"] == {}


def test_a_shared_pid_namespace_shows_the_donors_processes(engine: EngineProcess) -> None:
    run(engine, "exec sleep 12345", name="donor")
    looker = run(engine, "ps", name="looker", PidMode="container:donor")
    wait(engine, looker)
    assert b"sleep 12345" in logs(engine, looker)


def test_shared_memory_is_seen_by_both(engine: EngineProcess) -> None:
    run(engine, f"echo told > /dev/shm/note; {PATIENT}", name="donor", IpcMode="shareable")
    eventually(lambda: _note(engine), "the note")
    reader = run(
        engine, "cat /dev/shm/note; echo back > /dev/shm/answer", IpcMode="container:donor"
    )
    wait(engine, reader)
    assert logs(engine, reader) == b"told\n"
    pid = engine.state("donor")["Pid"]
    with open(f"/proc/{pid}/root/dev/shm/answer") as answer:  # noqa: PTH123
        assert answer.read() == "back\n"


def _note(engine: EngineProcess) -> bool:
    return os.path.exists(f"/proc/{engine.state('donor')['Pid']}/root/dev/shm/note")


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("NetworkMode", "cannot join network of a non running container: ID"),
        ("PidMode", "cannot join PID namespace of a non running container: ID"),
        ("IpcMode", "cannot join IPC of a non running container: ID"),
    ],
)
def test_a_donor_has_to_run(engine: EngineProcess, field: str, words: str) -> None:
    donor = create(engine, PATIENT, name="donor", IpcMode="shareable")
    joined = create(engine, "true", **{field: "container:donor"})
    reply = engine.request("POST", f"/containers/{joined}/start")
    assert (reply.status, reply.message.replace(donor, "ID")) == (409, words)
    start(engine, "donor")
    start(engine, joined)


def test_private_ipc_is_not_shared(engine: EngineProcess) -> None:
    run(engine, PATIENT, name="donor")
    joined = create(engine, "true", IpcMode="container:donor")
    reply = engine.request("POST", f"/containers/{joined}/start")
    assert reply.status == 400
    assert (
        "non-shareable IPC (hint: use IpcMode:shareable for the donor container)" in reply.message
    )


def test_a_donor_has_to_exist(engine: EngineProcess) -> None:
    id_ = create(engine, "true", NetworkMode="container:nobody")
    reply = engine.request("POST", f"/containers/{id_}/start")
    assert (reply.status, reply.message) == (404, "No such container: nobody")


def test_a_mode_names_its_donor(engine: EngineProcess) -> None:
    reply = try_create(engine, "true", NetworkMode="container:")
    words = "invalid network mode: invalid container format container:<name|id>"
    assert (reply.status, reply.message) == (400, words)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (
            {"PortBindings": {"80/tcp": [{"HostPort": "8080"}]}},
            "port publishing and the container type network mode",
        ),
        ({"Dns": ["9.9.9.9"]}, "dns and the network mode"),
        ({"ExtraHosts": ["a:1.2.3.4"]}, "custom host-to-IP mapping and the network mode"),
    ],
)
def test_what_a_shared_network_excludes(
    engine: EngineProcess, option: dict[str, object], words: str
) -> None:
    create(engine, PATIENT, name="donor")
    reply = try_create(engine, "true", NetworkMode="container:donor", **option)
    assert (reply.status, reply.message) == (400, f"conflicting options: {words}")


def test_volumes_from_another_container(engine: EngineProcess, tmp_path) -> None:
    binds = ["data:/data", f"{tmp_path}:/bound"]
    keeper = run(engine, "echo kept > /data/file; echo seen > /bound/file", Binds=binds)
    wait(engine, keeper)
    id_ = run(engine, "cat /data/file /bound/file; touch /data/more", VolumesFrom=[keeper])
    assert wait(engine, id_) == 0
    assert logs(engine, id_) == b"kept\nseen\n"
    read_only = run(engine, "touch /data/other", VolumesFrom=[f"{keeper}:ro"])
    assert wait(engine, read_only) == 1


def test_an_own_mount_goes_before_an_inherited_one(engine: EngineProcess) -> None:
    create(engine, "true", name="keeper", Binds=["first:/data"])
    id_ = create(engine, "true", VolumesFrom=["keeper"], Binds=["second:/data"])
    assert [each["Name"] for each in engine.inspect(id_)["Mounts"]] == ["second"]


@pytest.mark.parametrize(
    ("ref", "status", "words"),
    [
        ("", 400, "volumes-from specification cannot be an empty string"),
        ("keeper:wx", 400, "invalid mode: wx"),
        ("nobody", 400, "No such container: nobody"),
    ],
)
def test_volumes_from_nonsense(engine: EngineProcess, ref: str, status: int, words: str) -> None:
    create(engine, "true", name="keeper")
    reply = try_create(engine, "true", VolumesFrom=[ref])
    assert (reply.status, reply.message) == (status, words)

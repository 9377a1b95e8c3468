"""`--link`: names and variables of another container on the default bridge."""

import pytest
from tests.support.engine import EngineProcess, Reply
from tests.support.scenes import PATIENT, create, logs, run, start, try_create, wait
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


def serve(engine: EngineProcess, name: str) -> str:
    """A container that others may link to; its address."""
    body = {
        "Image": "busybox",
        "Cmd": ["sh", "-c", PATIENT],
        "Env": ["MODE=fast", "PATH=/bin"],
        "ExposedPorts": {"5432/tcp": {}, "53/udp": {}},
    }
    assert engine.request("POST", "/containers/create", body, name=name).status == 201
    start(engine, name)
    return address(engine, name)


def address(engine: EngineProcess, name: str) -> str:
    return str(engine.inspect(name)["NetworkSettings"]["IPAddress"])


def test_names_and_variables(engine: EngineProcess) -> None:
    ip = serve(engine, "db")
    web = run(engine, "cat /etc/hosts; env", name="web", Links=["db:base"])
    assert wait(engine, web) == 0
    told = logs(engine, web).decode().splitlines()
    hostname = engine.inspect("db")["Config"]["Hostname"]
    assert f"{ip}\tbase {hostname} db" in told
    assert {
        f"BASE_PORT=udp://{ip}:53",
        "BASE_NAME=/web/base",
        f"BASE_PORT_5432_TCP=tcp://{ip}:5432",
        f"BASE_PORT_5432_TCP_ADDR={ip}",
        "BASE_PORT_5432_TCP_PORT=5432",
        "BASE_PORT_5432_TCP_PROTO=tcp",
        f"BASE_PORT_53_UDP=udp://{ip}:53",
        "BASE_ENV_MODE=fast",
    } <= set(told)
    assert not any(line.startswith("BASE_ENV_PATH") for line in told)


def test_both_ends_show_it(engine: EngineProcess) -> None:
    serve(engine, "db")
    create(engine, "true", name="web", Links=["db"])
    assert engine.inspect("web")["HostConfig"]["Links"] == ["/db:/web/db"]
    assert names(engine, "db") == ["/db", "/web/db"]
    engine.request("POST", "/containers/web/rename", name="shop")
    assert engine.inspect("shop")["HostConfig"]["Links"] == ["/db:/shop/db"]
    assert names(engine, "db") == ["/db", "/shop/db"]
    engine.request("DELETE", "/containers/shop")
    assert names(engine, "db") == ["/db"]


def names(engine: EngineProcess, name: str) -> list[str]:
    (row,) = (each for each in engine.containers() if each["Names"][0] == f"/{name}")
    return list(row["Names"])


def test_a_link_is_removed_alone(engine: EngineProcess) -> None:
    serve(engine, "db")
    create(engine, "true", name="web", Links=["db"])
    assert remove_link(engine, "web/db").status == 204
    assert engine.inspect("web")["HostConfig"]["Links"] is None
    assert names(engine, "db") == ["/db"]
    assert remove_link(engine, "web/db").status == 404


def remove_link(engine: EngineProcess, link: str) -> Reply:
    return engine.request("DELETE", f"/containers/{link}", link=1)


def test_a_new_address_is_told(engine: EngineProcess) -> None:
    serve(engine, "db")
    run(engine, PATIENT, name="web", Links=["db"])
    engine.request("POST", "/containers/db/stop")
    run(engine, PATIENT, name="squatter")
    start(engine, "db")
    new = address(engine, "db")
    pid = engine.state("web")["Pid"]

    def hosts() -> str:
        with open(f"/proc/{pid}/root/etc/hosts") as file:  # noqa: PTH123
            return file.read()

    eventually(lambda: f"{new}\tdb" in hosts(), "the new line")


def test_the_other_has_to_run(engine: EngineProcess) -> None:
    create(engine, PATIENT, name="db")
    web = create(engine, "true", name="web", Links=["db"])
    reply = engine.request("POST", f"/containers/{web}/start")
    assert reply.status == 409
    assert reply.message == "Cannot link to a non running container: /db AS /web/db"


@pytest.mark.parametrize(
    ("links", "mode", "status", "words"),
    [
        (["nobody:x"], "bridge", 400, "could not get container for nobody: No such container: "),
        (["a:b:c"], "bridge", 400, "bad format for links: a:b:c"),
        (["db"], "host", 400, "conflicting options: host type networking can't be used with links"),
    ],
)
def test_links_that_cannot_be(
    engine: EngineProcess, links: list[str], mode: str, status: int, words: str
) -> None:
    create(engine, PATIENT, name="db")
    reply = try_create(engine, "true", Links=links, NetworkMode=mode)
    assert reply.status == status
    assert words in reply.message

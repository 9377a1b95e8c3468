"""Builds that break off, builds at the same time, and what the cache keeps and gives up."""

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.host.engine.test_engine_commit import output
from tests.support.builds import Built, build, context, send
from tests.support.engine import EngineProcess
from tests.support.leaks import assert_clean
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]
UUID = "cat /proc/sys/kernel/random/uuid"


@pytest.fixture(autouse=True)
def _no_cache_left(engine: EngineProcess) -> None:
    """Each test meets an empty cache."""
    engine.request("POST", "/build/prune", all=1)


def begin(engine: EngineProcess, dockerfile: str) -> socket.socket:
    """A build whose client may go away."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(engine.socket))
    body = context({"Dockerfile": dockerfile})
    head = f"POST /build HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def sleeps(engine: EngineProcess) -> bool:
    """Whether the build has come to its long command."""
    rows = engine.containers()
    return [row["State"] for row in rows if "sleep" in row["Command"]] == ["running"]


def contexts(engine: EngineProcess) -> list[Path]:
    return list((engine.data_root / "build/contexts").iterdir())


def cache(engine: EngineProcess) -> list[dict[str, object]]:
    rows = engine.request("GET", "/system/df", type="build-cache").json["BuildCache"]
    assert isinstance(rows, list)
    return rows


def test_a_client_that_goes_away_ends_the_build(engine: EngineProcess) -> None:
    connection = begin(engine, "FROM busybox\nRUN echo kept >/kept\nRUN sleep 600\n")
    eventually(lambda: sleeps(engine))
    connection.close()
    eventually(lambda: engine.containers() == [])
    eventually(lambda: contexts(engine) == [])
    assert build(engine, "FROM busybox\nRUN echo kept >/kept\n").cached == 1


def test_a_context_that_breaks_off(engine: EngineProcess) -> None:
    body = context({"Dockerfile": "FROM busybox\n", "big": b"x" * 3_000_000})
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(engine.socket))
        head = f"POST /build HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[:2_000_000])
        eventually(lambda: contexts(engine) != [])
    eventually(lambda: contexts(engine) == [])
    truncated = send(engine, body[:2_000_000])
    assert truncated.status == 400
    assert contexts(engine) == []


def test_a_build_whose_engine_is_killed(make_engine: Callable[..., EngineProcess]) -> None:
    engine = make_engine()
    connection = begin(engine, "FROM busybox\nRUN echo first >/first\nRUN sleep 600\n")
    eventually(lambda: sleeps(engine))
    engine.kill()
    connection.close()
    engine.start()
    eventually(lambda: engine.containers() == [])
    assert contexts(engine) == []
    assert_clean(engine)
    again = build(engine, "FROM busybox\nRUN echo first >/first\nRUN echo second >/second\n")
    assert again.cached == 1
    assert output(engine, again.id, "cat /first /second") == b"first\nsecond\n"


def test_what_a_build_left_to_be_looked_at_stays(make_engine: Callable[..., EngineProcess]) -> None:
    engine = make_engine()
    build(engine, "FROM busybox\nLABEL budu.build=mine\nRUN exit 3\n", rm=1)
    build(engine, "FROM busybox\nRUN true\n", rm=0)
    kept = {row["Id"] for row in engine.containers()}
    assert len(kept) == 2
    body = {"Image": "busybox", "Cmd": ["true"], "Labels": {"budu.build": "mine"}}
    kept.add(engine.request("POST", "/containers/create", body).json["Id"])
    engine.kill()
    engine.start()
    assert {row["Id"] for row in engine.containers()} == kept


def test_builds_at_the_same_time_do_a_step_once(engine: EngineProcess) -> None:
    text = f"FROM busybox\nRUN {UUID} >/id; sleep 0.3\nRUN cat /id\n"
    results: list[Built] = []
    threads = [
        threading.Thread(target=lambda: results.append(build(engine, text))) for _ in range(6)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len({each.id for each in results}) == 1
    assert sum(each.cached for each in results) == 10


def test_the_cache_is_told_and_pruned(engine: EngineProcess) -> None:
    dockerfile = (
        "FROM busybox\nRUN dd if=/dev/zero of=/big bs=1k count=300\n"
        "RUN --mount=type=cache,target=/c dd if=/dev/zero of=/c/kept bs=1k count=200\n"
    )
    built = build(engine, dockerfile, t="cached")
    rows = cache(engine)
    big = next(row for row in rows if "/big" in str(row["Description"]))
    kept = next(row for row in rows if row["Type"] == "exec.cachemount")
    assert (big["Shared"], big["InUse"], big["UsageCount"]) == (True, False, 1)
    assert 300 << 10 <= int(str(big["Size"])) < 310 << 10
    assert int(str(kept["Size"])) == 200 << 10
    assert '"/c"' in str(kept["Description"])
    only = json.dumps({"type": ["exec.cachemount"]})
    pruned = engine.request("POST", "/build/prune", filters=only).json
    assert (pruned["CachesDeleted"], pruned["SpaceReclaimed"]) == ([kept["ID"]], 200 << 10)
    assert engine.request("POST", "/build/prune").json["SpaceReclaimed"] == 0
    assert build(engine, dockerfile).cached == 2
    engine.request("DELETE", "/images/cached")
    assert build(engine, dockerfile).id == built.id
    engine.request("POST", "/images/prune", filters=json.dumps({"dangling": ["false"]}))
    assert engine.request("POST", "/build/prune").json["SpaceReclaimed"] >= 300 << 10
    assert cache(engine) == []
    report = engine.request("POST", "/budu/storage/check").json
    assert not report["OrphanBlobs"], report
    assert not report["OrphanLayers"], report


def test_what_a_container_stands_on_stays(engine: EngineProcess) -> None:
    built = build(engine, "FROM busybox\nRUN echo here >/here\nRUN false\n", forcerm=1)
    step = [line for line in built.text.splitlines() if len(line) == 18][-1].split()[-1]
    body = {"Image": step, "Cmd": ["cat", "/here"]}
    ref = engine.request("POST", "/containers/create", body).json["Id"]
    engine.request("POST", "/build/prune", all=1)
    engine.request("POST", f"/containers/{ref}/start")
    assert engine.request("POST", f"/containers/{ref}/wait").json["StatusCode"] == 0
    engine.request("DELETE", f"/containers/{ref}")
    assert engine.request("POST", "/build/prune", all=1).json["CachesDeleted"]
    assert engine.request("GET", f"/images/{step}/json").status == 404


def test_the_cache_has_a_budget(make_engine: Callable[..., EngineProcess]) -> None:
    engine = make_engine("--build-budget", "500k")
    for number in range(4):
        text = f"FROM busybox\nRUN dd if=/dev/zero of=/file{number} bs=1k count=200\nRUN true\n"
        build(engine, text)
    engine.request("POST", "/images/prune")
    build(engine, "FROM busybox\nRUN true\n")

    def used() -> int:
        return sum(int(str(row["Size"])) for row in cache(engine) if not row["Shared"])

    eventually(lambda: used() <= 500 << 10)
    assert [row for row in cache(engine) if "/file3" in str(row["Description"])]
    assert not [row for row in cache(engine) if "/file0" in str(row["Description"])]

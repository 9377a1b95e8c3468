"""Garbage, missing and broken parts of the image store: found, put right, containers unharmed."""

from __future__ import annotations

import hashlib
import json
import os
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.engine import EngineProcess
from tests.support.fixtures import Registry
from tests.support.images import push_index

pytestmark = pytest.mark.host


@pytest.fixture
def one(make_engine: Callable[..., EngineProcess]) -> EngineProcess:
    engine = make_engine()
    pull(engine, "layered", "latest")
    return engine


def pull(engine: EngineProcess, name: str, tag: str) -> None:
    reply = engine.request("POST", "/images/create", fromImage=name, tag=tag)
    assert b"errorDetail" not in reply.body, reply.body


def check(engine: EngineProcess, **query: int) -> dict[str, Any]:
    target = "/budu/storage/check?" + urllib.parse.urlencode(query)
    reply = engine.request("POST", target)
    assert reply.status == 200, reply.body
    return dict(reply.json)


def blobs(engine: EngineProcess) -> Path:
    return engine.data_root / "content" / "blobs" / "sha256"


def layers(engine: EngineProcess) -> Path:
    return engine.data_root / "layers" / "sha256"


def parts(engine: EngineProcess) -> tuple[list[str], list[str]]:
    """Compressed digests and diff ids of the image."""
    row = engine.request("GET", "/images/layered/json").json
    manifest = json.loads((blobs(engine) / row["Descriptor"]["digest"][7:]).read_bytes())
    return [each["digest"] for each in manifest["layers"]], row["RootFS"]["Layers"]


def test_sound_store(one: EngineProcess) -> None:
    found = check(one, deep=1)
    assert (found["Blobs"], found["Layers"]) == (5, 3)
    lists = [found[key] for key in found if isinstance(found[key], list)]
    assert lists == [[]] * 8


def test_old_orphans_go_and_young_ones_stay(one: EngineProcess) -> None:
    for body, age_s in ((b"old", 7200), (b"young", 0)):
        path = blobs(one) / hashlib.sha256(body).hexdigest()
        path.write_bytes(body)
        at = path.stat().st_mtime - age_s
        os.utime(path, (at, at))
    found = check(one, repair=1)
    assert found["OrphanBlobs"] == ["sha256:" + hashlib.sha256(b"old").hexdigest()]
    assert found["FreedBytes"] == 3
    assert (blobs(one) / hashlib.sha256(b"young").hexdigest()).exists()
    assert check(one, deep=1)["OrphanBlobs"] == []


def test_missing_blob_is_told_and_pulled_again(one: EngineProcess) -> None:
    packed, _ = parts(one)
    (blobs(one) / packed[1][7:]).unlink()
    found = check(one)
    assert (found["MissingBlobs"], found["Images"]) == ([packed[1]], ["layered:latest"])
    pull(one, "layered", "latest")
    assert check(one, deep=1)["MissingBlobs"] == []


def test_broken_blob_is_found_by_reading(one: EngineProcess) -> None:
    packed, _ = parts(one)
    path = blobs(one) / packed[2][7:]
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)
    assert check(one)["BrokenBlobs"] == []
    assert check(one, deep=1, repair=1)["BrokenBlobs"] == [packed[2]]
    pull(one, "layered", "latest")
    assert check(one, deep=1)["BrokenBlobs"] == []


def test_missing_and_broken_layers_are_built_again(one: EngineProcess) -> None:
    _, diff_ids = parts(one)
    place = layers(one) / diff_ids[1][7:]
    tar = place / "layer.tar"
    tar.chmod(0o600)
    tar.write_bytes(b"x" + tar.read_bytes()[1:])
    (layers(one) / diff_ids[2][7:]).rename(one.data_root / "away")
    found = check(one, deep=1, repair=1)
    assert found["MissingLayers"] == [diff_ids[2]]
    assert found["BrokenLayers"] == [diff_ids[1]]
    assert sorted(found["Repaired"]) == sorted(diff_ids[1:])
    after = check(one, deep=1)
    assert (after["MissingLayers"], after["BrokenLayers"]) == ([], [])
    body = {"Image": "layered", "Cmd": ["cat", "/opt/two"]}
    identity = one.request("POST", "/containers/create", body).json["Id"]
    assert one.request("POST", f"/containers/{identity}/start").status == 204
    assert one.request("POST", f"/containers/{identity}/wait").json["StatusCode"] == 0


DAMAGES: dict[str, Callable[[Path], None]] = {
    "changed": lambda path: _write(path, path.read_bytes()[:-1] + b"?"),
    "cut": lambda path: _write(path, path.read_bytes()[:-7]),
    "empty": lambda path: _write(path, b""),
    "gone": lambda path: path.unlink(),
}


def _write(path: Path, data: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(data)


@pytest.mark.parametrize("part", ["config", "manifest", "packed layer", "plain layer"])
def test_every_damage_is_found_and_put_right(one: EngineProcess, part: str) -> None:
    row = one.request("GET", "/images/layered/json").json
    packed, diff_ids = parts(one)
    running = start(one, "sleep", "60")
    digest, path = {
        "config": (row["Id"], blobs(one) / row["Id"][7:]),
        "manifest": (row["Descriptor"]["digest"], blobs(one) / row["Descriptor"]["digest"][7:]),
        "packed layer": (packed[1], blobs(one) / packed[1][7:]),
        "plain layer": (diff_ids[1], layers(one) / diff_ids[1][7:] / "layer.tar"),
    }[part]
    for name, damage in DAMAGES.items():
        damage(path)
        found = check(one, deep=1)
        told = [key for key, value in found.items() if isinstance(value, list) and digest in value]
        assert len(told) == 1, (name, found)
        assert told[0].startswith(("Missing", "Broken")), (name, told)
        assert found["Images"] == ["layered:latest"], name
        one_broken_image_hides_nothing(one)
        mended = check(one, deep=1, repair=1)
        left = [] if part == "plain layer" else ["layered:latest"]
        assert (mended["Repaired"], mended["Images"]) == ([] if left else [digest], left), name
        pull(one, "layered", "latest")
        found = check(one, deep=1)
        assert not [k for k, v in found.items() if k.startswith(("Missing", "Broken")) and v], name
    assert one.state(running)["Running"]
    fresh = start(one, "cat", "/opt/two")
    assert one.request("POST", f"/containers/{fresh}/wait").json["StatusCode"] == 0


def start(engine: EngineProcess, *command: str) -> str:
    body = {"Image": "layered", "Cmd": command}
    identity = str(engine.request("POST", "/containers/create", body).json["Id"])
    assert engine.request("POST", f"/containers/{identity}/start").status == 204
    return identity


def one_broken_image_hides_nothing(engine: EngineProcess) -> None:
    rows = engine.request("GET", "/images/json", manifests=1, **{"shared-size": 1})
    assert [each["RepoTags"] for each in rows.json] == [["layered:latest"]]
    for place in ("/system/df", "/containers/json?size=1"):
        assert engine.request("GET", place).status == 200, place


@pytest.mark.parametrize("compression", ["fast", "small"])
def test_blob_that_was_packed_here_is_packed_again(
    compression: str, make_engine: Callable[..., EngineProcess]
) -> None:
    one = make_engine("--image-compression", compression)
    pull(one, "layered", "latest")
    identity = start(one, "sh", "-c", "echo made > /made")
    one.request("POST", f"/containers/{identity}/wait")
    reply = one.request("POST", f"/commit?container={identity}&repo=made", {})
    assert reply.status == 201, reply.body
    row = one.request("GET", "/images/made/json").json
    manifest = json.loads((blobs(one) / row["Descriptor"]["digest"][7:]).read_bytes())
    made = manifest["layers"][-1]["digest"]
    (blobs(one) / made[7:]).unlink()
    found = check(one, deep=1, repair=1)
    assert (found["MissingBlobs"], found["Repaired"]) == ([made], [made])
    assert check(one, deep=1)["MissingBlobs"] == []


def test_explore_and_diff(one: EngineProcess) -> None:
    pull(one, "busybox", "latest")
    found = one.request("GET", "/budu/images/explore", name="layered", files=3).json
    assert len(found["Layers"]) == 3
    last = found["Layers"][2]
    assert (last["Added"], last["Removed"], last["Wasted"]) == (1, 1, 2)
    changes = one.request("GET", "/budu/images/diff", a="busybox", b="layered").json
    assert {(each["Path"], each["Kind"]) for each in changes} >= {("/opt/two", "added")}
    assert all(each["Kind"] == "added" for each in changes)
    assert one.request("GET", "/budu/images/diff", a="busybox", b="busybox").json == []
    assert one.request("GET", "/budu/images/explore", name="nothing").status == 404


def test_an_artifact_has_no_files_to_look_into(one: EngineProcess, registry: Registry) -> None:
    push_index(registry.address, "library/listed", "1")
    pull(one, "listed", "artifact")
    pull(one, "busybox", "latest")
    for path, query in (
        ("explore", {"name": "listed:artifact"}),
        ("diff", {"a": "busybox", "b": "listed:artifact"}),
    ):
        reply = one.request("GET", f"/budu/images/{path}", **query)
        assert reply.status == 400
        assert "is no image: it is of type application/vnd.example.thing" in reply.message


def test_cleanup_by_a_policy_spares_images_of_containers(one: EngineProcess) -> None:
    pull(one, "busybox", "latest")
    identity = one.request("POST", "/containers/create", {"Image": "layered"}).json["Id"]
    target = "/budu/images/cleanup?max-size=1&preview="
    told = one.request("POST", target + "1").json
    assert [(row["Name"], row["Rule"], row["Deleted"]) for row in told] == [
        ("busybox:latest", "max-size", False)
    ]
    assert [row["Deleted"] for row in one.request("POST", target + "0").json] == [True]
    assert one.request("GET", "/images/busybox/json").status == 404
    assert one.request("GET", "/images/layered/json").status == 200
    one.request("DELETE", f"/containers/{identity}")
    assert one.request("POST", "/budu/images/cleanup?keep-last=x").status == 400

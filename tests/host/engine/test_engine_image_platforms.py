"""Every image operation with a platform: an index of which two platforms are here."""

from __future__ import annotations

import io
import json
import tarfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.engine import EngineProcess, UnixConnection
from tests.support.images import (
    INDEX_TYPE,
    machine_architecture,
    other_architecture,
    push_index,
    put,
)
from tests.support.registry import running_registry

pytestmark = pytest.mark.host

OWN = {"os": "linux", "architecture": machine_architecture()}
OTHER = {"os": "linux", "architecture": other_architecture()}
NONE = {"os": "linux", "architecture": "s390x"}


class Scene:
    """The name of an index with both its platforms here, and the digests of everything in it."""

    def __init__(self, engine: EngineProcess, address: str) -> None:
        self.engine = engine
        self.address = address
        self.name = f"{address}/multi:1"
        self.digests = push_index(address, "multi", "1")
        self.pull("1")

    def pull(self, tag: str) -> None:
        """Both platforms, this machine's last."""
        for platform in (OTHER, OWN):
            query = {"tag": tag, "platform": f"linux/{platform['architecture']}"}
            image = f"{self.address}/multi"
            reply = self.engine.request("POST", "/images/create", fromImage=image, **query)
            assert b"errorDetail" not in reply.body, reply.body

    def get(self, path: str, **query: object) -> Any:
        reply = self.engine.request("GET", f"/images/{self.name}/{path}", **query)
        return reply.json if reply.status == 200 else (reply.status, reply.message)

    def load(self, archive: bytes, *platforms: dict[str, str]) -> list[dict[str, Any]]:
        connection = UnixConnection(self.engine.socket)
        query = urllib.parse.urlencode([("platform", json.dumps(each)) for each in platforms])
        try:
            connection.request("POST", f"/v1.51/images/load?quiet=1&{query}", archive)
            answer = connection.getresponse()
            return [json.loads(line) for line in answer.read().splitlines()]
        finally:
            connection.close()

    def here(self) -> set[str]:
        """What of the index is here."""
        rows = self.get("json", manifests=1)["Manifests"]
        known = {digest: key for key, digest in self.digests.items()}
        return {known[each["ID"]] for each in rows if each["Available"]}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_registry(tmp_path_factory.mktemp("platforms")) as address:
        yield address


@pytest.fixture
def scene(engine: EngineProcess, address: str) -> Iterator[Scene]:
    scene = Scene(engine, address)
    yield scene
    engine.request("DELETE", f"/images/{scene.name}", force=1)


def roots(archive: bytes) -> tuple[list[str], int]:
    """The digests that index.json names, and how many configs manifest.json does."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        index = json.load(tar.extractfile("index.json"))  # type: ignore[arg-type]
        rows = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
    return [each["digest"] for each in index["manifests"]], len(rows)


def test_inspect(scene: Scene) -> None:
    assert scene.get("json")["Architecture"] == machine_architecture()
    for form in (json.dumps(OTHER), f"linux/{other_architecture()}"):
        found = scene.get("json", platform=form)
        assert found["Architecture"] == other_architecture()
        assert found["Descriptor"]["digest"] == scene.digests["index"]
        assert "Manifests" not in found
    whole = scene.get("json", manifests=1)
    assert {each["ID"] for each in whole["Manifests"]} == {*scene.digests.values()} - {
        scene.digests["index"]
    }
    status, message = scene.get("json", manifests=1, platform=json.dumps(OWN))
    assert (status, "manifests and platform options cannot both be set" in message) == (400, True)
    status, message = scene.get("json", platform=json.dumps(NONE))
    assert (status, "linux/s390x" in message) == (404, True)
    assert scene.get("json", platform='{"os": "linux"}')[0] == 400
    assert scene.here() == {"own", "other", "attestation"}


def test_list_with_manifests(scene: Scene) -> None:
    wanted = json.dumps({"reference": [scene.name]})
    rows = scene.engine.request("GET", "/images/json", manifests=1, filters=wanted).json
    (row,) = rows
    assert row["Descriptor"]["digest"] == scene.digests["index"]
    kinds = {each["ID"]: each["Kind"] for each in row["Manifests"]}
    assert kinds == {
        scene.digests["own"]: "image",
        scene.digests["other"]: "image",
        scene.digests["attestation"]: "attestation",
        scene.digests["artifact"]: "unknown",
    }
    (about,) = [each["AttestationData"] for each in row["Manifests"] if each["Kind"][0] == "a"]
    assert about == {"For": scene.digests["own"]}
    sizes = [each["Size"] for each in row["Manifests"] if each["Kind"] == "image"]
    assert all(each["Total"] > each["Content"] > 0 for each in sizes)
    assert row["Size"] == sum(each["Size"]["Total"] for each in row["Manifests"])
    old = scene.engine.request("GET", "/v1.46/images/json", manifests=1).json
    assert all("Manifests" not in each for each in old)


def test_history(scene: Scene) -> None:
    own, other = (scene.get("history", platform=json.dumps(each)) for each in (OWN, OTHER))
    assert own[0]["CreatedBy"] == f"for {machine_architecture()}"
    assert other[0]["CreatedBy"] == f"for {other_architecture()}"
    assert scene.get("history")[0]["Id"] == own[0]["Id"]
    assert scene.get("history", platform=json.dumps(NONE))[0] == 404


def test_save_and_load(scene: Scene) -> None:
    whole, other = (
        scene.engine.request("GET", f"/images/{scene.name}/get", **query).body
        for query in ({}, {"platform": json.dumps(OTHER)})
    )
    assert roots(whole) == ([scene.digests["index"]], 2)
    assert roots(other) == ([scene.digests["other"]], 1)
    reply = scene.engine.request("GET", f"/images/{scene.name}/get", platform=json.dumps(NONE))
    assert reply.status == 404
    assert scene.engine.request("DELETE", f"/images/{scene.name}").status == 200

    (line,) = scene.load(whole, NONE)
    assert "requested platform (linux/s390x) not found" in line["message"]
    assert scene.get("json")[0] == 404
    assert scene.load(whole, OTHER) == [{"stream": f"Loaded image: {scene.name}\n"}]
    assert scene.get("json")["Architecture"] == other_architecture()
    assert scene.here() == {"other", "attestation"}
    assert scene.load(whole, OTHER, OWN) == [{"stream": f"Loaded image: {scene.name}\n"}]
    assert scene.here() == {"own", "other", "attestation"}
    assert scene.get("json")["Architecture"] == machine_architecture()


def test_push(scene: Scene) -> None:
    image = f"{scene.address}/pushed"
    place = f"/images/{scene.name}/tag"
    reply = scene.engine.request("POST", place, repo=image, tag="1")
    assert reply.status == 201
    target = f"/images/{image}/push"
    for platform, key in ((OTHER, "other"), (OWN, "own")):
        reply = scene.engine.request("POST", target, tag="1", platform=json.dumps(platform))
        results = [json.loads(line).get("aux", {}) for line in reply.body.splitlines()]
        assert [each["Digest"] for each in results if "Digest" in each] == [scene.digests[key]]
        request = urllib.request.Request(f"http://{scene.address}/v2/pushed/manifests/1")
        request.add_header("Accept", "application/vnd.oci.image.manifest.v1+json")
        with urllib.request.urlopen(request) as answer:
            assert answer.headers["Docker-Content-Digest"] == scene.digests[key]
    reply = scene.engine.request("POST", target, tag="1", platform=json.dumps(NONE))
    assert b"does not match the specified platform (linux/s390x)" in reply.body
    scene.engine.request("DELETE", f"/images/{image}:1")


def test_removal(scene: Scene) -> None:
    place = f"/images/{scene.name}"
    reply = scene.engine.request("DELETE", place, platforms=json.dumps(OWN))
    assert reply.status == 200, reply.body
    assert "Deleted" in reply.json[0]
    assert scene.here() == {"other"}
    assert scene.get("json")["Architecture"] == other_architecture()
    assert scene.engine.request("DELETE", place, platforms=json.dumps(OWN)).status == 404
    assert scene.engine.request("DELETE", place, platforms=json.dumps(OTHER)).status == 200
    assert scene.get("json")[0] == 404


def test_removal_from_one_of_two_indexes(scene: Scene) -> None:
    """The same manifests in another index, under another name: that one keeps them."""
    base = f"http://{scene.address}/v2/multi/manifests"
    request = urllib.request.Request(f"{base}/1", headers={"Accept": INDEX_TYPE})
    with urllib.request.urlopen(request) as answer:
        index = json.load(answer)
    put(f"{base}/2", json.dumps({**index, "annotations": {"number": "2"}}).encode(), INDEX_TYPE)
    first, second = scene.name, f"{scene.address}/multi:2"
    scene.name = second
    scene.pull("2")
    assert scene.get("json")["Descriptor"]["digest"] != scene.digests["index"]
    scene.name = first
    assert scene.get("json")["Descriptor"]["digest"] == scene.digests["index"]
    reply = scene.engine.request("POST", "/images/prune")
    assert reply.json["ImagesDeleted"] is None  # no platform of a name is dangling
    place = f"/images/{first}"
    assert scene.engine.request("DELETE", place, platforms=json.dumps(OWN)).status == 200
    assert scene.here() >= {"other"}
    assert scene.get("json")["Architecture"] == other_architecture()
    scene.name = second
    assert scene.here() >= {"own", "other"}
    assert scene.get("json")["Architecture"] == machine_architecture()
    assert scene.engine.request("DELETE", f"/images/{second}").status == 200
    assert scene.get("json")[0] == 404
    scene.name = first
    assert scene.get("json")["Architecture"] == other_architecture()
    assert scene.engine.request("DELETE", place).status == 200
    rows = scene.engine.request("GET", "/images/json", all=1).json
    assert [each for each in rows if not each["RepoTags"]] == []


def test_shared_data_counts_once(scene: Scene) -> None:
    """Both platforms stand on one base layer."""
    engine = scene.engine
    for name, tag in (("busybox", "latest"), ("app", "1.0")):
        engine.request("DELETE", f"/images/{name}:{tag}", force=1)
    rows = engine.request("GET", "/system/df", type="image").json
    layers = engine.data_root / "layers" / "sha256"
    sizes = {path.name: (path / "layer.tar").stat().st_size for path in layers.iterdir()}
    assert rows["LayersSize"] == sum(sizes.values())
    inspected = [scene.get("json", platform=json.dumps(each)) for each in (OWN, OTHER)]
    base = inspected[0]["RootFS"]["Layers"][0]
    assert inspected[1]["RootFS"]["Layers"][0] == base
    images = {each["Id"]: each for each in rows["Images"]}
    for each in inspected:
        row = images[each["Id"]]
        assert row["SharedSize"] == sizes[base[7:]]
        assert row["Size"] - row["SharedSize"] == sizes[each["RootFS"]["Layers"][1][7:]]
    unique = sum(each["Size"] - each["SharedSize"] for each in images.values())
    assert unique + sizes[base[7:]] == rows["LayersSize"]

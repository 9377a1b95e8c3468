"""Every operation of Docker's definition is served or refused with a sentence, and none twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from api_engine import FakeEngine
from api_wire import serve

from budu.api.routes import build_router
from budu.api.unserved import UNSERVED
from budu.api.versions import MAX_VERSION

DEFINITION = Path(__file__).parents[2] / "api" / "engine-api-v1.51.yaml"
BEYOND = {
    "NetworkListSlash",
    "BuduShutdown",
    "BuduClearContainerLogs",
    "BuduClosePorts",
    "BuduNetworks",
    "BuduOpenPorts",
    "BuduImageCleanup",
    "BuduImageDiff",
    "BuduImageExplore",
    "BuduPorts",
    "BuduStorageCheck",
    "BuduPushManifestList",
    "BuduRegistryManifest",
    "BuduRegistryTags",
    "BuduContainerFiles",
    "BuduPutVolumeArchive",
    "BuduVolumeArchive",
    "BuduVolumeArchiveInfo",
    "BuduVolumeFiles",
    "BuduVolumeOverview",
    "BuduVolumeResize",
    "BuduVolumeBrowse",
    "BuduVolumeClone",
    "BuduVolumeExport",
    "BuduVolumeRename",
    "BuduVolumeRestore",
    "BuduVolumeSnapshot",
    "BuduVolumeSnapshotDelete",
    "BuduVolumeSnapshots",
    "Grpc",
    "BuildCancel",
}
"""Operations of ours: a second spelling, our own calls, and one that Docker's definition lacks."""


def operations() -> dict[str, tuple[str, str]]:
    """Operation id → method and path."""
    found: dict[str, tuple[str, str]] = {}
    text = DEFINITION.read_text()
    path = method = ""
    for line in text[text.index("\npaths:") :].splitlines():
        if match := re.match(r'  "?(/[^":]*)"?:$', line):
            path = match[1]
        elif match := re.match(r"    (get|head|post|put|delete):$", line):
            method = match[1].upper()
        elif match := re.match(r'      operationId: "?(\w+)"?$', line):
            found[match[1]] = (method, path)
    return found


def test_definition_is_read_whole() -> None:
    assert len(operations()) == DEFINITION.read_text().count("operationId:") == 107


def test_every_operation_has_a_route_of_its_method_and_path() -> None:
    routes = {
        one.operation: (one.method, re.sub(r":\.\*", "", one.path))
        for one in build_router(FakeEngine()).routes
        if one.operation not in BEYOND
    }
    assert routes == operations()


def test_a_containers_whole_life_is_served() -> None:
    """No operation on containers, execs or the system is refused."""
    tagged: dict[str, set[str]] = {"Container": set(), "Exec": set(), "System": set()}
    blocks = re.split(r"\n    (?:get|head|post|put|delete):\n", DEFINITION.read_text())
    for block in blocks:
        operation = re.search(r'\n      operationId: "?(\w+)"?\n', block)
        tags = re.search(r'\n      tags: \["(\w+)"\]', block)
        if operation and tags and tags[1] in tagged:
            tagged[tags[1]].add(operation[1])
    assert {tag: len(found) for tag, found in tagged.items()} == {
        "Container": 25,
        "Exec": 4,
        "System": 7,
    }
    unserved = {operation for group in UNSERVED.values() for operation in group}
    assert not unserved & set().union(*tagged.values())


def test_unserved_operations_are_not_served_as_well() -> None:
    unserved = [operation for group in UNSERVED.values() for operation in group]
    all_routes = [one.operation for one in build_router(FakeEngine()).routes]
    assert len(all_routes) == len(set(all_routes))
    assert len(unserved) == len(set(unserved))


@pytest.mark.parametrize(("method", "path"), sorted(operations().values()))
def test_every_path_of_the_definition_leads_to_its_own_route(method: str, path: str) -> None:
    router = build_router(FakeEngine())
    example = path.replace("{id}", "abc").replace("{name}", "a/b" if "/images" in path else "a")
    found, _ = router.find(method, example, MAX_VERSION)
    assert re.sub(r":\.\*", "", found.path) == path


async def test_unserved_operation_is_501_with_its_name_and_a_hint() -> None:
    async with serve(build_router(FakeEngine())) as site:
        client = await site.connect()
        swarm = await client.get("/nodes", "Accept-Language: ko")
        assert (swarm.status, swarm.message) == (
            501,
            "GET /nodes: swarm mode is not part of this engine",
        )
        assert swarm.json["hint"].startswith("요청은 이해했고")

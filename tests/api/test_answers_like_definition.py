"""Real answers of the newest version hold every property of the definition, with its JSON type."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.api.answers.scene import asker, play
from tests.support.engine import EngineProcess, Reply
from tests.support.fixtures import Registry, fresh_engine

from budu.api.unserved import UNSERVED

pytestmark = pytest.mark.host

DEFINITION = yaml.safe_load((Path(__file__).parent / "engine-api-v1.51.yaml").read_text())
OPERATIONS = {
    operation["operationId"]: operation
    for methods in DEFINITION["paths"].values()
    for operation in methods.values()
}
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def words(text: str) -> list[str]:
    return text.split()


KEPT = words(
    "BuildPrune ContainerChanges ContainerCreate ContainerExec ContainerInspect ContainerList "
    "ContainerPrune ContainerStats ContainerTop ContainerUpdate ContainerWait ExecInspect "
    "ImageCommit ImageDelete ImageHistory ImageInspect ImageList ImagePrune NetworkCreate "
    "NetworkInspect NetworkList NetworkPrune SystemDataUsage SystemEvents SystemInfo "
    "SystemVersion VolumeCreate VolumeInspect VolumeList VolumePrune"
)
"""Operations whose answers the scene keeps."""

EMPTY_IS_LEFT_OUT = frozenset(
    words(
        """Annotations ArgsEscaped AuxiliaryAddresses BindOptions BuildTime ClusterVolume Cluster
    Consistency Containerd DefaultAddressPools Deleted Descriptor DiscoveredDevices Driver
    Entrypoint Error Experimental Health Healthcheck IP IPRange Info ImageManifestDescriptor
    ImageOptions Init KernelMemoryTCP MacAddress Managers Manifests Mode Mounts Name
    NetworkDisabled Nodes OnBuild Options OsVersion Peers ProductLicense PublicPort ReadOnly
    Retries Shell SizeRootFs SizeRw Source StartInterval StartPeriod Status StopSignal StopTimeout
    StorageOpt Sysctls Timeout Tmpfs Untagged UsageData User Variant VolumeOptions annotations
    artifactType commitbytes commitpeakbytes data failcnt limit platform privateworkingset
    read_count_normalized read_size_bytes runtimeArgs status urls user write_count_normalized
    write_size_bytes"""
    )
)
"""Properties that Docker's Go types leave out when they are empty."""

EMPTY_IS_NULL = frozenset(
    words(
        """Aliases Authorization Binds BlkioDeviceReadBps BlkioDeviceReadIOps BlkioDeviceWriteBps
    BlkioDeviceWriteIOps BlkioWeightDevice CDISpecDirs CachesDeleted CapAdd CapDrop
    ContainersDeleted DNSNames Data DeviceCgroupRules DeviceRequests Devices Dns DnsOptions
    DnsSearch Entrypoint ExitCode ExtraHosts GenericResources GroupAdd ImagesDeleted Links
    MemorySwappiness NetworksDeleted Options PortBindings SecurityOpt Tags Ulimits VolumesFrom
    Warnings"""
    )
)
"""Properties that are null in Docker's answers when empty, whatever the definition says."""

BESIDE = frozenset(("Ending", "Reach", "from", "id", "os_type", "status"))
"""Two of our own, and what Docker sends though its definition lacks it."""


def is_allowed(problem: str) -> bool:
    """Whether it is one of those."""
    path, _, what = problem.partition(" ")
    name = path.rpartition(".")[2]
    known = {"missing": EMPTY_IS_LEFT_OUT, "is null": EMPTY_IS_NULL, "added": BESIDE}
    return name in known.get(what, ())


@pytest.fixture(scope="module")
def answers(registry: Registry) -> Iterator[dict[str, Any]]:
    with fresh_engine(registry) as engine:
        answers = play(asker(engine.socket, "/v1.51"))
    yield answers


def schema_of(operation: str) -> dict[str, Any]:
    """Of the good answer."""
    responses = OPERATIONS[operation]["responses"]
    found = next(responses[code] for code in (200, 201, "200", "201") if code in responses)
    schema = found["schema"]
    assert isinstance(schema, dict)
    return schema


def flat(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with its references and parts put in."""
    if "$ref" in schema:
        return flat(DEFINITION["definitions"][schema["$ref"].rpartition("/")[2]])
    if "allOf" not in schema:
        return schema
    parts = [flat(part) for part in schema["allOf"]]
    whole = {key: value for part in parts for key, value in part.items()}
    whole["properties"] = {
        key: one for part in parts for key, one in part.get("properties", {}).items()
    }
    return {**whole, **{key: value for key, value in schema.items() if key != "allOf"}}


def problems(value: Any, schema: dict[str, Any], path: str) -> Iterator[str]:
    """Where `value` is not what the schema says."""
    schema = flat(schema)
    kind = schema.get("type") or ("object" if schema.get("properties") else "")
    if value is None:
        if not schema.get("x-nullable"):
            yield f"{path} is null"
    elif kind and not is_of(kind, value):
        yield f"{path} is {type(value).__name__}, not {kind}"
    elif kind == "array":
        for item in value:
            yield from problems(item, schema["items"], f"{path}[]")
    elif kind == "object":
        yield from problems_of_object(value, schema, path)


def is_of(kind: str, value: Any) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, TYPES[kind])


def problems_of_object(value: dict[str, Any], schema: dict[str, Any], path: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    for name, inner in properties.items():
        if name in value:
            yield from problems(value[name], inner, f"{path}.{name}")
        else:
            yield f"{path}.{name} missing"
    rest = schema.get("additionalProperties")
    for name in value.keys() - properties.keys():
        if isinstance(rest, dict):
            yield from problems(value[name], rest, f"{path}.*")
        elif properties:
            yield f"{path}.{name} added"


@pytest.mark.parametrize("operation", KEPT)
def test_answers_are_as_the_definition_says(answers: dict[str, Any], operation: str) -> None:
    schema = schema_of(operation)
    found = set()
    for name, answer in answers.items():
        if name.split()[0] == operation:
            each = answer if operation == "SystemEvents" else [answer]
            found |= {problem for one in each for problem in problems(one, schema, "")}
    assert sorted(each for each in found if not is_allowed(each)) == []


SERVED = [
    (method.upper(), path, name)
    for path, methods in DEFINITION["paths"].items()
    for method, operation in methods.items()
    for name in [operation["operationId"]]
    if any(each["name"] == "filters" for each in operation.get("parameters", ()))
    and not any(name in group for group in UNSERVED.values())
    and name not in ("BuildPrune", "ImageSearch", "PluginList")
]
"""Operations with filters that we heed. A search asks a registry: its own tests do."""
VALUES = {
    "before": "busybox",
    "since": "busybox",
    "ContainerList before": "one",
    "ContainerList since": "one",
    "NetworkList type": "builtin",
    "VolumeList driver": "local",
    "ancestor": "scene:1",
    "dangling": "true",
    "driver": "bridge",
    "event": "start",
    "exited": "0",
    "expose": "80",
    "publish": "80",
    "health": "none",
    "is-task": "true",
    "isolation": "default",
    "scope": "local",
    "stars": "1",
    "is-official": "true",
    "is-automated": "false",
    "status": "running",
    "type": "container",
    "until": "1h",
    "all": "true",
}


def keys_of_filters(name: str) -> list[str]:
    (parameter,) = (one for one in OPERATIONS[name]["parameters"] if one["name"] == "filters")
    return re.findall(r"^\s*- `?([a-z-]+)", parameter["description"], re.MULTILINE)


@pytest.mark.parametrize(("method", "path", "name"), SERVED)
def test_every_filter_of_the_definition_is_known_and_others_are_not(
    engine: EngineProcess, method: str, path: str, name: str
) -> None:
    more = {"since": 0, "until": 1} if name == "SystemEvents" else {"term": "x"}
    if name == "ContainerList":
        engine.request("POST", "/containers/create", {"Image": "busybox"}, name="one")

    def ask(key: str, value: str) -> Reply:
        filters = json.dumps({key: [value]})
        return engine.request(method, path, filters=filters, **more)

    keys = keys_of_filters(name)
    assert keys
    for key in keys:
        value = VALUES.get(f"{name} {key}", VALUES.get(key, "busybox"))
        reply = ask(key, value)
        assert reply.status == 200, f"{key}: {reply.message}"
    reply = ask("colour", "red")
    assert (reply.status, reply.message.lower()) == (400, "invalid filter 'colour'")

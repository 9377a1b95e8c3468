"""Builders of the engine's records: a valid whole, of which a test names what it cares about."""

from __future__ import annotations

import msgspec

from budu.engine.containers.model import Container, Mount, MountKind, Status
from budu.image.model import ImageRecord
from budu.logs.source import LogSource
from budu.network.contract import EndpointState
from budu.spec.api.container import ContainerConfig
from budu.spec.api.host_config import HostConfig
from budu.spec.digest import Digest
from budu.spec.platform import Platform

SECOND_NS = 1_000_000_000


def hex_id(seed: str) -> str:
    """A full id that depends on nothing but `seed`."""
    return Digest.of(seed.encode()).hex


def a_container(name: str = "web", **changes: object) -> Container:
    """A container of busybox that was created and never started."""
    record = Container(
        id=hex_id(name),
        name=name,
        created_ns=1_700_000_000 * SECOND_NS,
        image_id=an_image().id,
        image_name="busybox",
        diff_ids=(str(Digest.of(b"layer")),),
        path="sleep",
        args=("60",),
        config=ContainerConfig(hostname="web", image="busybox"),
        host_config=HostConfig(network_mode="bridge"),
    )
    return msgspec.structs.replace(record, **changes)


def a_running_container(name: str = "web", **changes: object) -> Container:
    """A container whose program runs."""
    changes = {"status": Status.RUNNING, "pid": 4711, "started_ns": SECOND_NS, **changes}
    return a_container(name, **changes)


def an_endpoint(**changes: object) -> EndpointState:
    """A place in a bridge network."""
    state = EndpointState(
        endpoint_id=hex_id("endpoint"),
        container_id=hex_id("web"),
        name="web",
        address="172.17.0.2",
        prefix_length=16,
        gateway="172.17.0.1",
        mac="02:42:ac:11:00:02",
        host_link="budu-1",
        mtu=1500,
    )
    return msgspec.structs.replace(state, **changes)


def an_exited_container(name: str = "web", **changes: object) -> Container:
    """A container whose program ran and ended with 0."""
    ended = {"status": Status.EXITED, "started_ns": SECOND_NS, "finished_ns": 2 * SECOND_NS}
    return a_container(name, **{**ended, **changes})


def an_image(name: str = "busybox", **changes: object) -> ImageRecord:
    """An image of one layer without names."""
    record = ImageRecord(
        id=str(Digest.of(name.encode())),
        manifest_digest=str(Digest.of(b"manifest of " + name.encode())),
        size=1000,
        platform=Platform(os="linux", architecture="amd64"),
        diff_ids=(str(Digest.of(b"layer")),),
    )
    return msgspec.structs.replace(record, **changes)


def a_volume_mount(name: str = "data", destination: str = "/data") -> Mount:
    """A named volume of the local driver."""
    return Mount(
        kind=MountKind.VOLUME,
        destination=destination,
        source=f"/volumes/{name}/_data",
        name=name,
        driver="local",
    )


def a_log_source(**changes: object) -> LogSource:
    """What a log driver is told of a container of busybox."""
    source = LogSource(
        id="f" * 64,
        name="web",
        image_id="sha256:1",
        image_name="busybox",
        command="echo hello",
        created="2024-05-06T07:08:09Z",
        hostname="host",
        labels={"zone": "a", "team": "blue"},
        env={"STAGE": "test"},
        options={"labels": "zone", "env": "STAGE"},
    )
    return msgspec.structs.replace(source, **changes)

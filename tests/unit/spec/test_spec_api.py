"""Engine API bodies: names on the wire, Go's zero values, lenient decoding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.json import encode

from budu.base.errors import InvalidArgument
from budu.spec import image as oci
from budu.spec.api import (
    auth,
    container,
    events,
    host_config,
    image,
    network,
    system,
    volume,
)
from budu.spec.api import exec as execs
from budu.spec.api.codec import decode

FIXTURE = Path(__file__).parents[2] / "fixtures" / "engine_api_1_51.json"
DEFINITIONS: dict[str, dict[str, str]] = json.loads(FIXTURE.read_text())

RECORDS: dict[str, type[msgspec.Struct]] = {
    "Address": network.Address,
    "AuthConfig": auth.AuthConfig,
    "Commit": system.Commit,
    "ConfigReference": network.ConfigReference,
    "ContainerConfig": container.ContainerConfig,
    "ContainerCreateResponse": container.ContainerCreateResponse,
    "ContainerInspectResponse": container.ContainerInspect,
    "ContainerState": container.ContainerState,
    "ContainerSummary": container.ContainerSummary,
    "ContainerTopResponse": container.TopResponse,
    "ContainerWaitExitError": container.WaitExitError,
    "ContainerWaitResponse": container.WaitResponse,
    "ContainerdInfo": system.ContainerdInfo,
    "CreateImageInfo": image.ProgressMessage,
    "DeviceInfo": system.DeviceInfo,
    "DeviceMapping": host_config.DeviceMapping,
    "DeviceRequest": host_config.DeviceRequest,
    "DriverData": container.DriverData,
    "EndpointIPAMConfig": network.EndpointIPAMConfig,
    "EndpointSettings": network.EndpointSettings,
    "ErrorDetail": image.ErrorDetail,
    "EventActor": events.EventActor,
    "EventMessage": events.EventMessage,
    "FilesystemChange": container.FilesystemChange,
    "FirewallInfo": system.FirewallInfo,
    "Health": container.Health,
    "HealthConfig": container.HealthConfig,
    "HealthcheckResult": container.HealthcheckResult,
    "HostConfig": host_config.HostConfig,
    "IPAM": network.IPAM,
    "IPAMConfig": network.IPAMConfig,
    "ImageConfig": oci.ExecConfig,
    "ImageDeleteResponseItem": image.ImageDeleteItem,
    "ImageInspect": image.ImageInspect,
    "ImageManifestSummary": image.ManifestSummary,
    "ImageSummary": image.ImageSummary,
    "IndexInfo": system.IndexInfo,
    "LogConfig": host_config.LogConfig,
    "Mount": host_config.Mount,
    "MountPoint": container.MountPoint,
    "Network": network.Network,
    "NetworkContainer": network.NetworkContainer,
    "NetworkCreateResponse": network.NetworkCreateResponse,
    "NetworkSettings": network.NetworkSettings,
    "NetworkingConfig": network.NetworkingConfig,
    "OCIDescriptor": oci.Descriptor,
    "PeerInfo": network.PeerInfo,
    "PluginsInfo": system.PluginsInfo,
    "Port": container.Port,
    "PortBinding": host_config.PortBinding,
    "ProcessConfig": execs.ProcessConfig,
    "ProgressDetail": image.ProgressDetail,
    "RegistryServiceConfig": system.RegistryServiceConfig,
    "RestartPolicy": host_config.RestartPolicy,
    "Runtime": system.RuntimeInfo,
    "SystemInfo": system.SystemInfo,
    "SystemVersion": system.SystemVersion,
    "ThrottleDevice": host_config.ThrottleDevice,
    "Volume": volume.Volume,
    "VolumeCreateOptions": volume.VolumeCreateBody,
    "VolumeListResponse": volume.VolumeListResponse,
}
LEFT_OUT = {("Volume", "ClusterVolume"), ("VolumeCreateOptions", "ClusterVolumeSpec")}


@pytest.mark.parametrize("definition", sorted(RECORDS))
def test_every_property_of_the_definition_has_a_field(definition: str) -> None:
    names = {field.encode_name for field in msgspec.structs.fields(RECORDS[definition])}
    missing = {(definition, name) for name in DEFINITIONS[definition]} - {
        (definition, name) for name in names
    }
    assert missing <= LEFT_OUT


@pytest.mark.parametrize("definition", sorted(RECORDS))
def test_fields_take_the_types_of_the_definition(definition: str) -> None:
    fields = {
        field.encode_name: field.type for field in msgspec.structs.fields(RECORDS[definition])
    }
    samples: dict[str, Any] = {"string": "", "integer": 7, "boolean": True}
    for name, kind in DEFINITIONS[definition].items():
        if (definition, name) not in LEFT_OUT and kind in samples:
            assert msgspec.convert(samples[kind], fields[name]) == samples[kind], name


def test_definitions_and_records_are_paired() -> None:
    assert set(RECORDS) | {"Resources"} == set(DEFINITIONS)


def test_unset_fields_have_gos_zero_values() -> None:
    body = json.loads(encode(host_config.HostConfig()))
    assert body["Binds"] is None
    assert body["PortBindings"] is None
    assert body["PidsLimit"] is None
    assert body["ConsoleSize"] == [0, 0]
    assert body["RestartPolicy"] == {"Name": "", "MaximumRetryCount": 0}
    assert body["NanoCpus"] == 0
    assert body["Privileged"] is False


def test_fields_that_go_omits_are_omitted() -> None:
    body = json.loads(encode(host_config.HostConfig()))
    assert not body.keys() & {"Annotations", "Tmpfs", "Sysctls", "Runtime", "Mounts", "Init"}
    assert encode(container.WaitResponse()) == b'{"StatusCode":0}'
    assert encode(container.Port(private_port=80, type="tcp")) == b'{"PrivatePort":80,"Type":"tcp"}'


def test_set_fields_are_written_even_when_zero() -> None:
    body = json.loads(encode(container.ContainerConfig(stop_timeout=0, labels={})))
    assert body["StopTimeout"] == 0
    assert body["Labels"] == {}


def test_progress_detail_without_counts_is_an_empty_object() -> None:
    line = image.ProgressMessage(status="Waiting", id="abc", progress_detail=image.ProgressDetail())
    assert encode(line) == b'{"status":"Waiting","progressDetail":{},"id":"abc"}'


def test_null_is_accepted_everywhere() -> None:
    for record in RECORDS.values():
        required = {field.name for field in msgspec.structs.fields(record) if field.required}
        if not required:
            nulls = {field.encode_name: None for field in msgspec.structs.fields(record)}
            assert decode(record, json.dumps(nulls)) == record()


def test_null_entries_of_maps_are_kept() -> None:
    body = decode(
        container.ContainerCreateBody,
        b'{"Tty":null,"ExposedPorts":{"80/tcp":null},"HostConfig":{"PortBindings":{"80/tcp":null}},'
        b'"NetworkingConfig":{"EndpointsConfig":{"net":null}}}',
    )
    assert body.exposed_ports == {"80/tcp": None}
    assert body.host_config is not None
    assert body.host_config.port_bindings == {"80/tcp": None}
    assert body.networking_config is not None
    assert body.networking_config.endpoints_config == {"net": None}


def test_command_may_be_one_string() -> None:
    body = decode(container.ContainerCreateBody, b'{"Cmd":"ls","Entrypoint":["/bin/sh","-c"]}')
    assert body.cmd == ["ls"]
    assert body.entrypoint == ["/bin/sh", "-c"]


def test_environment_may_not_be_one_string() -> None:
    with pytest.raises(InvalidArgument, match=r"invalid JSON: .*Env"):
        decode(container.ContainerCreateBody, b'{"Env":"A=1"}')


def test_unknown_fields_are_ignored() -> None:
    assert decode(container.ContainerConfig, b'{"Image":"x","Novel":{"a":[1]}}').image == "x"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"Tty":"yes"}', b'"x"', b"{} {}"])
def test_bad_bodies_are_invalid_json(body: bytes) -> None:
    with pytest.raises(InvalidArgument, match=r"^invalid JSON: "):
        decode(container.ContainerConfig, body)


def test_create_body_survives_a_round_trip() -> None:
    body = container.ContainerCreateBody(
        image="httpd",
        env=["A=1"],
        exposed_ports={"80/tcp": {}},
        host_config=host_config.HostConfig(
            memory=1 << 20,
            port_bindings={"80/tcp": [host_config.PortBinding(host_port="8080")]},
            mounts=[host_config.Mount(type="bind", source="/a", target="/b")],
            ulimits=[host_config.Ulimit(name="nofile", soft=1, hard=2)],
            init=False,
        ),
    )
    assert decode(container.ContainerCreateBody, encode(body)) == body


def test_credentials_do_not_show_in_repr() -> None:
    shown = repr(auth.AuthConfig(username="me", password="secret", identitytoken="token"))
    assert "me" in shown
    assert "secret" not in shown
    assert "token" not in shown

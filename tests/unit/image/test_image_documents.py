"""Documents of images that are made here."""

from __future__ import annotations

import json

import pytest

from budu.image.documents import child_config, encode_config, encode_manifest
from budu.spec.digest import Digest
from budu.spec.image import (
    MEDIA_DOCKER_LAYER_GZIP,
    MEDIA_OCI_LAYER_GZIP,
    MEDIA_OCI_LAYER_ZSTD,
    Descriptor,
    ExecConfig,
    History,
    ImageConfig,
    RootFS,
)

LAYERS = ("sha256:" + "a" * 64, "sha256:" + "b" * 64)
PARENT = ImageConfig(
    created="2020-01-01T00:00:00Z",
    author="them",
    architecture="arm64",
    variant="v8",
    os="linux",
    config=ExecConfig(cmd=("old",)),
    rootfs=RootFS(diff_ids=LAYERS[:1]),
    history=(History(created_by="base"),),
)
NEW = ImageConfig(created="2021-01-01T00:00:00Z", author="me", config=ExecConfig(cmd=("new",)))


def descriptor(media_type: str) -> Descriptor:
    return Descriptor(media_type=media_type, digest=LAYERS[0], size=5)


def test_a_child_adds_a_layer_and_a_step() -> None:
    child = child_config(PARENT, NEW, step=History(comment="c"), diff_id=Digest(LAYERS[1]))
    assert child.rootfs.diff_ids == LAYERS
    assert child.history == (History(created_by="base"), History(comment="c"))
    assert (child.author, child.created, child.config) == ("me", NEW.created, NEW.config)
    assert (child.architecture, child.variant, child.os) == ("arm64", "v8", "linux")


def test_a_child_without_changes_has_a_step_without_a_layer() -> None:
    child = child_config(PARENT, NEW, step=History(comment="c"), diff_id=None)
    assert child.rootfs == PARENT.rootfs
    assert child.history == (History(created_by="base"), History(comment="c", empty_layer=True))


def test_a_config_has_what_the_specification_wants() -> None:
    document = json.loads(encode_config(ImageConfig()))
    assert document == {
        "architecture": "",
        "os": "",
        "rootfs": {"type": "layers", "diff_ids": []},
    }


@pytest.mark.parametrize(
    ("types", "family"),
    [
        ([MEDIA_OCI_LAYER_ZSTD, MEDIA_DOCKER_LAYER_GZIP], "oci.image"),
        ([MEDIA_DOCKER_LAYER_GZIP, MEDIA_OCI_LAYER_GZIP], "docker."),
        ([], "oci.image"),
    ],
)
def test_a_manifest_is_of_one_family(types: list[str], family: str) -> None:
    config = encode_config(PARENT)
    manifest, data = encode_manifest(config, [descriptor(each) for each in types])
    document = json.loads(data)
    assert document["schemaVersion"] == 2
    assert document["config"]["digest"] == Digest.of(config)
    assert document["config"]["size"] == len(config)
    assert len(document["layers"]) == len(types)
    named = [document["mediaType"], document["config"]["mediaType"]]
    named += [each["mediaType"] for each in document["layers"]]
    assert all(f"vnd.{family}" in each for each in named)
    assert tuple(each.media_type for each in manifest.layers) == tuple(named[2:])


def test_a_foreign_kind_of_layer_keeps_its_type() -> None:
    manifest, _ = encode_manifest(b"{}", [descriptor("application/x-own")])
    assert manifest.layers[0].media_type == "application/x-own"

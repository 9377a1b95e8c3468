"""Pulls of what is no image, and of what comes beside one."""

from __future__ import annotations

import json
import random

import pytest
from distribution_engine import BIG, Engine
from tests.fakes.registry import OCI_INDEX, OCI_MANIFEST, FakeRegistry

from budu.base.errors import (
    DataLoss,
)
from budu.distribution.progress import PullSummary
from budu.spec.digest import Digest

CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


HELM = "application/vnd.cncf.helm.config.v1+json"


def add_artifact(fake: FakeRegistry, config_type: str, layer_type: str, body: bytes) -> str:
    """An artifact whose config is `{}`; its digest."""
    config = {"mediaType": config_type, "digest": fake.add_blob(b"{}"), "size": 2}
    layer = {"mediaType": layer_type, "digest": fake.add_blob(body), "size": len(body)}
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer]}
    text = json.dumps(document).encode()
    return fake.add_manifest("team/chart", "1", text, OCI_MANIFEST)


@pytest.mark.parametrize(
    ("config_type", "layer_type", "kind"),
    [
        (HELM, CHART, HELM),
        ("application/vnd.oci.empty.v1+json", "text/plain", "application/vnd.oci.empty.v1+json"),
        ("application/vnd.oci.image.config.v1+json", "application/vnd.in-toto+json", None),
    ],
)
async def test_an_artifact_is_kept_as_it_is(
    engine: Engine, fake: FakeRegistry, config_type: str, layer_type: str, kind: str | None
) -> None:
    digest = add_artifact(fake, config_type, layer_type, BIG)
    pulled = await engine.pull("team/chart:1")
    assert (pulled.id, pulled.diff_ids) == (digest, ())
    assert pulled.artifact_type == (kind or layer_type)
    assert [*engine.layers.list()] == []
    kept = {Digest.of(b"{}"), Digest.of(BIG), Digest(digest)}
    assert {*engine.content.list()} == kept
    assert not (await engine.pull("team/chart:1")).new


async def test_a_part_of_an_artifact_with_a_changed_byte_leaves_nothing(
    engine: Engine, fake: FakeRegistry
) -> None:
    add_artifact(fake, HELM, CHART, BIG)
    fake.faults.wrong_bytes.add(str(Digest.of(BIG)))
    await engine.fail(DataLoss, "team/chart:1")
    assert engine.holds_nothing()


STATEMENT = random.Random(8).randbytes(9 << 20)
"""More than is read into memory."""


def add_attested(fake: FakeRegistry, *statements: bytes) -> str:
    """An index of one image with an attestation that holds the statements; its digest."""
    built = fake.add_image("team/app", None)
    blobs = [("application/vnd.in-toto+json", each) for each in statements]
    layers = [
        {"mediaType": kind, "digest": fake.add_blob(blob), "size": len(blob)}
        for kind, blob in blobs
    ]
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2}
    config["digest"] = fake.add_blob(b"{}")
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers}
    body = json.dumps(document).encode()
    attestation = {"mediaType": OCI_MANIFEST, "size": len(body)}
    attestation["digest"] = fake.add_manifest("team/app", None, body, OCI_MANIFEST)
    about = {"vnd.docker.reference.digest": built.digest}
    about["vnd.docker.reference.type"] = "attestation-manifest"
    image = {"mediaType": OCI_MANIFEST, "digest": built.digest, "size": built.size}
    image["platform"] = {"os": "linux", "architecture": "amd64"}
    nowhere = {"os": "unknown", "architecture": "unknown"}
    entries = [image, {**attestation, "annotations": about, "platform": nowhere}]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    fake.add_manifest("team/app", "1", json.dumps(index).encode(), OCI_INDEX)
    return attestation["digest"]


async def test_attestations_of_any_size_are_kept(engine: Engine, fake: FakeRegistry) -> None:
    small = b'{"_type": "https://in-toto.io/Statement/v0.1"}'
    attestation = add_attested(fake, small, STATEMENT)
    pulled = await engine.pull()
    parts = [str(Digest.of(each)) for each in (b"{}", small, STATEMENT)]
    assert pulled.extras == (attestation, *parts)
    assert {type(each) for each in pulled.extras} == {str}  # a record is made of them
    assert {*pulled.extras} <= {*engine.content.list()}
    assert engine.content.size(Digest.of(STATEMENT)) == len(STATEMENT)
    assert engine.statuses(parts[-1])[-1] == "Pull complete"
    assert engine.statuses(parts[-2]) == []
    sums = [event for event in engine.events if isinstance(event, PullSummary)]
    assert sums[-1].current == sums[-1].total > len(STATEMENT)
    before = len(fake.requests)
    assert (await engine.pull()).extras == pulled.extras
    assert not [each for each in fake.requests[before:] if "/blobs/" in each.path]


async def test_attestation_that_cannot_be_had_spoils_no_pull(
    engine: Engine, fake: FakeRegistry
) -> None:
    add_attested(fake, STATEMENT)
    fake.faults.wrong_bytes.add(str(Digest.of(STATEMENT)))
    assert (await engine.pull()).extras == ()
    assert [*engine.partials.iterdir()] == []
    fake.faults.wrong_bytes.clear()
    assert len((await engine.pull()).extras) == 3


async def test_attestation_whose_connection_is_cut_goes_on(
    engine: Engine, fake: FakeRegistry
) -> None:
    add_attested(fake, STATEMENT)
    fake.faults.drop_after[str(Digest.of(STATEMENT))] = 5 << 20
    fake.faults.drops_left = 1
    assert len((await engine.pull()).extras) == 3
    ranges = [each.headers.get("Range") for each in fake.requests]
    assert [each for each in ranges if each]

"""Pulls by a whole engine that are cut off, shared, or fed with rubbish by the registry."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.registry import OCI_INDEX, OCI_MANIFEST, FakeRegistry, tar_of
from tests.support.engine import ROOT, EngineProcess, UnixConnection
from tests.support.images import machine_architecture
from tests.support.waiting import eventually

pytestmark = pytest.mark.host

BIG = random.Random(3).randbytes(3_000_000)
HELD_AT = 1_500_000
IN_MEMORY = 512 << 10
"""Bytes of a download that may wait for more before they are written."""


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    with FakeRegistry().serving_in_thread() as registry:
        yield registry


@pytest.fixture
def one(make_engine: Callable[..., EngineProcess]) -> EngineProcess:
    return make_engine()


def pull(engine: EngineProcess, fake: FakeRegistry, name: str) -> tuple[int, str]:
    """The status and the error, empty when there was none."""
    image, _, tag = f"{fake.address}/{name}".rpartition(":")
    reply = engine.request("POST", "/images/create", fromImage=image, tag=tag)
    if reply.status != 200:
        return reply.status, reply.message
    last = json.loads(reply.body.splitlines()[-1])
    return 200, last.get("errorDetail", {}).get("message", "")


def left(engine: EngineProcess) -> dict[str, int]:
    """How much of everything a pull leaves on disk."""
    places = ("content/blobs/sha256", "content/ingest", "content/tmp")
    places += ("layers/sha256", "layers/tmp")
    return {place: len(list((engine.data_root / place).iterdir())) for place in places}


def ranges(fake: FakeRegistry, digest: str) -> list[str]:
    """What was asked of a blob: ranges, or nothing for the whole."""
    return [
        each.headers.get("Range", "")
        for each in fake.requests
        if each.method == "GET" and each.path.endswith(f"/blobs/{digest}")
    ]


def held_pull(engine: EngineProcess, fake: FakeRegistry) -> tuple[str, subprocess.Popen[bytes]]:
    """A pull by the command line whose only layer has come half; the blob and the process."""
    built = fake.add_image("team/app", "1", layers=[{"big": BIG}])
    fake.faults.hold_after[built.blobs[0]] = HELD_AT
    # A terminal's children have this; those of a shell's background ignore ctrl-C.
    script = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    command = [sys.executable, "-c", script + "from budu.cli.main import entry; entry()"]
    process = subprocess.Popen(
        [*command, "pull", f"{fake.address}/team/app:1"],
        env={**os.environ, "DOCKER_HOST": engine.host, "LANG": "C.UTF-8"},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    partial = engine.data_root / "content" / "ingest" / built.blobs[0][7:]
    least = HELD_AT - IN_MEMORY
    eventually(lambda: partial.exists() and partial.stat().st_size > least, "half a layer")
    return built.blobs[0], process


def went_on(fake: FakeRegistry, blob: str) -> bool:
    """Whether a blob was asked for whole first, and then from where its first half ends."""
    whole, rest = ranges(fake, blob)
    start = int(rest.removeprefix("bytes=").removesuffix("-"))
    return whole == "" and HELD_AT - IN_MEMORY < start <= HELD_AT


def test_ctrl_c_and_again(one: EngineProcess, fake: FakeRegistry) -> None:
    blob, process = held_pull(one, fake)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, b"Traceback" in said) == (130, False), said
    # The engine notices that its client left, and lets the partial blob go on later.
    fake.faults.hold_after.clear()
    assert pull(one, fake, "team/app:1") == (200, "")
    assert went_on(fake, blob)


def test_a_killed_engine_goes_on_where_it_was(one: EngineProcess, fake: FakeRegistry) -> None:
    blob, process = held_pull(one, fake)
    one.kill()
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1, said
    one.start()
    assert {place for place, count in left(one).items() if count} == {"content/ingest"}
    fake.faults.hold_after.clear()
    assert pull(one, fake, "team/app:1") == (200, "")
    assert went_on(fake, blob)
    assert left(one)["content/ingest"] == 0


def sha512(data: bytes) -> str:
    return f"sha512:{hashlib.sha512(data).hexdigest()}"


def test_digests_of_another_algorithm(one: EngineProcess, fake: FakeRegistry) -> None:
    """They are told as such, and what else is in their list is pulled, shown, saved and loaded."""
    tar = tar_of({"a": b"1"})
    fake.blobs[sha512(tar)] = tar
    part = {"mediaType": "text/plain", "digest": sha512(tar), "size": len(tar)}
    fake.add_image("team/app", "layer", layers=[tar], changes={"layers": [part]})
    status, message = pull(one, fake, "team/app:layer")
    assert (status, message.startswith("unsupported digest algorithm: sha512:")) == (200, True)

    built = fake.add_image("team/app", None, platform=f"linux/{machine_architecture()}")
    attestation = fake.add_image("team/app", None, changes={"layers": [part]})
    rows = [
        {"digest": sha512(b"other"), "platform": {"os": "linux", "architecture": "arm"}},
        {
            "digest": built.digest,
            "platform": {"os": "linux", "architecture": machine_architecture()},
        },
        {
            "digest": attestation.digest,
            "platform": {"os": "unknown", "architecture": "unknown"},
            "annotations": {
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": built.digest,
            },
        },
    ]
    entries = [{"mediaType": OCI_MANIFEST, "size": 99, **row} for row in rows]
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
    fake.add_manifest("team/app", "list", body, OCI_INDEX)
    assert pull(one, fake, "team/app:list") == (200, "")
    name = f"{fake.address}/team/app:list"
    here = one.request("GET", f"/images/{name}/json", manifests=1).json["Manifests"]
    assert [each["Available"] for each in here] == [False, True, False]
    assert one.request("GET", "/images/json", manifests=1).status == 200
    saved = one.request("GET", f"/images/{name}/get")
    assert saved.status == 200, saved.body
    assert one.request("DELETE", f"/images/{name}").status == 200
    assert b"errorDetail" not in load(one, saved.body)
    again = one.request("GET", f"/images/{name}/json", manifests=1).json["Manifests"]
    assert [each["Available"] for each in again] == [False, True, False]
    own = f"linux/{machine_architecture()}"
    assert one.request("GET", f"/images/{name}/get", platform=own).status == 200
    pushed = one.request("POST", f"/images/{name}/push").body
    assert b"sha512" not in pushed  # one platform goes; this registry takes no manifests at all
    assert b"Layer already exists" in pushed


def load(engine: EngineProcess, archive: bytes) -> bytes:
    connection = UnixConnection(engine.socket)
    try:
        connection.request("POST", "/images/load?quiet=1", archive)
        return connection.getresponse().read()
    finally:
        connection.close()


def test_pulls_at_the_same_time_fetch_a_layer_once(one: EngineProcess, fake: FakeRegistry) -> None:
    shared = {"shared": BIG}
    built = [
        fake.add_image("team/app", tag, layers=[shared, {"own": tag.encode()}]) for tag in "123"
    ]
    fake.faults.hold_after[built[0].blobs[0]] = HELD_AT
    ends: list[tuple[int, str]] = []
    threads = [
        threading.Thread(target=lambda tag=tag: ends.append(pull(one, fake, f"team/app:{tag}")))
        for tag in "123"
    ]
    for thread in threads:
        thread.start()
    own = [each.blobs[1] for each in built]
    eventually(lambda: all(ranges(fake, each) for each in own), "all three under way")
    fake.release()
    for thread in threads:
        thread.join(30)
    assert ends == [(200, "")] * 3
    assert ranges(fake, built[0].blobs[0]) == [""]


def hostile(*members: tuple[str, dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, fields in members:
            info = tarfile.TarInfo(name)
            for key, value in fields.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(b"x" * info.size))
    return out.getvalue()


LINK = {"type": tarfile.SYMTYPE, "linkname": "/etc"}
TARS = {
    "a path that leads out": (hostile(("../../etc/x", {"size": 1})), "etc/x"),
    "a hard link that leads out": (
        hostile(("x", {"type": tarfile.LNKTYPE, "linkname": "../../etc/passwd"})),
        "passwd",
    ),
    "a file through a link": (hostile(("out", LINK), ("out/x", {"size": 1})), ""),
    "half a tar": (tar_of({"x": BIG})[:5000], ""),
    "no tar": (b"nothing " * 1000, ""),
}


@pytest.mark.parametrize("name", TARS)
def test_a_hostile_layer_changes_nothing(
    one: EngineProcess, fake: FakeRegistry, name: str, tmp_path: Path
) -> None:
    tar, told = TARS[name]
    fake.add_image("team/app", "1", layers=[tar])
    before = left(one)
    passwd = Path("/etc/passwd").read_bytes()
    status, error = pull(one, fake, "team/app:1")
    if name == "a file through a link":  # is a matter of the layer's own tree
        assert (status, error) == (200, "")
        return
    assert (status, bool(error), told in error) == (200, True, True), error
    assert left(one) == before
    assert Path("/etc/passwd").read_bytes() == passwd
    assert one.request("GET", "/images/json").json == []


LIES: dict[str, Callable[[FakeRegistry, Any], None]] = {
    "another byte": lambda fake, built: fake.faults.wrong_bytes.add(built.blobs[0]),
    "another config": lambda fake, built: fake.faults.wrong_bytes.add(built.config_digest),
    "another manifest": lambda fake, built: fake.faults.wrong_bytes.add(built.digest),
    "a missing blob": lambda fake, built: fake.faults.missing_blobs.add(built.blobs[0]),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_registry_that_lies(one: EngineProcess, fake: FakeRegistry, lie: str) -> None:
    built = fake.add_image("team/app", "1")
    before = left(one)
    LIES[lie](fake, built)
    status, error = pull(
        one, fake, f"team/app@{built.digest}" if "manifest" in lie else "team/app:1"
    )
    assert error, status
    assert left(one) == before
    assert one.request("GET", "/images/json").json == []


def changed(fake: FakeRegistry, **fields: Any) -> None:
    """An image whose layer's descriptor says something else."""
    built = fake.add_image("team/app", None)
    document = json.loads(fake.manifests["team/app", built.digest][1])
    document["layers"][0] |= fields
    fake.add_manifest("team/app", "1", json.dumps(document).encode(), OCI_MANIFEST)


def test_an_early_end_is_no_loss(one: EngineProcess, fake: FakeRegistry) -> None:
    built = fake.add_image("team/app", "1")
    fake.faults.truncated[built.blobs[0]] = 10
    assert pull(one, fake, "team/app:1") == (200, "unexpected EOF")
    fake.faults.truncated.clear()
    assert pull(one, fake, "team/app:1") == (200, "")
    assert ranges(fake, built.blobs[0])[-1] == "bytes=10-"


@pytest.mark.parametrize("size", [1, 10_000, 1 << 60])
def test_a_size_that_is_a_lie(one: EngineProcess, fake: FakeRegistry, size: int) -> None:
    before = left(one)
    changed(fake, size=size)
    _, error = pull(one, fake, "team/app:1")
    assert error
    assert {**left(one), "content/ingest": 0} == before


@pytest.mark.parametrize("kind", ["application/vnd.oci.image.layer.v1.tar", "x-tar", ""])
def test_a_type_that_is_a_lie_does_not_matter(
    one: EngineProcess, fake: FakeRegistry, kind: str
) -> None:
    """What a layer is packed with shows in its bytes; digests decide what it is."""
    changed(fake, mediaType=kind)
    assert pull(one, fake, "team/app:1") == (200, "")

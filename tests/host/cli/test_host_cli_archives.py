"""Archives and registries both ways, with skopeo and podman: nothing changes on the way."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.host.cli.test_host_cli_images import Budu
from tests.support.engine import EngineProcess
from tests.support.images import other_architecture, push_index

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


@pytest.fixture
def budu(engine: EngineProcess, tmp_path: Path) -> Iterator[Budu]:
    budu = Budu(engine, tmp_path)
    yield budu
    for name in budu("images", "-q", "--no-trunc").split():
        budu.run("rmi", "-f", name)


@pytest.fixture
def digests(target: str) -> dict[str, str]:
    return push_index(target, "multi", "1")


def skopeo(*words: str) -> str:
    done = subprocess.run(["skopeo", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def podman() -> Iterator[Any]:
    """podman with a short place of its own."""
    with tempfile.TemporaryDirectory(prefix="bp-", ignore_cleanup_errors=True) as place:

        def run(*words: str) -> str:
            command = ["podman", "--root", f"{place}/p", "--runroot", f"{place}/r"]
            done = subprocess.run(
                [*command, "--storage-driver", "vfs", *words], capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
            return done.stdout.strip()

        yield run


def manifests(engine: EngineProcess, name: str) -> dict[str, tuple[str, bool]]:
    """Kind and presence of everything that a name stands for."""
    row = engine.request("GET", f"/images/{name}/json", manifests=1).json
    return {each["ID"]: (each["Kind"], each["Available"]) for each in row["Manifests"]}


def blobs_in(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {each.name: tar.extractfile(each).read() for each in tar if each.isreg()}  # type: ignore[union-attr]


def test_everything_of_an_index_comes_through_save_load_and_push(
    budu: Budu, engine: EngineProcess, target: str, digests: dict[str, str], tmp_path: Path
) -> None:
    name, copy = f"{target}/multi:1", f"{target}/copy:1"
    budu("pull", "-q", name)
    assert manifests(engine, name) == {
        digests["own"]: ("image", True),
        digests["other"]: ("image", False),
        digests["attestation"]: ("attestation", True),
        digests["artifact"]: ("unknown", False),
    }
    budu("pull", "-q", "--platform", f"linux/{other_architecture()}", name)
    budu("pull", "-q", name)
    budu("save", "-o", str(tmp_path / "a.tar"), name)
    blobs = blobs_in(tmp_path / "a.tar")
    for path, body in blobs.items():
        if path.startswith("blobs/"):
            assert hashlib.sha256(body).hexdigest() == path.rpartition("/")[2]
    present = {f"sha256:{path.rpartition('/')[2]}" for path in blobs}
    assert present >= {digests[key] for key in ("index", "own", "other", "attestation")}
    budu("rmi", name)
    assert budu("load", "-q", "-i", str(tmp_path / "a.tar")) == f"Loaded image: {name}"
    for key in ("own", "other", "attestation"):
        assert manifests(engine, name)[digests[key]][1], key
    assert budu("run", "--rm", name) == "own"
    # The artifact never came here, so the index is not whole: one platform goes.
    budu("tag", name, copy)
    assert f"digest: {digests['own']} size:" in budu("push", copy)


@pytest.mark.parametrize("way", ["oci-archive", "push"])
def test_skopeo_and_we_keep_all_of_an_index(
    budu: Budu,
    engine: EngineProcess,
    target: str,
    digests: dict[str, str],
    tmp_path: Path,
    way: str,
) -> None:
    """skopeo writes an index of its own for the same manifests; that one stays as it is then."""
    copy = f"{target}/copy:1"
    archive = f"oci-archive:{tmp_path}/theirs.tar:{copy}"
    skopeo("copy", "--all", "--src-tls-verify=false", f"docker://{target}/multi:1", archive)
    (root,) = json.loads(blobs_in(tmp_path / "theirs.tar")["index.json"])["manifests"]
    assert budu("load", "-q", "-i", f"{tmp_path}/theirs.tar") == f"Loaded image: {copy}"
    assert {digest for digest, (_, here) in manifests(engine, copy).items() if here} == {
        digests[key] for key in ("own", "other", "attestation", "artifact")
    }
    if way == "push":
        assert f"digest: {root['digest']} size:" in budu("push", copy)
        inspected = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{copy}")
        assert hashlib.sha256(inspected.encode()).hexdigest() == root["digest"][7:]
        return
    budu("save", "-o", str(tmp_path / "ours.tar"), copy)
    skopeo("copy", "--all", f"oci-archive:{tmp_path}/ours.tar", f"dir:{tmp_path}/back")
    body = (tmp_path / "back" / "manifest.json").read_bytes()
    assert "sha256:" + hashlib.sha256(body).hexdigest() == root["digest"]


def test_one_platform_to_skopeo_and_back(
    budu: Budu, target: str, digests: dict[str, str], tmp_path: Path
) -> None:
    """skopeo packs layers anew, and for OCI writes another config; what was pulled stays."""
    name = f"{target}/multi:1"
    budu("pull", "-q", name)
    identity = budu("image", "inspect", "-f", "{{.Id}}", name)
    budu("save", "-o", str(tmp_path / "ours.tar"), name)
    for kind in ("docker-archive", "oci-archive"):
        copy = f"{target}/{kind}:1"
        theirs = f"{kind}:{tmp_path}/{kind}.tar:{copy}"
        skopeo("copy", f"docker-archive:{tmp_path}/ours.tar", theirs)
        assert budu("load", "-q", "-i", f"{tmp_path}/{kind}.tar") == f"Loaded image: {copy}"
        assert budu("run", "--rm", copy) == "own"
        if kind == "docker-archive":
            assert budu("image", "inspect", "-f", "{{.Id}}", copy) == identity
        else:
            (row,) = json.loads(blobs_in(tmp_path / f"{kind}.tar")["index.json"])["manifests"]
            assert f"digest: {row['digest']} size:" in budu("push", copy)
        budu("rmi", copy)
    budu("save", "-o", str(tmp_path / "again.tar"), name)
    index = json.loads(blobs_in(tmp_path / "again.tar")["index.json"])
    assert [each["digest"] for each in index["manifests"]] == [digests["index"]]


@pytest.mark.podman
@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
def test_podman_both_ways(
    budu: Budu, target: str, digests: dict[str, str], tmp_path: Path, podman: Any, kind: str
) -> None:
    name = f"{target}/multi:1"
    budu("pull", "-q", name)
    identity = budu("image", "inspect", "-f", "{{.Id}}", name)
    budu("save", "-o", str(tmp_path / "ours.tar"), name)
    podman("load", "-q", "-i", str(tmp_path / "ours.tar"))
    assert f"sha256:{podman('inspect', '-f', '{{.Id}}', name)}" == identity
    podman("tag", name, f"{target}/podman:1")
    podman("save", "-q", "--format", kind, "-o", str(tmp_path / "theirs.tar"), f"{target}/podman:1")
    budu("rmi", name)
    assert budu("load", "-q", "-i", str(tmp_path / "theirs.tar")) == (
        f"Loaded image: {target}/podman:1"
    )
    assert budu("image", "inspect", "-f", "{{.Id}}", f"{target}/podman:1") == identity
    assert budu("run", "--rm", f"{target}/podman:1") == "own"


def test_an_artifact_comes_and_goes_as_it_is(
    budu: Budu, engine: EngineProcess, target: str, digests: dict[str, str], tmp_path: Path
) -> None:
    name, copy = f"{target}/multi:artifact", f"{target}/copy:artifact"
    budu("pull", "-q", name)
    assert manifests(engine, name) == {digests["artifact"]: ("unknown", True)}
    said = budu.failure("run", "--rm", name, "true")
    assert f"{name} is no image: it is of type application/vnd.example.thing" in said
    budu("save", "-o", str(tmp_path / "a.tar"), name)
    budu("rmi", name)
    assert budu("load", "-q", "-i", str(tmp_path / "a.tar")) == f"Loaded image: {name}"
    budu("tag", name, copy)
    assert f"digest: {digests['artifact']} size:" in budu("push", copy)
    assert any(name in line for line in budu("images", "--tree").splitlines())
    assert budu("image", "inspect", "-f", "{{.Id}}", copy) == digests["artifact"]


def rewritten(archive: Path, gone: str) -> bytes:
    """The archive without one of its files."""
    files = blobs_in(archive)
    del files[gone]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, body in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return out.getvalue()


def test_an_attestation_that_is_not_whole_is_left_out(
    budu: Budu, engine: EngineProcess, target: str, digests: dict[str, str], tmp_path: Path
) -> None:
    """It would be missed for ever: nothing of it stays, and the image is fine."""
    name = f"{target}/multi:1"
    budu("pull", "-q", name)
    budu("save", "-o", str(tmp_path / "a.tar"), name)
    budu("rmi", name)
    statement = b'{"_type": "https://in-toto.io/Statement/v0.1"}'
    gone = f"blobs/sha256/{hashlib.sha256(statement).hexdigest()}"
    budu("load", "-q", stdin=rewritten(tmp_path / "a.tar", gone))
    assert manifests(engine, name)[digests["own"]] == ("image", True)
    assert not manifests(engine, name)[digests["attestation"]][1]
    assert "✓ 0 missing" in budu("doctor", "storage")
    assert budu("run", "--rm", name) == "own"


def test_an_archive_without_a_part_of_an_artifact_is_refused(
    budu: Budu, target: str, digests: dict[str, str], tmp_path: Path
) -> None:
    name = f"{target}/multi:artifact"
    budu("pull", "-q", name)
    budu("save", "-o", str(tmp_path / "a.tar"), name)
    budu("rmi", name)
    gone = f"blobs/sha256/{hashlib.sha256(b'any bytes').hexdigest()}"
    done = budu.run("load", stdin=rewritten(tmp_path / "a.tar", gone))
    assert (done.returncode, b"is missing" in done.stderr) == (1, True), done.stderr

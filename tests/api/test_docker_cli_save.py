"""The genuine docker CLI, docker-py, skopeo and podman: save and load, both formats."""

import gzip
import hashlib
import io
import json
import lzma
import subprocess
import tarfile
from pathlib import Path

import docker as docker_py
import pytest
import zstandard
from tests.support.docker import Docker
from tests.support.engine import EngineProcess
from tests.support.fixtures import Registry
from tests.support.images import layer

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


@pytest.fixture
def app(docker: Docker) -> str:
    docker("pull", "-q", "app:1.0")
    return "app:1.0"


@pytest.fixture
def saved(docker: Docker, app: str, tmp_path: Path) -> Path:
    docker("save", "-o", str(tmp_path / "app.tar"), app)
    return tmp_path / "app.tar"


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {each.name: tar.extractfile(each).read() for each in tar if each.isreg()}  # type: ignore[union-attr]


def forget(docker: Docker, name: str) -> None:
    docker("rmi", "-f", docker("inspect", "-f", "{{.Id}}", name))


def test_archive_has_both_lists(saved: Path, registry: Registry) -> None:
    files = members(saved)
    digest = registry.digests["app:1.0"]
    (row,) = json.loads(files["manifest.json"])
    assert row["RepoTags"] == ["app:1.0"]
    assert all(path in files for path in (row["Config"], *row["Layers"]))
    (entry,) = json.loads(files["index.json"])["manifests"]
    assert entry["digest"] == digest
    assert entry["annotations"] == {
        "io.containerd.image.name": "docker.io/library/app:1.0",
        "org.opencontainers.image.ref.name": "1.0",
    }
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    assert json.loads(files["repositories"]).keys() == {"app"}


def test_save_load_push_keeps_the_digest(
    docker: Docker, saved: Path, target: str, registry: Registry
) -> None:
    forget(docker, "app:1.0")
    assert docker("load", "-i", str(saved)).splitlines()[-1] == "Loaded image: app:1.0"
    docker("tag", "app:1.0", f"{target}/app:1")
    assert registry.digests["app:1.0"] in docker("push", f"{target}/app:1")
    assert docker("run", "--rm", "app:1.0").startswith("app hello as daemon")


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, zstandard.compress])
def test_packed_archives_are_loaded(docker: Docker, saved: Path, pack: object) -> None:
    assert callable(pack)
    forget(docker, "app:1.0")
    done = docker.run("load", "-q", stdin=pack(saved.read_bytes()))
    assert (done.status, done.text) == (0, "Loaded image: app:1.0"), done


def test_several_images_by_tag_repository_and_id(docker: Docker, app: str, tmp_path: Path) -> None:
    docker("pull", "-q", "-a", "busybox")
    identity = docker("inspect", "-f", "{{.Id}}", app)
    docker("save", "-o", str(tmp_path / "a.tar"), "busybox", identity)
    rows = json.loads(members(tmp_path / "a.tar")["manifest.json"])
    tags = {tuple(row["RepoTags"] or ()) for row in rows}
    assert tags == {("busybox:1.36", "busybox:latest"), ()}
    forget(docker, app)
    lines = docker("load", "-q", "-i", str(tmp_path / "a.tar")).splitlines()
    assert sorted(lines) == [
        "Loaded image ID: " + identity,
        "Loaded image: busybox:1.36",
        "Loaded image: busybox:latest",
    ]
    docker("tag", identity, app)


def test_old_archive_keeps_its_id(docker: Docker) -> None:
    tar = layer({"hello": b"world\n"})
    diff_id = "sha256:" + hashlib.sha256(tar).hexdigest()
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "unknown-field": 1,
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        }
    ).encode()
    name = hashlib.sha256(config).hexdigest()
    folder = "ab" * 32
    rows = [{"Config": f"{name}.json", "RepoTags": ["old:1"], "Layers": [f"{folder}/layer.tar"]}]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, body in (
            (f"{name}.json", config),
            (f"{folder}/VERSION", b"1.0"),
            (f"{folder}/json", b"{}"),
            ("tars/x.tar", tar),
            ("manifest.json", json.dumps(rows).encode()),
        ):
            info = tarfile.TarInfo(path)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
        link = tarfile.TarInfo(f"{folder}/layer.tar")
        link.type, link.linkname = tarfile.SYMTYPE, "../tars/x.tar"
        archive.addfile(link)
    done = docker.run("load", "-q", stdin=out.getvalue())
    assert done.text == "Loaded image: old:1", done
    assert docker("inspect", "-f", "{{.Id}}", "old:1") == f"sha256:{name}"
    docker("rmi", "old:1")


def test_refused_archive_leaves_nothing(docker: Docker, saved: Path, engine: EngineProcess) -> None:
    forget(docker, "app:1.0")
    blobs = engine.data_root / "content" / "blobs" / "sha256"
    before = sorted(each.name for each in blobs.iterdir())
    data = bytearray(saved.read_bytes())
    data[len(data) // 2] ^= 1
    done = docker.run("load", stdin=bytes(data))
    assert done.status == 1, done
    assert sorted(each.name for each in blobs.iterdir()) == before
    done = docker.run("load", stdin=b"no archive at all" * 100)
    assert done.status == 1
    docker("load", "-q", "-i", str(saved))


def test_missing_image_and_platform(docker: Docker, app: str, saved: Path) -> None:
    done = docker.run("save", "nothing:1")
    assert (done.status, "No such image: nothing:1" in done.err) == (1, True), done
    done = docker.run("save", "--platform", "linux/s390x", app)
    assert "does not match the specified platform (linux/s390x)" in done.err
    done = docker.run("load", "--platform", "linux/s390x", "-i", str(saved))
    assert "requested platform (linux/s390x) not found" in done.err + done.out


def test_docker_py_round_trip(docker: Docker, engine: EngineProcess, app: str) -> None:
    client = docker_py.DockerClient(base_url=engine.host)
    data = b"".join(client.images.get(app).save(named=True))
    (image,) = client.images.load(data)
    assert image.tags == [app]
    client.close()


def test_skopeo_and_podman_read_it_and_theirs_are_loaded(
    docker: Docker, saved: Path, tmp_path: Path
) -> None:
    for kind in ("docker-archive", "oci-archive"):
        place = tmp_path / f"{kind}.tar"
        target = f"{kind}:{place}:{'docker.io/library/' if kind[0] == 'd' else ''}from-{kind}:1"
        source = f"{kind}:{saved}"
        command = ["skopeo", "copy", source, target]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert docker("load", "-q", "-i", str(place)).splitlines() == [
            f"Loaded image: from-{kind}:1"
        ]
        assert docker("run", "--rm", f"from-{kind}:1").startswith("app hello")
        docker("rmi", f"from-{kind}:1")

"""Images made of containers: what is in them, on disk and for whoever runs them."""

import gzip
import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from tests.support.engine import EngineProcess, Reply
from tests.support.scenes import logs, run, start, wait
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

CHANGE = """
set -e
rm /etc/group
mv /etc/passwd /etc/accounts
echo x >/srv-file
mkdir -p /d/e && echo deep >/d/e/f && chmod 2750 /d && chown 3:4 /d/e/f
ln /srv-file /srv-hard
ln -s /srv-file /srv-soft
mknod /srv-null c 1 3
mknod /srv-fifo p
rm -r /bin/../tmp && mkdir /tmp && echo t >/tmp/only
chmod 600 /etc
"""
SKIPPED = "./proc* ./sys* ./dev* ./etc/host* ./etc/resolv.conf"
NAMES = "cd /; find . -xdev " + " ".join(f"! -path '{each}'" for each in SKIPPED.split())
LOOK = (
    f"{NAMES} -exec stat -c '%n %a %u:%g %F %t:%T' {{}} + | sort; "
    f"{NAMES} -type f -exec stat -c '%n %h %s' {{}} + | sort; "
    "readlink /srv-soft; cat /srv-hard /d/e/f /tmp/only"
)


def output(engine: EngineProcess, image: str, script: str) -> bytes:
    """What a shell in a new container of the image prints."""
    body = {"Image": image, "Cmd": ["sh", "-c", script]}
    ref = engine.request("POST", "/containers/create", body).json["Id"]
    start(engine, ref)
    wait(engine, ref)
    text = logs(engine, ref)
    engine.request("DELETE", f"/containers/{ref}")
    return text


def commit(engine: EngineProcess, ref: str, **query: object) -> Reply:
    return engine.request("POST", "/commit", container=ref, **query)


def paths(engine: EngineProcess, ref: str) -> list[str]:
    """What the container changed."""
    rows = engine.request("GET", f"/containers/{ref}/changes").json
    return [row["Path"] for row in rows or ()]


def blob(engine: EngineProcess, digest: str) -> bytes:
    data = (engine.data_root / "content/blobs/sha256" / digest.removeprefix("sha256:")).read_bytes()
    assert "sha256:" + hashlib.sha256(data).hexdigest() == digest
    return data


def manifest_of(engine: EngineProcess, image: str) -> dict[str, Any]:
    """The stored manifest whose config is the image."""
    for path in (engine.data_root / "content/blobs/sha256").iterdir():
        data = path.read_bytes()
        if data.startswith(b"{") and json.loads(data).get("config", {}).get("digest") == image:
            found = json.loads(data)
            assert isinstance(found, dict)
            return found
    raise AssertionError("no manifest names the image")


@pytest.fixture
def changed(engine: EngineProcess) -> str:
    ref = run(engine, CHANGE, name="changed")
    assert wait(engine, ref) == 0
    return ref


def test_a_container_of_the_image_sees_the_same_tree(engine: EngineProcess, changed: str) -> None:
    ref = run(engine, CHANGE + LOOK, name="looks")
    wait(engine, ref)
    seen = logs(engine, ref)
    image = commit(engine, changed, repo="made", tag="1").json["Id"]
    again = output(engine, image, LOOK)
    assert b"./d/e/f 644 3:4 regular file 0:0\n" in again
    assert b"./srv-hard 2 2\n" in again
    assert b"./etc/group" not in again
    assert b"./srv-null" in again
    assert again == seen
    engine.request("DELETE", "/images/made:1")


def test_attributes_are_kept_and_given_files_are_left_out(
    engine: EngineProcess, changed: str
) -> None:
    upper = engine.data_root / "snapshots/containers" / engine.inspect(changed)["Id"] / "upper"
    os.setxattr(upper / "srv-file", "user.colour", b"blue")
    os.setxattr(upper / "srv-file", "trusted.secret", b"host")
    image = commit(engine, changed, repo="made", tag="1").json["Id"]
    config = json.loads(blob(engine, image))
    [packed] = [each["digest"] for each in manifest_of(engine, image)["layers"]][1:]
    plain = gzip.decompress(blob(engine, packed))
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        members = {each.name: each for each in tar}
    assert "sha256:" + hashlib.sha256(plain).hexdigest() == config["rootfs"]["diff_ids"][-1]
    assert members["srv-file"].pax_headers == {
        **members["srv-file"].pax_headers,
        "SCHILY.xattr.user.colour": "blue",
    }
    assert not any("secret" in key for key in members["srv-file"].pax_headers)
    assert members["etc/.wh.group"].isreg()
    assert members["tmp/.wh..wh..opq"].isreg()
    assert not {"etc/hosts", "etc/hostname", "proc", "sys", "dev"} & set(members)
    engine.request("DELETE", "/images/made:1")


def test_documents_are_exact_and_of_the_parents_family(engine: EngineProcess, changed: str) -> None:
    image = commit(engine, changed, repo="made", tag="1", author="a", comment="c").json["Id"]
    manifest = manifest_of(engine, image)
    parent = manifest_of(engine, engine.inspect(changed)["Image"])
    assert manifest["schemaVersion"] == 2
    assert manifest["mediaType"] == parent["mediaType"]
    assert manifest["layers"][:-1] == parent["layers"]
    assert manifest["layers"][-1]["mediaType"] == parent["layers"][-1]["mediaType"]
    for descriptor in (manifest["config"], *manifest["layers"]):
        assert len(blob(engine, descriptor["digest"])) == descriptor["size"]
    config = json.loads(blob(engine, image))
    assert config["rootfs"]["type"] == "layers"
    assert config["history"][-1] == {
        "created": config["created"],
        "created_by": f"sh -c {CHANGE}",
        "author": "a",
        "comment": "c",
    }
    engine.request("DELETE", "/images/made:1")


def test_a_running_container_is_committed_as_of_one_moment(engine: EngineProcess) -> None:
    write = "i=0; while :; do i=$((i+1)); for f in a b; do echo $i >/t; mv /t /$f; done; done"
    ref = run(engine, write, name="writes")
    eventually(lambda: "/b" in paths(engine, ref), "both files")
    image = commit(engine, ref, repo="made", tag="1").json["Id"]
    first, second = map(int, output(engine, image, "cat /a /b").split())
    assert 0 <= first - second <= 1
    assert second > 0
    assert engine.state(ref)["Status"] == "running"
    engine.request("DELETE", f"/containers/{ref}", force=1)
    engine.request("DELETE", "/images/made:1")


def test_the_image_of_a_container_may_be_gone(engine: EngineProcess) -> None:
    base = run(engine, ["touch", "/one"], name="base")
    wait(engine, base)
    first = commit(engine, base, repo="made", tag="1").json["Id"]
    body = {"Image": first, "Cmd": ["true"]}
    child = engine.request("POST", "/containers/create", body).json["Id"]
    assert engine.request("DELETE", f"/images/{first}", force=1).status == 200
    image = commit(engine, child, repo="made", tag="2").json["Id"]
    assert b"/one" in output(engine, image, "ls /one")
    for descriptor in manifest_of(engine, image)["layers"]:
        blob(engine, descriptor["digest"])
    engine.request("DELETE", f"/containers/{child}")
    engine.request("DELETE", "/images/made:2")


def test_what_a_failed_commit_began_is_gone(engine: EngineProcess, changed: str) -> None:
    before = set((engine.data_root / "layers/sha256").iterdir())
    assert commit(engine, changed, repo="made", changes="FROM x").status == 400
    assert commit(engine, changed, repo="Made").status == 400
    assert commit(engine, changed, repo="made", changes="STOPSIGNAL NOPE").status == 400
    assert set((engine.data_root / "layers/sha256").iterdir()) == before


def test_removing_the_image_frees_its_layer_and_blobs(engine: EngineProcess, changed: str) -> None:
    stores = [engine.data_root / "layers/sha256", engine.data_root / "content/blobs/sha256"]
    before = [_names(store) for store in stores]
    image = commit(engine, changed).json["Id"]
    assert [len(_names(store)) for store in stores] == [len(before[0]) + 1, len(before[1]) + 3]
    assert engine.request("DELETE", f"/images/{image}").status == 200
    assert [_names(store) for store in stores] == before


def _names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


def test_a_commit_outlives_the_engine(engine: EngineProcess, changed: str) -> None:
    image = commit(engine, changed, repo="made", tag="1").json["Id"]
    engine.kill()
    engine.start()
    assert b"deep" in output(engine, image, "cat /d/e/f")
    engine.request("DELETE", "/images/made:1")


def test_an_import_of_what_is_no_archive_leaves_nothing(engine: EngineProcess) -> None:
    before = _names(engine.data_root / "layers/sha256")
    reply = engine.request("POST", "/images/create", {"no": "tar"}, fromSrc="-", repo="made")
    assert reply.status >= 400
    assert _names(engine.data_root / "layers/sha256") == before

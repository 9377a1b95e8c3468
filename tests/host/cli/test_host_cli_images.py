"""Our own command line over images: push, save, load, search, tags, manifest lists, history."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.engine import EngineProcess
from tests.support.fixtures import Registry
from tests.support.images import layer, machine_architecture, other_architecture, push, push_foreign

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


class Budu:
    """`budu(...)` must succeed and returns the output without the end of line."""

    def __init__(self, engine: EngineProcess, config: Path) -> None:
        self.log = engine.log
        self.environment = {
            **os.environ,
            "DOCKER_HOST": engine.host,
            "DOCKER_CONFIG": str(config),
            "LANG": "C.UTF-8",
        }

    def run(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-c", "from budu.cli.main import entry; entry()", *words]
        return subprocess.run(
            command, env=self.environment, capture_output=True, input=stdin, timeout=60
        )

    def __call__(self, *words: str, stdin: bytes = b"") -> str:
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, done.stderr.decode() + self.log.read_text()[-1500:]
        return done.stdout.decode().strip()

    def failure(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode != 0, done.stdout
        return done.stderr.decode()


@pytest.fixture
def budu(engine: EngineProcess, tmp_path: Path) -> Budu:
    return Budu(engine, tmp_path)


def small(address: str, name: str, tags: list[str], text: str, **more: str) -> str:
    return push(address, name, tags, [layer({"hello": text.encode()})], {"Cmd": ["/hello"]}, **more)


def test_push_and_its_quiet_form(budu: Budu, target: str, registry: Registry) -> None:
    budu("tag", "busybox", f"{target}/box")
    lines = budu("push", f"{target}/box").splitlines()
    assert lines[0] == "Using default tag: latest"
    assert lines[1] == f"The push refers to repository [{target}/box]"
    assert lines[-1].startswith(f"latest: digest: {registry.digests['busybox:latest']} size: ")
    assert budu("push", "-q", f"{target}/box") == f"{target}/box:latest"
    assert "tag can't be used with --all-tags/-a" in budu.failure("push", "-a", f"{target}/box:1")


def test_push_of_an_untagged_name_tells_how(budu: Budu, target: str) -> None:
    said = budu.failure("push", f"{target}/busybox:1")
    assert f"An image does not exist locally with the tag: {target}/busybox" in said
    assert f"budu tag busybox:latest {target}/busybox:1" in said or "busybox" in said


def test_tag_with_capitals(budu: Budu) -> None:
    said = budu.failure("tag", "busybox", "UP:1")
    assert said.startswith(
        'Error parsing reference: "UP:1" is not a valid repository/tag: '
        "invalid reference format: repository name (library/UP) must be lowercase"
    )


def test_save_and_load(budu: Budu, tmp_path: Path) -> None:
    file = str(tmp_path / "box.tar")
    budu("save", "-o", file, "busybox")
    assert budu("load", "-i", file).splitlines()[-1] == "Loaded image: busybox:latest"
    piped = budu.run("save", "busybox:latest").stdout
    assert budu("load", "-q", stdin=piped) == "Loaded image: busybox:latest"
    assert "no such file or directory" in budu.failure("load", "-i", file + "x")


def test_save_where_there_is_no_room_or_no_right(budu: Budu, tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", place], check=True)
    try:
        said = budu.failure("save", "-o", str(place / "box.tar"), "busybox")
        assert said == f"write {place}/box.tar: no space left on device\n"
        assert [*place.iterdir()] == []
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        said = budu.failure("save", "-o", str(place / "box.tar"), "busybox")
        assert said.startswith(f"failed to save image: open {place}/box.tar")
        assert said.endswith(": read-only file system\n")
    finally:
        subprocess.run(["umount", place], check=True)
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-c", "from budu.cli.main import entry; entry()", "save", "busybox"],
            env=budu.environment, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "write /dev/stdout: no space left on device\n")


def test_search_falls_back_to_the_catalogue(budu: Budu, target: str) -> None:
    small(target, "team/web", ["1"], "w")
    small(target, "team/db", ["1"], "d")
    assert f"{target}/team/web" in budu("search", f"{target}/web")
    assert f"{target}/team/db" not in budu("search", f"{target}/web")
    small(target, "library/tool", ["latest"], "t")
    (found,) = budu("search", "--format", "{{.Name}}", f"{target}/tool").splitlines()
    budu("pull", "-q", found)  # what a search finds can be pulled under that name
    budu("rmi", found)
    assert budu("search", "--limit", "-1", f"{target}/web").count("team/web") == 1
    assert budu("search", "--format", "{{.Name}} {{.IsOfficial}}", "busybox") == "busybox [OK]"
    assert "limit 101 is outside the range of [1, 100]" in budu.failure(
        "search", "--limit", "101", "busybox"
    )


def test_tags_by_version_with_what_latest_equals(budu: Budu, target: str) -> None:
    small(target, "team/web", ["1.9"], "old")
    small(target, "team/web", ["1.10", "latest"], "new")
    rows = budu("tags", "--format", "{{.Tag}}|{{.SameAs}}", f"{target}/team/web").splitlines()
    assert rows == ["latest|1.10", "1.10|latest", "1.9|"]
    assert budu("tags", "-q", "-n", "1", f"{target}/team/web") == "latest"
    assert "invalid sort" in budu.failure("tags", "--sort", "luck", f"{target}/team/web")
    said = budu.failure("tags", f"{target}/team/wbe")
    assert f"Did you mean: {target}/team/web?" in said


def test_tags_by_size_and_age(budu: Budu, target: str) -> None:
    name = f"{target}/team/web"
    for tag, size, year in (("1", 10, 2024), ("2", 900, 2022), ("3", 400, 2026)):
        text = random.Random(tag).randbytes(size * 9).hex()
        digest = small(target, "team/web", [tag], text, created=f"{year}-01-02T03:04:05Z")
    order = {
        sort: budu("tags", "-q", "--sort", sort, name).split()
        for sort in ("version", "size", "age")
    }
    assert order == {"version": ["3", "2", "1"], "size": ["2", "3", "1"], "age": ["3", "1", "2"]}
    rows = [json.loads(each) for each in budu("tags", "--format", "json", name).splitlines()]
    assert (rows[0]["Digest"], rows[0]["CreatedAt"]) == (digest, "2026-01-02T03:04:05Z")
    assert {row["Platforms"] for row in rows} == {f"linux/{machine_architecture()}"}
    assert digest in budu("tags", "--no-trunc", name)
    assert digest not in budu("tags", name)


def test_manifest_list_of_two_platforms(budu: Budu, target: str, engine: EngineProcess) -> None:
    small(target, "app", ["amd"], "a")
    small(target, "other", ["arm"], "b")
    name = f"{target}/app:1"
    budu("manifest", "create", name, f"{target}/app:amd", f"{target}/other:arm")
    assert "refusing to amend" in budu.failure("manifest", "create", name, f"{target}/app:amd")
    arch = other_architecture()
    budu("manifest", "annotate", "--arch", arch, name, f"{target}/other:arm")
    assert [
        each["platform"]["architecture"]
        for each in json.loads(budu("manifest", "inspect", name))["manifests"]
    ][1] == arch
    digest = budu("manifest", "push", "--purge", name).splitlines()[-1]
    document = json.loads(budu("manifest", "inspect", name))
    assert len(document["manifests"]) == 2
    assert "No such manifest" in budu.failure("manifest", "rm", name)
    reply = engine.request("GET", f"/distribution/{name}/json")
    assert reply.json["Descriptor"]["digest"] == digest
    assert {each["architecture"] for each in reply.json["Platforms"]} >= {arch}


def test_manifest_lists_with_every_flag(budu: Budu, target: str) -> None:
    digests = {tag: small(target, "app", [tag], tag) for tag in ("a", "b")}
    name, one, two = f"{target}/app:list", f"{target}/app:a", f"{target}/app:b"
    budu("manifest", "create", "--insecure", name, one)
    budu("manifest", "create", "-a", name, two)
    budu("manifest", "create", "--amend", name, two)  # replaces itself
    flags = ("--os", "linux", "--arch", "arm64", "--variant", "v8", "--os-version", "10.1")
    budu("manifest", "annotate", *flags, "--os-features", "x,y", name, two)
    wanted = {"architecture": "arm64", "os": "linux", "variant": "v8", "os.version": "10.1"}
    wanted = {**wanted, "os.features": ["x", "y"]}
    listed = json.loads(budu("manifest", "inspect", name))
    assert [each["digest"] for each in listed["manifests"]] == [*digests.values()]
    assert listed["manifests"][1]["platform"] == wanted
    for missing in (name, f"{target}/no:list"):
        said = budu.failure("manifest", "annotate", missing, f"{target}/app:c")
        assert f"manifest for image {target}/app:c does not exist in {missing}" in said
    for flag, pair in (("--arch=weird", "linux/weird"), ("--os=odd", "odd/arm64")):
        said = budu.failure("manifest", "annotate", flag, name, two)
        assert f"unsupported os/arch combination: {pair}" in said
    member = json.loads(budu("manifest", "inspect", "--insecure", "-v", name, two))
    assert member["Descriptor"]["platform"] == wanted
    raw = base64.b64decode(member["Raw"])
    assert "sha256:" + hashlib.sha256(raw).hexdigest() == digests["b"]
    assert member["OCIManifest"] == json.loads(raw)
    lines = budu("manifest", "push", "--insecure", name).splitlines()
    assert lines[:2] == [
        f"Pushed ref {target}/app@{digest} with digest: {digest}" for digest in digests.values()
    ]
    budu("manifest", "rm", name)
    remote = json.loads(budu("manifest", "inspect", name))
    assert remote["manifests"] == listed["manifests"]
    shown = json.loads(budu("manifest", "inspect", "--verbose", name))
    assert [each["Ref"] for each in shown] == [
        f"{target}/app@{digest}" for digest in digests.values()
    ]
    assert shown[1]["Descriptor"]["platform"] == wanted
    assert json.loads(budu("manifest", "inspect", "-v", one))["Ref"] == one
    assert "is a manifest list" in budu.failure("manifest", "create", f"{target}/app:x", name)
    assert "no such manifest" in budu.failure("manifest", "inspect", f"{target}/app:nothing")


def test_both_platforms_of_a_name_are_kept_and_pushed(
    budu: Budu, target: str, engine: EngineProcess
) -> None:
    small(target, "app", ["amd"], "a")
    small(target, "app", ["arm"], "b")
    name, arch = f"{target}/app:1", other_architecture()
    budu("manifest", "create", name, f"{target}/app:amd", f"{target}/app:arm")
    budu("manifest", "annotate", "--arch", arch, name, f"{target}/app:arm")
    digest = budu("manifest", "push", name).splitlines()[-1]
    # The index says another architecture than the config does, which is enough for this.
    budu("pull", "-q", name)
    single = budu("push", f"{target}/app:1")
    assert digest not in single  # one platform is here: its manifest is pushed
    tree = budu("images", "--tree", name)
    assert "├─ linux/" in tree
    assert "└─ linux/" in tree
    row = engine.request("GET", f"/images/{name}/json", manifests=1).json
    assert row["Descriptor"]["digest"] == digest
    assert [each["Available"] for each in row["Manifests"]].count(True) == 1
    budu("rmi", name)


def test_whole_index_is_pushed_saved_and_loaded_with_its_digest(
    budu: Budu, target: str, engine: EngineProcess, tmp_path: Path
) -> None:
    small(target, "app", ["own"], "a")
    tar = layer({"hello": b"other"})
    push_foreign(target, "foreign", tar, gzip.compress(tar, mtime=0))
    child = json.loads(budu("manifest", "inspect", f"{target}/foreign"))["manifests"][0]["digest"]
    name, arch = f"{target}/app:both", other_architecture()
    budu("manifest", "create", name, f"{target}/app:own", f"{target}/foreign@{child}")
    digest = budu("manifest", "push", "-p", name).splitlines()[-1]
    budu("pull", "-q", "--platform", f"linux/{arch}", name)
    budu("pull", "-q", name)
    assert budu("images", "-q", f"{target}/app").count("\n") == 0  # one name, one row
    assert (
        budu("image", "inspect", "--platform", f"linux/{arch}", "-f", "{{.Architecture}}", name)
        == arch
    )
    budu("image", "prune", "-f")  # the other platform is no dangling image
    budu("tag", name, f"{target}/copy:both")
    assert f"digest: {digest} size:" in budu("push", f"{target}/copy:both")
    file = str(tmp_path / "both.tar")
    budu("save", "-o", file, f"{target}/copy:both")
    for each in (name, f"{target}/copy:both"):
        budu("rmi", each)
    assert engine.request("GET", f"/images/{name}/json").status == 404
    budu("load", "-q", "-i", file)
    assert f"digest: {digest} size:" in budu("push", f"{target}/copy:both")
    budu("rmi", "--platform", f"linux/{arch}", f"{target}/copy:both")
    row = engine.request("GET", f"/images/{target}/copy:both/json", manifests=1).json
    assert [each["Available"] for each in row["Manifests"]].count(True) == 1
    assert row["Architecture"] != arch
    budu("rmi", f"{target}/copy:both")


def test_history_for_people_and_programs(budu: Budu) -> None:
    assert budu("history", "busybox").splitlines()[0].split() == [
        "IMAGE", "CREATED", "CREATED", "BY", "SIZE", "COMMENT",
    ]  # fmt: skip
    assert budu("history", "-q", "--no-trunc", "busybox").startswith("sha256:")
    assert int(budu("history", "-H=false", "--format", "{{.Size}}", "busybox").split()[0]) > 0
    assert "CREATED AT" in budu("history", "-H=false", "busybox")
    assert "CREATED AT" not in budu("history", "busybox")


@pytest.mark.parametrize(
    ("asked", "near"), [("busybxo", "busybox"), ("apache", "httpd"), ("httpdd", "httpd")]
)
def test_near_names_of_a_mistyped_image(budu: Budu, asked: str, near: str) -> None:
    said = budu.failure("pull", asked)
    assert f"Did you mean: {near}" in said


def test_all_tags_over_several_pages(budu: Budu, target: str) -> None:
    tags = [f"t{number}" for number in range(4)]
    small(target, "many", tags, "x")
    budu("pull", "-q", "-a", f"{target}/many")
    shown = budu("images", "--format", "{{.Tag}}", f"{target}/many").split()
    assert sorted(shown) == tags
    for tag in tags:
        budu("rmi", f"{target}/many:{tag}")

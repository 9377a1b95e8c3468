"""Recipes become layers in rooms of their own, the same each time, and go to a hub once."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
from pathlib import Path

import pytest
from tests.support.seeded_hub import running_hub

from budu.base.errors import Internal, InvalidArgument
from budu.hub.seed.build import Builder
from budu.hub.seed.image import Image, Layer
from budu.hub.seed.library import read_recipe
from budu.hub.seed.main import publish

METADATA = """
summary: one
summaryKo: 하나
tags: [latest, "1"]
categories: [security]
synonyms: [uno]
"""
RECIPE = """
FROM scratch AS tools
COPY root /

FROM tools
RUN mkdir /data && echo kept > /data/kept && echo gone > /data/gone && chmod 0700 /data
RUN rm /data/gone && cat /proc/net/dev > /data/links && echo $COLOUR > /data/colour
COPY --from=tools /bin/sh /data/
COPY --chmod=0755 script /usr/bin/
ENV COLOUR=blue
RUN echo $COLOUR > /colour
CMD ["script"]
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """One recipe that stands on nothing but Debian's static busybox."""
    folder = tmp_path / "library" / "one"
    for name in ("root/bin", "root/dev", "root/proc"):
        (folder / name).mkdir(parents=True)
        (folder / name / ".keep").touch()
    shutil.copy("/bin/busybox", folder / "root/bin/busybox")
    for command in ("sh", "mkdir", "echo", "rm", "cat", "chmod"):
        (folder / "root/bin" / command).symlink_to("busybox")
    (folder / "script").write_text("#!/bin/sh\n")
    (folder / "Dockerfile").write_text(RECIPE)
    (folder / "metadata.yaml").write_text(METADATA)
    for name in ("overview.md", "overview.ko.md"):
        (folder / name).write_text("text\n")
    return tmp_path / "library"


def build(library: Path, cache: Path) -> Image:
    return Builder(cache, lambda line: None).build(read_recipe("one", library))


def members(layer: Layer) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(Path(layer.path).read_bytes()))) as tar:
        return {member.name.rstrip("/"): member for member in tar}


def content(layer: Layer, name: str) -> str:
    return (Path(layer.tree) / name).read_text()


def test_each_instruction_is_a_layer_of_what_it_changed(library: Path, tmp_path: Path) -> None:
    image = build(library, tmp_path / "cache")
    _, first, second, copied, script, last = image.layers
    assert {"data/kept", "data/gone"} < set(members(first))
    assert members(first)["data"].mode == 0o700
    assert "data/.wh.gone" in members(second)
    assert "data/kept" not in members(second)
    assert members(copied)["data/sh"].issym()
    assert members(script)["usr/bin/script"].mode == 0o755
    assert content(second, "data/colour") == "\n"
    assert content(last, "colour") == "blue\n"
    assert image.config["Cmd"] == ["script"]
    assert not set(members(last)) & {"dev", "proc", "etc/resolv.conf"}


def test_commands_have_no_network(library: Path, tmp_path: Path) -> None:
    image = build(library, tmp_path / "cache")
    links = content(image.layers[2], "data/links").splitlines()[2:]
    assert [line.split(":")[0].strip() for line in links] == ["lo"]


def test_the_same_recipe_gives_the_same_bytes(library: Path, tmp_path: Path) -> None:
    first, second = (build(library, tmp_path / name) for name in ("a", "b"))
    assert [each.digest for each in first.layers] == [each.digest for each in second.layers]


def test_nothing_stays_mounted(library: Path, tmp_path: Path) -> None:
    build(library, tmp_path / "cache")
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()


def test_a_command_that_fails_leaves_no_layer(library: Path, tmp_path: Path) -> None:
    recipe = library / "one" / "Dockerfile"
    recipe.write_text("FROM scratch\nCOPY root /\nRUN echo told >&2; cat /nothing\n")
    with pytest.raises(Internal, match=r"told(.|\n)*/nothing"):
        build(library, tmp_path / "cache")
    recipe.write_text("FROM scratch\nCOPY root /\nRUN cat /bin/.keep\n")
    assert len(build(library, tmp_path / "cache").layers) == 2


def test_an_unknown_base_is_told(library: Path, tmp_path: Path) -> None:
    (library / "one" / "Dockerfile").write_text("FROM scratch\nCOPY --from=two /a /b\n")
    with pytest.raises(InvalidArgument, match="two"):
        build(library, tmp_path / "cache")


def test_a_hub_gets_an_image_once(library: Path, tmp_path: Path) -> None:
    told: list[str] = []
    with running_hub(tmp_path) as hub:
        client = hub.client()
        client.describe(read_recipe("one", library))
        publish(client, ["one"], library, tmp_path / "cache", say=told.append)
        assert told[-1].startswith("one: sha256:")
        count = len(told)
        publish(client, ["one"], library, tmp_path / "cache", say=told.append)
        assert len(told) == count, "nothing is built again"
        publish(client, ["one"], library, tmp_path / "cache", is_forced=True, say=told.append)
        assert told[-1] == told[count - 1], "the same recipe is the same image"
        with (library / "one" / "Dockerfile").open("a") as recipe:
            recipe.write("LABEL a=b\n")
        publish(client, ["one"], library, tmp_path / "cache", say=told.append)
        assert told[-1] != told[count - 1]

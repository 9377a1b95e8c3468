"""Recipes are built by an engine of their own, the same each time, and go to a hub once."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.seeded_hub import RunningHub, running_hub

from budu.base.errors import Internal
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
ARG SOURCE_DATE_EPOCH
RUN --mount=type=cache,target=/kept \\
    mkdir /data \\
    && date > /kept/date \\
    && echo $SOURCE_DATE_EPOCH > /data/epoch
COPY --from=tools /bin/sh /data/
COPY script /usr/bin/
WORKDIR /srv/one
CMD ["script"]
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """One recipe that stands on nothing but Debian's static busybox."""
    folder = tmp_path / "library" / "one"
    (folder / "root/bin").mkdir(parents=True)
    shutil.copy("/bin/busybox", folder / "root/bin/busybox")
    for command in ("sh", "mkdir", "echo", "date", "cat"):
        (folder / "root/bin" / command).symlink_to("busybox")
    (folder / "script").write_text("#!/bin/sh\n")
    (folder / "Dockerfile").write_text(RECIPE)
    (folder / "metadata.yaml").write_text(METADATA)
    for name in ("overview.md", "overview.ko.md"):
        (folder / name).write_text("text\n")
    return folder


@pytest.fixture
def hub(tmp_path: Path, recipe: Path) -> Iterator[RunningHub]:
    with running_hub(tmp_path) as running:
        running.client().describe(read_recipe("one", recipe.parent))
        yield running


def seed(
    hub: RunningHub, recipe: Path, cache: str = "cache", *, is_forced: bool = False
) -> list[str]:
    """What was told."""
    told: list[str] = []
    place = hub.folder / cache
    publish(hub.client(), ["one"], recipe.parent, place, is_forced=is_forced, say=told.append)
    return told


def left_of_engine(cache: Path) -> list[str]:
    """Links, tables, sockets, mounts and processes that seeding left."""
    mark = hashlib.sha256(str(cache / "engine" / "data").encode()).hexdigest()[:6]
    found = [each for each in os.listdir("/sys/class/net") if mark in each]
    run = Path("/run/budu-seed", hashlib.sha256(str(cache / "engine").encode()).hexdigest()[:12])
    found += [str(run)] if run.exists() else []
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True).stdout
    found += [each for each in tables.splitlines() if mark in each]
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    found += [each for each in mounts if str(cache) in each]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        found += [words] if f"--data-root={cache}" in words else []
    return found


def test_a_hub_gets_an_image_once(hub: RunningHub, recipe: Path) -> None:
    told = seed(hub, recipe)
    assert told[:-1] == [
        "one: COPY root /",
        "one: RUN mkdir /data && date > /kept/date && echo $SOURCE_DATE_EPOCH > /data/epoch",
        "one: COPY --from=tools /bin/sh /data/",
        "one: COPY script /usr/bin/",
    ]
    assert told[-1].startswith("one: sha256:")
    assert seed(hub, recipe) == [], "nothing is built again"
    assert seed(hub, recipe, is_forced=True) == told[-1:], "nor when it is published again"
    with (recipe / "Dockerfile").open("a") as file:
        file.write("LABEL a=b\n")
    assert seed(hub, recipe)[-1] != told[-1]
    for tag in ("latest", "1"):
        published = hub.client().published_recipe("one", tag)
        assert published == read_recipe("one", recipe.parent).fingerprint
    assert left_of_engine(hub.folder / "cache") == []


def test_neither_place_nor_time_shows(hub: RunningHub, recipe: Path) -> None:
    first = seed(hub, recipe)
    for path in recipe.rglob("*"):
        os.utime(path, (7, 7), follow_symlinks=False)
    assert seed(hub, recipe, "other", is_forced=True) == first


def test_a_command_that_fails_is_told_and_leaves_nothing(hub: RunningHub, recipe: Path) -> None:
    (recipe / "Dockerfile").write_text("FROM scratch\nCOPY root /\nRUN echo told; cat /nothing\n")
    with pytest.raises(Internal, match=r"one failed(.|\n)*told(.|\n)*/nothing(.|\n)*code: 1"):
        seed(hub, recipe)
    assert left_of_engine(hub.folder / "cache") == []
    assert hub.client().published_recipe("one", "latest") == ""

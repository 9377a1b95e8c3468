"""What lies in hub/library, and how recipes are read."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from budu.base.errors import InvalidArgument, NotFound
from budu.hub.seed import library

OFFICIAL = [
    "busybox",
    "debian",
    "hello-world",
    "httpd",
    "mariadb",
    "memcached",
    "nginx",
    "node",
    "postgres",
    "python",
    "redis",
    "registry",
]


def test_the_official_images_are_there() -> None:
    assert library.names() == OFFICIAL


@pytest.mark.parametrize("name", OFFICIAL)
def test_a_recipe_is_whole(name: str) -> None:
    recipe = library.read_recipe(name)
    assert recipe.metadata.tags[0] == "latest"
    assert len(recipe.metadata.summary) <= 300 and len(recipe.metadata.summary_ko) <= 300
    assert recipe.metadata.categories and recipe.metadata.synonyms
    assert not recipe.overview.startswith("#"), "the page has the name above it already"
    assert not recipe.overview_ko.startswith("#")
    assert re.search("[가-힣]", recipe.overview_ko)
    commands = [
        re.findall(r"```console\n(.*?)```", text, re.S)
        for text in (recipe.overview, recipe.overview_ko)
    ]
    assert commands[0] == commands[1], "both languages show the same commands"


def test_what_a_recipe_needs_comes_before_it() -> None:
    order = [recipe.name for recipe in library.in_order(["hello-world", "debian"])]
    assert order == ["debian", "busybox", "hello-world"]


def test_a_change_below_changes_the_fingerprint_above(tmp_path: Path) -> None:
    for name in ("debian", "busybox", "hello-world"):
        shutil.copytree(library.LIBRARY / name, tmp_path / name)
    before = library.read_recipe("hello-world", tmp_path).fingerprint
    assert before == library.read_recipe("hello-world").fingerprint
    (tmp_path / "busybox" / "overview.md").write_text("# other")
    assert library.read_recipe("hello-world", tmp_path).fingerprint == before
    with (tmp_path / "debian" / "Dockerfile").open("a") as recipe:
        recipe.write("LABEL a=b\n")
    assert library.read_recipe("hello-world", tmp_path).fingerprint != before


def test_recipes_that_need_each_other_are_refused(tmp_path: Path) -> None:
    for name, base in (("hello-world", "busybox"), ("busybox", "hello-world")):
        shutil.copytree(library.LIBRARY / name, tmp_path / name)
        (tmp_path / name / "Dockerfile").write_text(f"FROM {base}\n")
    with pytest.raises(InvalidArgument, match="need each other"):
        library.in_order(["busybox"], tmp_path)


def test_a_base_that_is_no_recipe_is_refused(tmp_path: Path) -> None:
    shutil.copytree(library.LIBRARY / "hello-world", tmp_path / "hello-world")
    (tmp_path / "hello-world" / "Dockerfile").write_text("FROM scratch\nCOPY --from=two /a /b\n")
    with pytest.raises(NotFound, match="no recipe for two"):
        library.read_recipe("hello-world", tmp_path)


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(NotFound, match="no recipe for nothing"):
        library.read_recipe("nothing")

"""The pages for people who read the code: what they name is there, what they link to opens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "bench").glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
NAMING = [page for page in PAGES if "reference" not in page.parts]


@pytest.fixture(scope="module")
def files() -> list[str]:
    """The paths of the repository, each behind a slash."""
    found = (
        str(path)
        for top in ("src", "tests", "bench", "demo", "docs", "web", "hub", "packaging")
        for path in (ROOT / top).rglob("*")
    )
    return [each.removeprefix(str(ROOT)) for each in found if "node_modules" not in each]


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"```.*?```", "", page.read_text(), flags=re.S)


def shown(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#\s]+)", prose(page))
    assert [each for each in targets if not (page.parent / each).exists()] == []


@pytest.mark.parametrize("page", NAMING, ids=shown)
def test_modules_that_are_named_exist(page: Path, files: list[str]) -> None:
    named = [each for each in re.findall(r"`([\w./*-]+)`", prose(page)) if is_module(each)]
    gone = [each for each in named if not any(map(re.compile(pattern(each)).search, files))]
    assert gone == []


def is_module(name: str) -> bool:
    return name.endswith((".py", "/*")) and not name.startswith(("/", "."))


def pattern(name: str) -> str:
    """Of the paths that a name stands for; the tour leaves out folders that are clear."""
    words = re.escape(name).replace(r"\*", "[^/]*")
    return rf"/{words}" + ("" if name.endswith("*") else "$")


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_no_merge_was_left_half_done(page: Path) -> None:
    assert re.findall(r"^(?:<{7}|={7}$|>{7}).*", page.read_text(), flags=re.M) == []


def test_every_way_and_decision_is_in_its_list() -> None:
    for folder, page in (("flows", "docs/tour.md"), ("decisions", "docs/decisions/README.md")):
        text = (ROOT / page).read_text()
        names = {each.name for each in (ROOT / "docs" / folder).glob("*.md")} - {"README.md"}
        assert {name for name in names if f"{name})" not in text} == set()


def test_decisions_have_a_number_and_a_status() -> None:
    for page in (ROOT / "docs/decisions").glob("0*.md"):
        title, _, status, *_ = page.read_text().splitlines()
        assert title.startswith(f"# {int(page.name[:4])}. "), page.name
        assert status.startswith("Status: "), page.name

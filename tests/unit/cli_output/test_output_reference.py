"""The reference in docs/ is what the declarations say: `make reference` writes it anew."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "docs" / "reference"
_spec = importlib.util.spec_from_file_location("reference_pages", FOLDER / "generate.py")
assert _spec is not None and _spec.loader is not None
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)


@pytest.mark.parametrize("name", ["commands.md", "commands.ko.md", "api.md"])
def test_the_page_is_current(name: str) -> None:
    assert (FOLDER / name).read_text() == reference.pages()[name]


def test_every_flag_has_both_languages() -> None:
    english, korean = (reference.pages()[name] for name in ("commands.md", "commands.ko.md"))
    assert english.count("\n| `") == korean.count("\n| `")

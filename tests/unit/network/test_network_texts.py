"""Every hint of the package has its text in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import budu.network
from budu.base.texts.network import TEXTS

SOURCES = Path(budu.network.__path__[0])


def used_keys() -> set[str]:
    text = "".join(path.read_text() for path in SOURCES.glob("*.py"))
    return set(re.findall(r'"(network\.[a-z0-9-]+)"', text))


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_catalogue_holds_exactly_the_hints_that_are_used() -> None:
    assert used_keys() == set(TEXTS)


def test_translations_have_the_same_placeholders() -> None:
    assert all(placeholders(english) == placeholders(korean) for english, korean in TEXTS.values())

"""Every hint that the code names has its words, with the same placeholders in both languages."""

import ast
import importlib
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from budu.base.messages import text

SOURCES = Path(__file__).parents[3] / "src" / "budu"
TEXTS = SOURCES / "base" / "texts"


def named() -> Iterator[str]:
    """The keys that stand in the code as they are."""
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
                continue
            key = node.args[0]
            if node.func.id == "Hint" and isinstance(key, ast.Constant):
                yield str(key.value)


def placeholders(words: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(words) if field}


def test_every_hint_has_words() -> None:
    keys = set(named())
    assert len(keys) > 100
    assert [key for key in sorted(keys) if text(key, "en") == key or text(key, "ko") == key] == []


@pytest.mark.parametrize("package", sorted(p.stem for p in TEXTS.glob("[a-z]*.py")))
def test_both_languages_say_the_same_of_the_same(package: str) -> None:
    table = importlib.import_module(f"budu.base.texts.{package}").TEXTS
    for key, (english, korean) in table.items():
        assert placeholders(english) == placeholders(korean), key

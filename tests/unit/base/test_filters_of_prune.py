"""Labels of a prune: those that must be there, and those that keep."""

from __future__ import annotations

import pytest

from budu.base.filters import Filters

LABELS = {"a": "1", "b": ""}


@pytest.mark.parametrize(
    ("filters", "goes"),
    [
        ({}, True),
        ({"label": ["a"]}, True),
        ({"label": ["a=2"]}, False),
        ({"label!": ["a"]}, False),
        ({"label!": ["a=2"]}, True),
        ({"label!": ["c"]}, True),
        ({"label": ["b"], "label!": ["c"]}, True),
        ({"label!": ["a", "c"]}, True),
        ({"label!": ["a", "b"]}, False),
    ],
)
def test_a_label_decides_what_goes(filters: dict[str, list[str]], goes: bool) -> None:
    assert Filters(filters).matches_prune_labels(LABELS) is goes


def test_filters_grow_without_changing() -> None:
    before = Filters({"label": ["a"]})
    after = before.plus("label", "b").plus("all", "true")
    assert before.keys() == ("label",)
    assert after.get("label") == ("a", "b")
    assert after.get("all") == ("true",)

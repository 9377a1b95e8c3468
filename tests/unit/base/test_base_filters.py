"""The filters parameter."""

from __future__ import annotations

import pytest

from budu.base.errors import InvalidArgument
from budu.base.filters import Filters


@pytest.mark.parametrize(
    "text",
    [
        '{"label":["a","b=c"]}',
        '{"label":{"a":true,"b=c":true}}',
        '{"label":{"a":false,"b=c":true}}',
    ],
)
def test_both_forms_are_read(text: str) -> None:
    assert Filters.parse(text).get("label") == ("a", "b=c")


@pytest.mark.parametrize("text", [None, "", "{}"])
def test_no_filters_match_everything(text: str | None) -> None:
    filters = Filters.parse(text)
    assert not filters
    assert filters.matches_exactly("id", "x")
    assert filters.matches_labels("label", None)


@pytest.mark.parametrize("text", ["x", "[]", '{"a":"b"}', '{"a":{"b":1}}'])
def test_malformed_filters_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^invalid filter$"):
        Filters.parse(text)


def test_unknown_key_is_named_in_dockers_words() -> None:
    with pytest.raises(InvalidArgument) as caught:
        Filters({"color": ["red"]}).check_keys({"label", "name"})
    assert caught.value.message == "invalid filter 'color'"


@pytest.mark.parametrize(
    ("given", "matches"),
    [
        (["env"], True),
        (["env=prod"], True),
        (["env="], False),
        (["env=dev"], False),
        (["tier"], False),
        (["env=prod", "empty"], True),
        (["env=prod", "tier"], False),
        (["empty="], True),
    ],
)
def test_all_labels_must_match(given: list[str], matches: bool) -> None:
    labels = {"env": "prod", "empty": ""}
    assert Filters({"label": given}).matches_labels("label", labels) is matches


def test_values_of_a_key_are_alternatives() -> None:
    filters = Filters({"status": ["exited", "dead"]})
    assert filters.matches_exactly("status", "dead")
    assert not filters.matches_exactly("status", "running")
    assert filters.matches_prefix("status", "exited (0)")


def test_patterns_match_anywhere_and_bad_ones_only_themselves() -> None:
    assert Filters({"name": ["^/we"]}).matches_pattern("name", "/web")
    assert Filters({"name": ["eb"]}).matches_pattern("name", "/web")
    assert not Filters({"name": ["^b"]}).matches_pattern("name", "/web")
    assert not Filters({"name": ["("]}).matches_pattern("name", "/web")
    assert Filters({"name": ["("]}).matches_pattern("name", "(")


@pytest.mark.parametrize(
    ("values", "truth"), [([], True), (["true"], True), (["0"], False), (["1", "true"], True)]
)
def test_boolean_values(values: list[str], truth: bool) -> None:
    assert Filters({"dangling": values}).boolean("dangling", default=True) is truth


@pytest.mark.parametrize("values", [["maybe"], ["true", "false"], ["true", "x"]])
def test_contradicting_booleans_are_refused(values: list[str]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Filters({"dangling": values}).boolean("dangling", default=False)
    assert caught.value.message == f"invalid filter 'dangling=[{' '.join(values)}]'"

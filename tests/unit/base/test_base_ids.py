"""Ids, names, suggestions."""

from __future__ import annotations

import re

import pytest

from budu.base.errors import InvalidArgument
from budu.base.ids import check_name, new_id
from budu.base.names import ADJECTIVES, SURNAMES, random_name
from budu.base.suggest import distance, near_words, nearest


def test_new_ids_differ_and_are_full_ids() -> None:
    ids = {new_id() for _ in range(50)}
    assert len(ids) == 50
    assert all(re.fullmatch("[0-9a-f]{64}", text) for text in ids)


def test_new_id_is_drawn_again_while_its_short_form_is_a_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draws = iter([bytes.fromhex("12" * 32), bytes.fromhex("1a" * 32)])
    monkeypatch.setattr("os.urandom", lambda size: next(draws))
    assert new_id() == "1a" * 32


@pytest.mark.parametrize("name", ["web", "/web", "a1", "A_b.c-d", "0x"])
def test_good_names_are_returned_without_slash(name: str) -> None:
    assert check_name(name) == name.removeprefix("/")


@pytest.mark.parametrize("name", ["", "/", "a", "_web", "-web", "we b", "wéb", "a/b", "//web"])
def test_bad_names_are_refused_in_dockers_words(name: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_name(name)
    assert caught.value.message == (
        f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
    )


def test_word_lists_are_large_and_without_doubles() -> None:
    assert len(set(ADJECTIVES)) == len(ADJECTIVES) >= 100
    assert len(set(SURNAMES)) == len(SURNAMES) >= 150


def test_random_names_are_valid_names() -> None:
    for _ in range(100):
        assert re.fullmatch(r"[a-z]+_[a-z]+", check_name(random_name()))
    assert re.fullmatch(r"[a-z]+_[a-z]+[0-9]", random_name(retry=1))


@pytest.mark.parametrize(
    ("left", "right", "edits"),
    [
        ("", "", 0),
        ("", "abc", 3),
        ("imges", "images", 1),
        ("iamges", "images", 1),
        ("kitten", "sitting", 3),
        ("run", "run", 0),
    ],
)
def test_distance_counts_single_edits(left: str, right: str, edits: int) -> None:
    assert distance(left, right) == edits
    assert distance(right, left) == edits


COMMANDS = ["images", "image", "inspect", "info", "run", "rm", "rmi", "ps", "pull", "logs"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [("imges", "images"), ("rnu", "run"), ("lgos", "logs"), ("insp", "inspect"), ("xyzzy", None)],
)
def test_nearest_finds_what_was_meant(word: str, meant: str | None) -> None:
    assert nearest(word, COMMANDS) == meant


def test_near_words_come_nearest_first() -> None:
    assert near_words("image", COMMANDS)[:2] == ["image", "images"]

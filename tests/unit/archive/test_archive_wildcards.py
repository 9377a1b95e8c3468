"""Go's wildcards: the examples of its documentation and tests, and a slow judge beside ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budu.archive import wildcards
from budu.archive.wildcards import TokenKind
from budu.base.errors import InvalidArgument


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("abc", "abc"),
        ("*", "abc"),
        ("*c", "abc"),
        ("a*", "a"),
        ("a*/b", "abc/b"),
        ("a*b*c*d*e*/f", "axbxcxdxe/f"),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/f"),
        ("a*b?c*x", "abxbbxdbxebxczzx"),
        ("ab[c]", "abc"),
        ("ab[b-d]", "abc"),
        ("ab[^e-g]", "abc"),
        ("a\\*b", "a*b"),
        ("a?b", "a☺b"),
        ("a[^a]b", "a☺b"),
        ("[a-ζ]*", "α"),
        ("[\\]a]", "]"),
        ("[\\-x]", "-"),
        ("[x\\-]", "x"),
        ("*[a-z]x", "ax"),
        ("a[^x]b", "a/b"),
        ("arr[[]0].txt", "arr[0].txt"),
        ("hom?.txt", "home.txt"),
        ("a.c", "a.c"),
    ],
)
def test_pattern_matches(pattern, name):
    assert wildcards.matches(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("a*", "ab/c"),
        ("a*/b", "a/c/b"),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/fff"),
        ("a*b?c*x", "abxbbxdbxebxczzy"),
        ("ab[e-g]", "abc"),
        ("ab[^b-d]", "abc"),
        ("a\\*b", "ab"),
        ("a???b", "a☺b"),
        ("a[^a][^a][^a]b", "a☺b"),
        ("*[a-ζ]", "A"),
        ("a?b", "a/b"),
        ("a*b", "a/b"),
        ("[x\\-]", "z"),
        ("a.c", "abc"),
        ("[b-a]", "b"),
        ("*x", "xxx\n"),
        ("abc", "abcd"),
        ("", "a"),
    ],
)
def test_pattern_does_not_match(pattern, name):
    assert not wildcards.matches(pattern, name)


@pytest.mark.parametrize(
    "pattern",
    ["[", "[^", "[^bc", "[]a]", "[-]", "[x-]", "[-x]", "a[", "[a-b-c]", "\\", "[\\", "a\\"],
)
def test_broken_pattern_is_refused_with_the_sentence_of_go(pattern):
    with pytest.raises(InvalidArgument, match="syntax error in pattern"):
        wildcards.matches(pattern, "a")


@pytest.mark.parametrize(
    ("name", "expected"), [("a*", True), ("a?", True), ("[", True), ("a\\*", False), ("a", False)]
)
def test_a_backslash_takes_the_meaning_from_a_wildcard(name, expected):
    assert wildcards.has_wildcards(name) is expected


@given(st.text("a*?[]^\\-", max_size=8))
def test_an_escaped_name_is_read_as_itself(name):
    found = wildcards.escaped(name)
    if wildcards.has_wildcards(found):
        assert wildcards.matches(found, name)
        assert not wildcards.matches(found, f"{name}a")
    else:
        assert found == name


def judge(parts: list[wildcards.Token], text: str) -> bool:
    """What the tokens say, word for word and with no thought of time."""
    if not parts:
        return not text
    first, rest = parts[0], parts[1:]
    match first.kind:
        case TokenKind.STAR:
            ends = [at for at in range(len(text) + 1) if "/" not in text[:at]]
        case TokenKind.FOLDERS:
            ends = [at for at in range(len(text) + 1) if at == 0 or text[at - 1] == "/"]
        case TokenKind.REST:
            ends = list(range(len(text) + 1))
        case TokenKind.ONE:
            return bool(text) and fits(first, text[0]) and judge(rest, text[1:])
    return any(judge(rest, text[at:]) for at in ends)


def fits(token: wildcards.Token, character: str) -> bool:
    return wildcards.matcher([token])(character)


token_lists = st.lists(
    st.sampled_from(
        [
            wildcards.literal("a"),
            wildcards.literal("b"),
            wildcards.literal("/"),
            wildcards.STAR,
            wildcards.FOLDERS,
            wildcards.tokens("?")[0],
            wildcards.tokens("[^a]")[0],
        ]
    ),
    max_size=8,
)


@given(token_lists, st.booleans(), st.text("ab/", max_size=9))
def test_fast_ways_say_what_the_slow_judge_says(parts, ends_open, text):
    if ends_open:
        parts = [*parts, wildcards.REST]
    assert wildcards.matcher(parts)(text) is judge(parts, text)


def test_hostile_patterns_take_no_time_to_speak_of():
    assert not wildcards.matches("*a" * 40 + "b", "a" * 200)
    assert not wildcards.matches("*[^b]" * 12 + "c", "a" * 100)

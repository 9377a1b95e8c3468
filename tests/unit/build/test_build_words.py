"""Words of instructions: variables, quotes, escapes, patterns."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budu.base.errors import InvalidArgument
from budu.build.dockerfile.expand import Replacement
from budu.build.dockerfile.patterns import replace, strip_prefix, strip_suffix
from budu.build.dockerfile.words import (
    LARGEST,
    Manner,
    expand_word,
    read,
    split_words,
)

VARIABLES = {"A": "one", "EMPTY": "", "PATH": "/usr/bin:/bin", "F": "a.tar.gz", "SPACED": "x  y"}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("$A", "one"),
        ("${A}b", "oneb"),
        ("$NONE.", "."),
        ("$A_", ""),
        ("$1x", "x"),
        ("${NONE:-x$A}", "xone"),
        ("${NONE:-${EMPTY:-${A}}}", "one"),
        ("${EMPTY-x}", ""),
        ("${EMPTY:-x}", "x"),
        ("${A:+yes}", "yes"),
        ("${NONE+yes}", ""),
        ("${EMPTY+yes}", "yes"),
        ("${A:?must}", "one"),
        ("${EMPTY?must}", ""),
        ("'$A'", "$A"),
        ('"$A b"', "one b"),
        ("\\$A", "$A"),
        ('"\\$A\\b"', "$A\\b"),
        ("a\\", "a"),
        ("a$", "a$"),
        ("$A}", "one}"),
        ("${NONE:-'a}b'}", "a}b"),
        ("안녕$A", "안녕one"),
        ("a<<b", "a<<b"),
    ],
)
def test_variables_are_expanded_as_by_docker(word: str, value: str) -> None:
    assert expand_word(word, VARIABLES) == value


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("${F#*.}", "tar.gz"),
        ("${F##*.}", "gz"),
        ("${F%.*}", "a.tar"),
        ("${F%%.*}", "a"),
        ("${F#b}", "a.tar.gz"),
        ("${F#}", "a.tar.gz"),
        ("${F%?z}", "a.tar."),
        ("${F#$NONE}", "a.tar.gz"),
        ("${PATH#/usr/bin}", ":/bin"),
        ("${PATH/bin/sbin}", "/usr/sbin:/bin"),
        ("${PATH//bin/sbin}", "/usr/sbin:/sbin"),
        ("${PATH//\\//.}", ".usr.bin:.bin"),
        ("${PATH/:*/}", "/usr/bin"),
        ("${PATH//b?n/$A}", "/usr/one:/one"),
        ("${NONE/a/b}", ""),
    ],
)
def test_patterns_cut_and_replace(word: str, value: str) -> None:
    assert expand_word(word, VARIABLES) == value


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ('"open', "unexpected end of statement while looking for matching double-quote"),
        ("'open", "unexpected end of statement while looking for matching single-quote"),
        ("${A", "syntax error: missing '}'"),
        ("${A:-x", "syntax error: missing '}'"),
        ("${A:-'x", "syntax error: missing '}'"),
        ("${", "syntax error: missing '}'"),
        ("${}", "syntax error: bad substitution"),
        ("${:x}", "syntax error: bad substitution"),
        ("${A!x}", "unsupported modifier (!) in substitution"),
        ("${A:=x}", "unsupported modifier (:=) in substitution"),
        ("${A:#x}", "unsupported modifier (:#) in substitution"),
        ("${A/x}", "syntax error: missing '/' in ${}"),
        ("${A#\\b}", "invalid pattern (\\b) in substitution: invalid escape '\\b'"),
        ("${NO?}", "NO: is not allowed to be unset"),
        ("${EMPTY:?}", "EMPTY: is not allowed to be empty"),
        ("${NO:?say why}", "NO: say why"),
        ("${A-" * 60, "syntax error: substitutions are nested too deeply"),
    ],
)
def test_broken_words_are_refused_in_dockers_words(word: str, reason: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        expand_word(word, VARIABLES)
    assert caught.value.message.startswith("failed to process ")
    assert caught.value.message.endswith(": " + reason)


def test_words_keep_their_quotes_and_escapes() -> None:
    assert split_words("a 'b c' \"d e\"=f g\\ h") == ("a", "'b c'", '"d e"=f', "g\\ h")
    assert split_words("g` h", escape="`") == ("g` h",)
    assert split_words("  a\\") == ("a",)


def test_spaces_of_a_variable_divide_words_unless_quoted() -> None:
    replacement = Replacement(VARIABLES, escape="\\")
    assert replacement.words('a$SPACED "$SPACED" b') == ("ax", "y", "x  y", "b")
    assert replacement.words("$NONE ''") == ()


def test_another_escape_makes_the_backslash_ordinary() -> None:
    assert expand_word("C:\\x`$A", VARIABLES, escape="`") == "C:\\x$A"


def test_quotes_of_a_document_stand_for_themselves() -> None:
    text = 'it\'s "$A" \\$A\n'
    assert Replacement(VARIABLES, escape="`").document(text) == 'it\'s "one" $A\n'


def test_it_is_told_which_variables_were_used() -> None:
    expansion = read("$A ${NONE:-$OTHER}", VARIABLES, Manner())
    assert expansion.found == frozenset({"A"})
    assert expansion.unset == frozenset({"NONE", "OTHER"})


def test_results_without_measure_are_refused() -> None:
    large = {"L": "x" * (LARGEST // 2)}
    with pytest.raises(InvalidArgument, match="more than"):
        expand_word("$L$L$L", large)
    with pytest.raises(InvalidArgument, match="longer than"):
        expand_word("${L//x/xxxx}", large)


def test_no_pattern_is_slow() -> None:
    value = "a" * 2000
    assert strip_prefix(value, "*a" * 100 + "b", longest=True) == value
    assert replace(value, "*a" * 100 + "b", "", every=True, limit=LARGEST) == value
    assert strip_suffix(value, "*a" * 100, longest=False) == value[:-100]


@given(st.text())
def test_a_text_in_single_quotes_stays(text: str) -> None:
    text = text.replace("'", "")
    assert expand_word(f"'{text}'", VARIABLES) == text


@given(st.text())
def test_an_escape_before_every_character_keeps_the_text(text: str) -> None:
    escaped = "".join("\\" + letter for letter in text)
    assert expand_word(escaped, VARIABLES) == text


@given(st.text("ab$'\"\\{}:-+?#%/*< \nA`"), st.sampled_from("\\`"))
def test_any_text_is_a_word_or_an_invalid_argument(text: str, escape: str) -> None:
    try:
        replacement = Replacement(VARIABLES, escape=escape)
        assert replacement.word(text) == expand_word(text, VARIABLES, escape=escape)
        replacement.words(text)
        replacement.document(text)
    except InvalidArgument as error:
        assert error.message.startswith("failed to process ")


@given(st.text("ab\n"), st.text("ab*?\n"))
def test_prefixes_are_those_of_a_regular_expression(value: str, pattern: str) -> None:
    def expression(runs: str) -> str:
        parts = {"*": runs, "?": "."}
        return "".join(parts.get(each, re.escape(each)) for each in pattern)

    shortest, longest, first = (
        match(expression(runs), value)
        for match, runs in ((re.match, ".*?"), (re.match, ".*"), (re.search, ".*"))
    )
    rest = value[shortest.end() :] if shortest else value
    assert strip_prefix(value, pattern, longest=False) == rest
    rest = value[longest.end() :] if longest else value
    assert strip_prefix(value, pattern, longest=True) == rest
    changed = f"{value[: first.start()]}-{value[first.end() :]}" if first else value
    assert replace(value, pattern, "-", every=False, limit=LARGEST) == changed

"""Ignore files: moby's cases, Docker's documentation, and what a walker may leave out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budu.archive.ignore import Ignore, read_patterns
from budu.base.errors import InvalidArgument


@pytest.mark.parametrize(
    ("patterns", "path"),
    [
        (["**"], "file"),
        (["**"], "dir/file"),
        (["**/**"], "dir/file"),
        (["dir/**"], "dir/dir2/file"),
        (["**/dir"], "dir"),
        (["**/dir"], "dir1/dir/file"),
        (["**/dir2/*"], "dir/dir2/file"),
        (["**/dir2/**"], "dir/dir2/dir2/file"),
        (["**file"], "dir/dirfile"),
        (["**/file"], "dir/dir/file"),
        (["**/file*"], "dir/dir/file.txt"),
        (["**/file*txt"], "dir/dir/file.txt"),
        (["**/**/*.txt"], "dir/dir/file.txt"),
        (["a**/*.txt"], "a/dir/file.txt"),
        (["a[b-d]e"], "ace"),
        (["abc.def"], "abc.def"),
        (["abc/**"], "abc/def"),
        (["*/dir/**"], "x/dir/file"),
        (["*.py"], "foo.py"),
        (["docs/*"], "docs/sub/README.md"),
        (["/docs".lstrip("/")], "docs/README.md"),
        (["temp?"], "tempa"),
        (["*/temp*"], "somedir/temporary.txt"),
        (["*/*/temp*"], "somedir/subdir/temporary.txt"),
        (["*.md", "!README.md", "README*"], "README.md"),
        (["a{2}*"], "a{2}b"),
        (["a**b"], "a/x/b"),
        (["a/b/"], "a/b/c"),
        (["*/x", "!a"], "a/x"),
        ([" a "], "a"),
    ],
)
def test_ignored(patterns, path):
    assert Ignore(patterns).ignores(path)


@pytest.mark.parametrize(
    ("patterns", "path"),
    [
        ([], "a"),
        (["dir/**"], "dir"),
        (["**/dir2/*"], "dir/dir2"),
        (["a[b-d]e"], "aae"),
        (["a.def"], "abdef"),
        (["*.py"], "sub/foo.py"),
        (["/a"], "a"),
        (["a", "!a"], "a"),
        (["*", "!docs"], "docs/README.md"),
        (["docs", "!docs/README.md"], "docs/README.md"),
        (["*.md", "README*", "!README.md"], "README.md"),
        (["a?"], "a/"),
        (["a{2}*"], "aab"),
        (["a**b"], "a/xb"),
        (["**/*foo"], "bar"),
    ],
)
def test_not_ignored(patterns, path):
    assert not Ignore(patterns).ignores(path)


def test_lines_of_a_file_become_patterns():
    text = "\ufeff# comment\n\n /a/b/ \r\n!/c/../d\n#x\n ! e \n/\n./f//g\n #no comment\n!\n"
    expected = ("a/b", "!d", "!e", "/", "f/g", "#no comment", "!")
    assert read_patterns(text) == expected


@pytest.mark.parametrize(
    ("patterns", "sentence"),
    [(["!"], 'illegal exclusion pattern: "!"'), (["[a"], "syntax error in pattern")],
)
def test_broken_patterns_are_refused(patterns, sentence):
    with pytest.raises(InvalidArgument) as refusal:
        Ignore(patterns)
    assert refusal.value.message == sentence


@pytest.mark.parametrize(
    ("patterns", "folder", "expected"),
    [
        (["node_modules"], "node_modules", True),
        (["node_modules"], "src", False),
        (["*", "!src"], "docs", True),
        (["*", "!src"], "src", False),
        (["*", "!src/keep"], "src", False),
        (["*", "!src/keep"], "src/other", True),
        (["*", "!*/keep"], "docs", False),
        (["*", "!**/keep"], "docs", False),
        (["*", "!*.md"], "docs", True),
    ],
)
def test_folders_are_pruned_unless_an_exception_reaches_into_them(patterns, folder, expected):
    assert Ignore(patterns).prunes(folder) is expected


@pytest.mark.parametrize(
    ("patterns", "folder", "expected"),
    [
        (["a/*/c"], "a", True),
        (["a/*/c"], "a/b", True),
        (["a/*/c"], "b", False),
        (["a"], "a", False),
    ],
)
def test_a_walker_knows_where_a_pattern_may_match(patterns, folder, expected):
    assert Ignore(patterns).may_match_below(folder) is expected


names = st.text("ab", min_size=1, max_size=2)
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
parts = st.sampled_from(["a", "b", "ab", "*", "**", "a*", "?", "[ab]", "[^a]", "a**"])
rules = st.tuples(st.sampled_from(["", "!"]), st.lists(parts, min_size=1, max_size=4)).map(
    lambda rule: rule[0] + "/".join(rule[1])
)


@given(st.lists(rules, max_size=5), paths, paths)
def test_nothing_below_a_pruned_folder_would_be_kept(lines, folder, below):
    ignore = Ignore(lines)
    if ignore.prunes(folder):
        assert ignore.ignores(f"{folder}/{below}")


@given(st.lists(rules, max_size=5), st.lists(paths, max_size=6), paths)
def test_what_was_asked_before_changes_no_answer(lines, before, path):
    used = Ignore(lines)
    for each in before:
        used.ignores(each)
    assert used.ignores(path) is Ignore(lines).ignores(path)


def judge(lines: list[str], path: str) -> bool:
    """moby's MatchesUsingParentResults, word for word, from the top folder down."""
    parts = path.split("/")
    above = [False] * len(lines)
    is_ignored = False
    for end in range(1, len(parts) + 1):
        is_ignored, found = False, [False] * len(lines)
        for at, line in enumerate(lines):
            is_exception = line.startswith("!")
            if not above[at] and is_exception is not is_ignored:
                continue
            only = Ignore([line.removeprefix("!")])
            name = "/".join(parts[:end])
            found[at] = above[at] or matches_itself(only, name)
            if found[at]:
                is_ignored = not is_exception
        above = found
    return is_ignored


def matches_itself(ignore: Ignore, path: str) -> bool:
    return ignore._rules[0].matches(path)


@given(st.lists(rules, max_size=5), paths)
def test_rules_are_asked_in_order_from_the_top_folder_down(lines, path):
    assert Ignore(lines).ignores(path) is judge(lines, path)


@given(st.lists(rules.filter(lambda line: not line.startswith("!")), max_size=3), paths, paths)
def test_where_no_pattern_may_match_below_none_does(lines, folder, below):
    ignore = Ignore(lines)
    if not ignore.ignores(folder) and not ignore.may_match_below(folder):
        assert not ignore.ignores(f"{folder}/{below}")

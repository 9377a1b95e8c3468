"""Names cannot leave the root."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budu.archive.paths import check_link_target, clean_path
from budu.base.errors import InvalidArgument


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (b"etc/passwd", b"etc/passwd"),
        (b"./etc/passwd", b"etc/passwd"),
        (b"/etc/passwd", b"etc/passwd"),
        (b"//etc//x/", b"etc/x"),
        (b"a/./b/../c", b"a/c"),
        (b"./", b""),
        (b"/", b""),
        (b"", b""),
        (b"a/..", b""),
        (b"././.", b""),
        (b"...", b"..."),
        (b"..a/b..", b"..a/b.."),
        (b".wh..wh..opq", b".wh..wh..opq"),
    ],
)
def test_names_become_relative_to_the_root(raw, clean):
    assert clean_path(raw) == clean


@pytest.mark.parametrize("raw", [b"..", b"../x", b"/../x", b"a/../../x", b"./../x", b"a/../.."])
def test_names_that_leave_the_root_are_refused(raw):
    with pytest.raises(InvalidArgument, match="escapes from the root directory"):
        clean_path(raw)


@pytest.mark.parametrize("raw", [b"a" * 256, b"x/" + b"b" * 300, b"d/" * 2100])
def test_names_that_are_too_long_are_refused(raw):
    with pytest.raises(InvalidArgument, match="file name too long"):
        clean_path(raw)


@pytest.mark.parametrize("target", [b"", b"t" * 4096])
def test_impossible_link_targets_are_refused(target):
    with pytest.raises(InvalidArgument):
        check_link_target(b"link", target)


@given(st.lists(st.sampled_from([b"a", b"..", b".", b"", b"..."]), max_size=8))
def test_clean_names_hold_no_odd_component(parts):
    try:
        clean = clean_path(b"/".join(parts))
    except InvalidArgument:
        return
    assert clean == b"" or not set(clean.split(b"/")) & {b"..", b".", b""}

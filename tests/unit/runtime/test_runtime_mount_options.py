"""Mount option words to kernel flags."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from budu.linux import mount as m
from budu.runtime.mount_options import MountOptions, parse_options, parse_propagation


def test_flags_and_data_are_told_apart() -> None:
    options = parse_options(("nosuid", "strictatime", "mode=755", "size=64k", "ro"))
    assert options.flags == m.MS_NOSUID | m.MS_STRICTATIME | m.MS_RDONLY
    assert options.data == "mode=755,size=64k"


def test_last_of_a_pair_wins() -> None:
    assert parse_options(("ro", "rw")).flags == 0
    assert parse_options(("rw", "ro")).attributes == (m.MOUNT_ATTR_RDONLY, 0, 0, 0)
    assert parse_options(("ro", "rw")).attributes == (0, m.MOUNT_ATTR_RDONLY, 0, 0)


def test_r_words_are_for_the_whole_tree() -> None:
    options = parse_options(("rbind", "ro", "rro", "rnosuid", "rslave"))
    both = m.MOUNT_ATTR_RDONLY | m.MOUNT_ATTR_NOSUID
    assert options.attributes == (m.MOUNT_ATTR_RDONLY, 0, both, 0)
    assert (options.bind, options.bind_recursive) == (True, True)
    assert (options.propagation, options.propagation_recursive) == (m.MS_SLAVE, True)


def test_atime_mode_clears_the_others() -> None:
    options = parse_options(("noatime",))
    assert options.attributes[:2] == (m.MOUNT_ATTR_NOATIME, m.MOUNT_ATTR__ATIME)


def test_propagation_words() -> None:
    assert parse_propagation("shared") == (m.MS_SHARED, False)
    assert parse_propagation("rprivate") == (m.MS_PRIVATE, True)
    assert parse_propagation("relatime") == (0, False)


@given(st.lists(st.text(st.characters(blacklist_characters=","), min_size=1)))
def test_unknown_words_reach_the_file_system_in_order(words: list[str]) -> None:
    unknown = tuple(f"x-{word}" for word in words)
    assert parse_options(unknown) == MountOptions(data=",".join(unknown))

"""Mappings of ids."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from budu.linux.idmap import IdMap, swap_ids

ID = st.integers(min_value=0, max_value=(1 << 32) - 3)


def shown(rows: IdMap, number: int) -> int:
    """What an id of the disk is shown as."""
    (found,) = [
        outside + number - inside
        for inside, outside, count in rows
        if inside <= number < inside + count
    ]
    return found


@given(on_disk=ID, inside=ID, other=ID)
def test_two_ids_change_places_and_all_others_stay(on_disk: int, inside: int, other: int) -> None:
    rows = swap_ids(on_disk, inside)
    assert shown(rows, on_disk) == inside
    assert shown(rows, inside) == on_disk
    if other not in (on_disk, inside):
        assert shown(rows, other) == other

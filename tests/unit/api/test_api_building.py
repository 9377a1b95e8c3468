"""What a quiet build keeps for the case that it fails."""

from __future__ import annotations

from budu.api.handlers.building import KeptLines


def test_all_lines_are_kept_up_to_a_limit() -> None:
    kept = KeptLines(limit=10)
    assert not kept
    for line in (b"12345", b"67890"):
        kept.add(line)
    assert kept.take() == [b"12345", b"67890"]


def test_beyond_the_limit_the_first_go_and_it_is_said() -> None:
    kept = KeptLines(limit=10)
    for line in (b"12345", b"67", b"890123"):
        kept.add(line)
    said, *rest = kept.take()
    assert b"the first 5 bytes" in said
    assert rest == [b"67", b"890123"]


def test_one_line_longer_than_the_limit_is_kept() -> None:
    kept = KeptLines(limit=1)
    kept.add(b"12345")
    assert kept.take() == [b"12345"]

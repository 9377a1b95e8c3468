"""One budget for all logs: what is removed when they take more."""

from __future__ import annotations

from pathlib import Path

import pytest

from budu.base.errors import InvalidArgument
from budu.engine.logs.keeping import LogUse, Piece, budget_bytes, choose_pieces, measure


def use(name: str, *sizes: int, current: int = 1) -> LogUse:
    """A log whose pieces grow older to the left."""
    pieces = [Piece(path=f"{name}.{at}", size=size, number=at) for at, size in enumerate(sizes, 1)]
    return LogUse(total=sum(sizes) + current, pieces=tuple(pieces))


def chosen(budget: int, *uses: LogUse) -> list[str]:
    return [piece.path for piece in choose_pieces(uses, budget)]


def test_nothing_goes_while_all_fits() -> None:
    assert chosen(12, use("a", 5, 5, current=2)) == []


def test_the_oldest_of_whoever_has_most_goes_first() -> None:
    assert chosen(20, use("a", 4, 4, 4), use("b", 5, 5, 5, 5)) == ["b.1", "b.2", "a.1"]


def test_what_is_written_now_stays() -> None:
    assert chosen(1, use("a", 2, current=9), use("b", current=5)) == ["a.1"]


@pytest.mark.parametrize(("text", "size"), [("20g", 20 << 30), ("0", 0), ("512k", 512 << 10)])
def test_a_size_is_taken_as_it_is(tmp_path: Path, text: str, size: int) -> None:
    assert budget_bytes(text, tmp_path) == size


def test_a_part_of_the_disk(tmp_path: Path) -> None:
    whole, half = budget_bytes("100%", tmp_path), budget_bytes("50%", tmp_path)
    assert half in (whole // 2, whole // 2 + 1)
    assert budget_bytes("", tmp_path) <= 10 << 30


@pytest.mark.parametrize("text", ["0%", "101%", "-1%", "x%", "much"])
def test_senseless_budgets_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidArgument):
        budget_bytes(text, tmp_path)


def test_files_are_measured_with_their_age(tmp_path: Path) -> None:
    log_folder, json_folder = tmp_path / "log", tmp_path / "json"
    for folder in (log_folder, json_folder):
        folder.mkdir()
    for name in ("container.log", "container.log.7", "container.log.8.gz"):
        (log_folder / name).write_bytes(b"x" * 5000)
    for name in ("x-json.log", "x-json.log.1", "x-json.log.2"):
        (json_folder / name).write_bytes(b"x" * 5000)
    found = measure(str(log_folder), json_folder / "x-json.log")
    assert found.total == 6 * 8192
    oldest_first = [Path(each.path).name for each in choose_pieces([found], 1)]
    assert oldest_first == [
        "x-json.log.2",
        "x-json.log.1",
        "container.log.7",
        "container.log.8.gz",
    ]

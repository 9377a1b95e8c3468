"""Keeps logs small: packs rotated files, and holds all logs together to one budget.

The budget takes rotated pieces only, the oldest of whoever has most, until the sum fits; what is
written now is bounded by its own rotation. Runs in a thread, beside the shims that write: see
`logs.files` for why that is safe.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from budu.base.errors import BuduError, InvalidArgument
from budu.base.tasks import Rounds
from budu.base.units import parse_bytes
from budu.engine.containers.model import Container
from budu.engine.logs.source import log_settings
from budu.engine.paths import EnginePaths
from budu.logs.files import LOG_NAME, rotated_numbers
from budu.logs.packed import SUFFIX, pack_file

ROUND_S = 10.0
"""Seconds between two rounds."""
DEFAULT_BUDGET = "10%"
"""Part of the disk that all logs together may take, at most `LARGEST_DEFAULT`."""
LARGEST_DEFAULT = 10 << 30
"""Bytes that the default budget never exceeds."""

log = logging.getLogger(__name__)


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One rotated file."""

    path: str
    size: int
    number: int


class LogUse(msgspec.Struct, frozen=True, kw_only=True):
    """What one container's log takes on disk."""

    total: int
    pieces: tuple[Piece, ...]


def budget_bytes(text: str, folder: Path) -> int:
    """`20g`, or `10%` of the disk of `folder`; 0 is no limit.

    Raises: InvalidArgument.
    """
    if not (text or DEFAULT_BUDGET).endswith("%"):
        return parse_bytes(text)
    number = (text or DEFAULT_BUDGET).removesuffix("%")
    if not number.isdecimal() or not 0 < int(number) <= 100:
        raise InvalidArgument(f"invalid log budget: {text}")
    disk = os.statvfs(folder)
    size = disk.f_blocks * disk.f_frsize * int(number) // 100
    return size if text else min(size, LARGEST_DEFAULT)


def choose_pieces(uses: Iterable[LogUse], budget: int) -> list[Piece]:
    """What to remove so that all logs fit the budget, as far as rotated pieces allow."""
    left = [(use.total, sorted(use.pieces, key=lambda each: -each.number)) for use in uses]
    surplus = sum(total for total, _ in left) - budget
    chosen: list[Piece] = []
    while surplus > 0:
        candidates = [at for at, (_, pieces) in enumerate(left) if pieces]
        if not candidates:
            break
        at = max(candidates, key=lambda at: left[at][0])
        total, pieces = left[at]
        piece = pieces.pop()
        left[at] = (total - piece.size, pieces)
        surplus -= piece.size
        chosen.append(piece)
    return chosen


class LogKeeper:
    """The rounds of one engine."""

    def __init__(
        self, paths: EnginePaths, budget: int, containers: Callable[[], Iterable[Container]]
    ) -> None:
        self._paths = paths
        self._budget = budget
        self._containers = containers
        self._rounds = Rounds("log keeping", self._work, pause_s=ROUND_S)

    def start(self) -> None:
        """Begin."""
        self._rounds.start()

    async def stop(self) -> None:
        """End after the step under way."""
        await self._rounds.stop()

    async def _work(self) -> None:
        await asyncio.to_thread(self.run, tuple(self._containers()))

    def run(self, containers: Iterable[Container]) -> None:
        """One round. Blocking."""
        uses: list[LogUse] = []
        for container in containers:
            folder = str(self._paths.container(container.id).log_dir)
            try:
                if log_settings(container).compress:
                    pack_rotated(folder)
            except (OSError, BuduError) as error:  # a full disk: what the budget takes makes room
                log.warning("log not packed container=%s error=%s", container.id, error)
            uses.append(measure(folder, self._paths.container(container.id).json_log))
        if not self._budget:
            return
        for piece in choose_pieces(uses, self._budget):
            log.info("log over budget: removed %s", piece.path)
            Path(piece.path).unlink(missing_ok=True)


def pack_rotated(folder: str) -> None:
    """Pack what was rotated since the last round, and remove drafts of a killed engine."""
    for draft in Path(folder).glob(f"{LOG_NAME}.*{SUFFIX}.part"):
        draft.unlink(missing_ok=True)
    for number in rotated_numbers(folder):
        try:
            pack_file(f"{folder}/{LOG_NAME}.{number}")
        except FileNotFoundError:
            continue


def measure(folder: str, json_log: Path) -> LogUse:
    """What a container's log takes, with its JSON files."""
    pieces: list[Piece] = []
    total = 0
    for path in (*_entries(Path(folder)), *json_log.parent.glob(f"{json_log.name}*")):
        try:
            size = path.stat().st_blocks * 512
        except FileNotFoundError:
            continue
        total += size
        number = path.name.removesuffix(SUFFIX).rpartition(".")[2]
        if number.isdecimal():
            order = -int(number) if path.parent == json_log.parent else int(number)
            pieces.append(Piece(path=str(path), size=size, number=order))
    return LogUse(total=total, pieces=tuple(pieces))


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []

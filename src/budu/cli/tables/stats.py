"""`stats`: a row per container. Light.

Source: docker stats reference, "Format the output"; docker/cli 28.5
`cli/command/container/formatter_stats.go`.
"""

from __future__ import annotations

from budu.base.units import human_size, human_size_binary
from budu.cli.format import print_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from budu.cli.usage_figures import Figures

    Entry = tuple[str, Figures | None]
    """What the person called the container, and its figures when there are any."""

_HEADERS = {
    "Container": "CONTAINER",
    "Name": "NAME",
    "ID": "CONTAINER ID",
    "CPUPerc": "CPU %",
    "MemUsage": "MEM USAGE / LIMIT",
    "MemPerc": "MEM %",
    "NetIO": "NET I/O",
    "BlockIO": "BLOCK I/O",
    "PIDs": "PIDS",
}
_COLUMNS = ("ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs")


def print_stats(entries: Sequence[Entry], form: str, out: TextIO, *, full: bool) -> None:
    """Print the rows. Raises: Exit for a malformed template."""
    print_rows(
        [_row(ref, figures, full=full) for ref, figures in entries],
        out,
        columns=[(field, _HEADERS[field]) for field in _COLUMNS],
        headers=_HEADERS,
        form=form,
    )


def _row(ref: str, figures: Figures | None, *, full: bool) -> dict[str, object]:
    if figures is None:
        return {
            **dict.fromkeys(_HEADERS, "--"),
            "Container": ref,
            "ID": "",
            "MemUsage": "-- / --",
        }
    return {
        "Container": ref,
        "Name": figures.name or "--",
        "ID": figures.id if full else figures.id[:12],
        "CPUPerc": f"{figures.cpu_percent:.2f}%",
        "MemUsage": f"{human_size_binary(figures.memory)} / "
                    f"{human_size_binary(figures.memory_limit)}",
        "MemPerc": f"{figures.memory_percent:.2f}%",
        "NetIO": _pair(figures.received, figures.sent),
        "BlockIO": _pair(figures.block_read, figures.block_written),
        "PIDs": str(figures.pids),
    }  # fmt: skip


def _pair(first: int, second: int) -> str:
    return f"{human_size(first, precision=3)} / {human_size(second, precision=3)}"

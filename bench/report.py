"""The table for people (`RESULTS.md`) and the raw samples for programs (`results.json`)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.case import HIGHER_IS_BETTER
from bench.machine import Machine
from bench.measure import Result, Series
from bench.peers import PEERS, Peer
from bench.targets import median_of_ours

NOT_MEASURED = "–"
"""A cell without a figure."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything one call of the bench found out."""

    machine: Machine
    """Where."""
    versions: Mapping[str, str]
    """Of the programs."""
    peers: Sequence[Peer]
    """Who took part."""
    rounds: int
    """How many rounds were asked for."""
    load_after: float
    """Load average of the last minute at the end."""
    results: Sequence[Result]
    """What came out."""


def write(report: Report, folder: Path) -> None:
    """Write both files; the folder is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(as_data(report), indent=1) + "\n")
    (folder / "RESULTS.md").write_text(as_markdown(report))


def as_data(report: Report) -> dict[str, object]:
    """The raw form: samples in the order they were taken."""
    return {
        "machine": dataclasses.asdict(report.machine),
        "load_after": report.load_after,
        "versions": dict(report.versions),
        "rounds": report.rounds,
        "cases": {
            result.case.name: {
                "title": result.case.title,
                "unit": result.case.unit,
                "targets": [
                    {"text": target.text, "reached": target.is_reached(result.median)}
                    for target in result.case.targets
                ],
                "peers": {name: dataclasses.asdict(one) for name, one in result.series.items()},
            }
            for result in report.results
        },
    }


def as_markdown(report: Report) -> str:
    """The report with its table."""
    failures = [
        f"* {result.case.name}, {name}: {series.failure}"
        for result in report.results
        for name, series in result.series.items()
        if series.failure
    ]
    parts = [
        "# Speed and memory beside Docker and Podman",
        "Written by `make bench`; the raw samples are in `results.json`. Cells are **median** "
        "(min–max). Wall times in ms and memory in MiB are better when lower, rates (per "
        "second) when higher. A ratio is budu against the peer: 2 means twice as fast, or half "
        "the memory.",
        table(report),
        "## Where and how",
        "\n".join(facts(report)),
    ]
    if failures:
        parts += ["## What did not work", "\n".join(failures)]
    return "\n\n".join(parts) + "\n"


def table(report: Report) -> str:
    """The figures, one row a case."""
    others = [peer for peer in report.peers if peer.engine != "budu"]
    head = ["Case", "Unit", "n"]
    head += [peer.title for peer in report.peers]
    head += [f"{peer.title} ÷ budu" for peer in others]
    head += ["Target", "Reached"]
    rows = [row(result, report.peers, others) for result in report.results]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def row(result: Result, peers: Sequence[Peer], others: Sequence[Peer]) -> list[str]:
    """One case."""
    count = max((len(series.samples) for series in result.series.values()), default=0)
    cells = [result.case.title, result.case.unit, str(count)]
    cells += [cell(result.series.get(peer.name)) for peer in peers]
    cells += [ratio(result, peer) for peer in others]
    cells.append("<br>".join(target.text for target in result.case.targets))
    answers = {True: "yes", False: "**no**", None: "not measured"}
    cells.append(
        "<br>".join(answers[target.is_reached(result.median)] for target in result.case.targets)
    )
    return cells


def cell(series: Series | None) -> str:
    """Median, lowest and highest of a series."""
    if series is None:
        return NOT_MEASURED
    if series.median is None:
        return "failed"
    low, high = min(series.samples), max(series.samples)
    return f"**{figure(series.median)}** ({figure(low)}–{figure(high)})"


def figure(value: float) -> str:
    """About three digits."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def ratio(result: Result, peer: Peer) -> str:
    """How much better budu is than a peer."""
    ours, theirs = median_of_ours(result.median), result.median(peer.name)
    if ours is None or theirs is None or min(ours, theirs) <= 0:
        return NOT_MEASURED
    return f"{ours / theirs if result.case.unit in HIGHER_IS_BETTER else theirs / ours:.1f}"


def facts(report: Report) -> list[str]:
    """The machine, the versions and what is worth knowing about the figures."""
    machine = report.machine
    series = [one for result in report.results for one in result.series.values()]
    late, all_samples = sum(one.late_starts for one in series), sum(len(s.samples) for s in series)
    missing = [peer.title for peer in PEERS if peer not in report.peers]
    lines = [
        f"* {machine.processor}, {machine.cores} cores, {machine.memory_gib:.0f} GiB; "
        f"{machine.virtualization}; {machine.system}, kernel {machine.kernel}; "
        f"cgroups {machine.cgroups}.",
        f"* Storage of all engines: {machine.bench_storage}. Root: {machine.root_storage}.",
        f"* {machine.began}; load {machine.load_before:.2f} before, {report.load_after:.2f} after; "
        f"{late} of {all_samples} samples began on a machine that was not idle.",
        f"* {report.rounds} rounds at most, after one that is not counted; peers alternate round "
        "by round. Every engine has network, process, mount and IPC namespaces of its own and "
        "its own docker-registry on its loopback link.",
        "* budu is driven by its own command line and by the genuine docker CLI; "
        "ratios and targets are for its own. Rows with one figure for budu do not depend on it.",
        "* Versions: " + "; ".join(f"{name}: {text}" for name, text in report.versions.items()),
    ]
    if missing:
        lines.append(f"* Left out: {', '.join(missing)} (`python -m bench --install` installs).")
    return lines

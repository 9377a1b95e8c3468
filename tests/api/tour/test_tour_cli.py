"""The genuine docker command line prints the same with our engine as with Docker's."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.tour.differences import DIFFERENCES, Difference
from tests.api.tour.play import Player, Seen, read, written
from tests.api.tour.record import RECORDED
from tests.api.tour.scenes import SCENES
from tests.support.engine import EngineProcess
from tests.support.fixtures import Registry, fresh_engine

pytestmark = [pytest.mark.host, pytest.mark.docker_28]


@pytest.fixture(scope="module")
def player(registry: Registry) -> Iterator[Player]:
    """Plays against an engine that has the tour's image alone."""
    with fresh_engine(registry) as engine:
        player = Player(engine.host, _folder(engine))
        player.prepare()
        yield player


def _folder(engine: EngineProcess) -> Path:
    folder = engine.root / "tour"
    folder.mkdir()
    return folder


def recorded(name: str) -> list[Seen]:
    """What Docker's engine showed."""
    return read((RECORDED / f"{name}.txt").read_text())


def expected(seen: Seen) -> Seen:
    """What ours has to show where Docker showed `seen`."""
    for row in DIFFERENCES:
        if row.applies(*seen):
            seen = Seen(seen.line, row.apply(seen.text))
    return seen


def test_recording_is_of_these_scenes() -> None:
    for name, lines in SCENES.items():
        assert [seen.line for seen in recorded(name)] == lines, "python -m tests.api.tour.record"


@pytest.mark.parametrize("group", ["container", "context", "network", "system"])
def test_every_command_is_on_the_tour(group: str) -> None:
    shown = subprocess.run(
        ["docker", group, "--help"], check=True, capture_output=True, text=True
    ).stdout
    commands = re.findall(r"^  ([a-z]+) ", shown.partition("\nCommands:\n")[2], re.MULTILINE)
    said = "\n".join(line for lines in SCENES.values() for line in lines)
    short = r"\b" if group in ("container", "system") else f" {group} "
    assert commands
    assert [each for each in commands if not re.search(rf"{short}{each}\b", said)] == []


@pytest.mark.parametrize("row", DIFFERENCES, ids=lambda row: row.docker[:40])
def test_difference_is_in_the_recording_and_has_a_reason(row: Difference) -> None:
    assert row.reason
    assert any(row.applies(*seen) for name in SCENES for seen in recorded(name))


@pytest.mark.parametrize("name", SCENES)
def test_scene(player: Player, name: str) -> None:
    wanted = [expected(seen) for seen in recorded(name)]
    assert written(player.scene(SCENES[name])) == written(wanted)

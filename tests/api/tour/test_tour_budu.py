"""Our own command line prints what the genuine one does, on the same tour."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.tour.budu_words import BUDU, in_order, plain
from tests.api.tour.differences import Difference
from tests.api.tour.play import Player, Seen, written
from tests.api.tour.scenes import SCENES
from tests.api.tour.test_tour_cli import expected, recorded
from tests.support.fixtures import Registry, fresh_engine

pytestmark = pytest.mark.host

PROGRAM = Path(sys.executable).with_name("budu")


@pytest.fixture(scope="module")
def player(registry: Registry) -> Iterator[Player]:
    """Plays with `budu` where the lines say `docker`."""
    with fresh_engine(registry) as engine:
        folder = engine.root / "tour"
        folder.mkdir()
        player = Player(engine.host, folder, program=PROGRAM)
        player.prepare()
        yield player


def wanted(name: str) -> list[Seen]:
    """What our command line has to show."""
    scene = []
    for seen in map(expected, recorded(name)):
        for row in BUDU:
            if row.applies(*seen):
                seen = Seen(seen.line, row.apply(seen.text))
        scene.append(in_order(seen))
    return scene


@pytest.mark.parametrize("row", BUDU, ids=lambda row: row.docker[:40])
def test_difference_is_on_the_tour_and_has_a_reason(row: Difference) -> None:
    assert row.reason
    assert any(row.applies(*expected(seen)) for name in SCENES for seen in recorded(name))


@pytest.mark.parametrize("name", SCENES)
def test_scene(player: Player, name: str) -> None:
    assert written(map(plain, player.scene(SCENES[name]))) == written(wanted(name))

"""The tour of the command line: scenes of shell lines, played with the genuine docker CLI.

A scene begins on an engine without containers and ends with what it made removed. Its lines run in
one folder of their own; what they print, normalised, is what Docker's engine lets them print.
"""

from __future__ import annotations

from tests.api.tour.scenes import building, life, looking, networks, running

SCENES: dict[str, list[str]] = {
    **life.SCENES,
    **running.SCENES,
    **looking.SCENES,
    **networks.SCENES,
    **building.SCENES,
}
"""Name to lines, in the order of a tour."""

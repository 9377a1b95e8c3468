"""Everything that happens is told as by Docker: the same events with the same attributes.

Docker's are a recording of Debian's dockerd 20.10 (`answers/record.py`).
"""

from __future__ import annotations

from collections import Counter

import pytest
from tests.api.answers.happenings import happen
from tests.api.answers.record import EVENTS, VERSION
from tests.support.fixtures import Registry, fresh_engine

pytestmark = pytest.mark.host

ONLY_DOCKERS = Counter(
    [
        # 20.10 tells of the removal of a name by the id
        "image untag (name)",
        "image untag (a=b, name)",
        "image untag (name)",
        # it makes the volume of a bind once more, and leaves a network twice
        "volume create (driver=local)",
        "network disconnect (container, name=net, type=bridge)",
        # its exec is cut off by the detaching client before it has begun
        "container exec_die (a=b, execID, exitCode=127, image=scene:1, name=two)",
    ]
)
ONLY_OURS = Counter(
    [
        "image untag (name=other:3)",
        "image untag (a=b, name=scene:2)",
        "image untag (name=scene:1)",
        "container exec_detach (a=b, execID, image=scene:1, name=two)",
        "container exec_die (a=b, execID, exitCode=137, image=scene:1, name=two)",
    ]
)


def test_events_are_dockers(registry: Registry) -> None:
    with fresh_engine(registry) as engine:
        ours = happen(engine.socket, VERSION)
    # how long a container ran is told since 23.0
    told = Counter(line.replace("execDuration, ", "") for line in ours)
    docker = Counter(EVENTS.read_text().splitlines())
    assert docker - told == ONLY_DOCKERS
    assert told - docker == ONLY_OURS

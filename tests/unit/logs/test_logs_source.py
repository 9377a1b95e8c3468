"""What comes with a container's lines."""

from __future__ import annotations

import msgspec

from budu.logs.source import LogSource

SOURCE = LogSource(
    id="f" * 64,
    name="web",
    image_id="sha256:1",
    image_name="busybox",
    command="echo hello",
    created="2024-05-06T07:08:09Z",
    hostname="host",
    labels={"zone": "a", "team": "blue"},
    env={"STAGE": "test"},
    options={"labels": "zone", "env": "STAGE"},
)


def test_details_are_what_the_options_choose_by_name() -> None:
    assert list(SOURCE.details().items()) == [("STAGE", "test"), ("zone", "a")]


def test_details_have_the_tag_that_was_asked_for() -> None:
    tagged = msgspec.structs.replace(SOURCE, options={**SOURCE.options, "tag": "{{.Name}}"})
    assert list(tagged.details()) == ["STAGE", "tag", "zone"]
    assert tagged.details()["tag"] == "web"

"""What comes with a container's lines."""

from __future__ import annotations

import msgspec
from tests.support.records import a_log_source

SOURCE = a_log_source()


def test_details_are_what_the_options_choose_by_name() -> None:
    assert list(SOURCE.details().items()) == [("STAGE", "test"), ("zone", "a")]


def test_details_have_the_tag_that_was_asked_for() -> None:
    tagged = msgspec.structs.replace(SOURCE, options={**SOURCE.options, "tag": "{{.Name}}"})
    assert list(tagged.details()) == ["STAGE", "tag", "zone"]
    assert tagged.details()["tag"] == "web"

"""Which stages a target needs."""

import pytest

from budu.base.errors import InvalidArgument
from budu.build.dockerfile.parse import parse
from budu.build.graph import find_stage, find_target, needed, with_base

TEXT = """
FROM alpha AS one
FROM alpha AS two
COPY --from=one /a /a
FROM two AS three
RUN --mount=type=bind,from=0,target=/x true
FROM beta AS four
COPY --from=3 /itself /is-an-image
COPY --from=gamma /an /image
"""
STAGES = parse(TEXT).stages
BASES = [each.base for each in STAGES]


def indexes(target: str) -> list[int]:
    return [each.index for each in needed(STAGES, find_target(STAGES, target), BASES)]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("one", [0]),
        ("two", [0, 1]),
        ("THREE", [0, 1, 2]),
        ("four", [3]),
        ("", [3]),
        ("2", [0, 1, 2]),
    ],
)
def test_only_what_is_needed_is_built(target: str, expected: list[int]) -> None:
    assert indexes(target) == expected


def test_a_target_that_is_none() -> None:
    for name in ("five", "9", "-1", "٣"):
        with pytest.raises(InvalidArgument, match=f'^target stage "{name}" could not be found'):
            find_target(STAGES, name)


def test_the_last_stage_of_a_name_counts() -> None:
    stages = parse("FROM a AS x\nFROM b AS x\nFROM x\n").stages
    found = find_stage(stages, "x")
    assert found is not None
    assert found.index == 1


def test_variables_of_a_from_line() -> None:
    stage = parse("FROM --platform=$BUILDPLATFORM ${NAME:-none}:$TAG\n").stages[0]
    variables = {"BUILDPLATFORM": "linux/arm64", "TAG": "1"}
    whole = with_base(stage, variables, escape="\\")
    assert (whole.base, whole.platform) == ("none:1", "linux/arm64")
    empty = parse("FROM $NAME\n").stages[0]
    with pytest.raises(InvalidArgument, match=r"base name \(\$NAME\) should not be blank"):
        with_base(empty, {}, escape="\\")

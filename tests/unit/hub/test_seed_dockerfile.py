"""The recipes' language."""

from __future__ import annotations

import pytest

from budu.base.errors import InvalidArgument
from budu.hub.seed.dockerfile import parse
from budu.hub.seed.image import Image, Layer

RECIPE = """
# a comment
FROM debian AS build
RUN one \\
    # a comment within
    && two

FROM scratch
COPY --from=build --chmod=0755 /a /b
ENV A=1 B="two words"
"""


def test_stages_and_flags() -> None:
    build, last = parse(RECIPE)
    assert (build.base, build.name, last.base) == ("debian", "build", "scratch")
    assert build.instructions[0].text == "one && two"
    assert last.instructions[0].flags == {"from": "build", "chmod": "0755"}
    assert last.instructions[0].source == "COPY --from=build --chmod=0755 /a /b"
    assert last.instructions[1].pairs() == [("A", "1"), ("B", "two words")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("RUN x", "before FROM"),
        ("FROM scratch\nHEAL x", "unknown word HEAL"),
        ("# nothing", "no FROM"),
    ],
)
def test_a_wrong_recipe_is_refused_by_its_line(text: str, told: str) -> None:
    with pytest.raises(InvalidArgument, match=told):
        parse(text)


def test_settings_become_the_config() -> None:
    (stage,) = parse(
        "FROM scratch\nENV A=1\nENV A=2 B=3\nWORKDIR /a\nWORKDIR b\nEXPOSE 80 53/udp\n"
        'ENTRYPOINT ["x"]\nCMD echo hi\nVOLUME /v\nUSER u\nLABEL l=1\nSTOPSIGNAL SIGINT\n'
    )
    image = Image()
    for instruction in stage.instructions:
        image = image.with_setting(instruction)
    assert image.config == {
        "Env": ["A=2", "B=3"],
        "WorkingDir": "/a/b",
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
        "Entrypoint": ["x"],
        "Cmd": ["/bin/sh", "-c", "echo hi"],
        "Volumes": {"/v": {}},
        "User": "u",
        "Labels": {"l": "1"},
        "StopSignal": "SIGINT",
    }


def test_history_names_each_step_and_only_layers_have_diff_ids() -> None:
    layer = Layer("sha256:d", "sha256:p", 3, "/l", "/t")
    (stage,) = parse("FROM scratch\nCMD x")
    image = Image().with_layer(layer, "ADD a /").with_setting(stage.instructions[0])
    document = image.document(architecture="amd64", created="2026-01-01T00:00:00Z")
    assert document["rootfs"] == {"type": "layers", "diff_ids": ["sha256:p"]}
    assert document["history"] == [
        {"created": "2026-01-01T00:00:00Z", "created_by": "ADD a /"},
        {"created": "2026-01-01T00:00:00Z", "created_by": "CMD x", "empty_layer": True},
    ]

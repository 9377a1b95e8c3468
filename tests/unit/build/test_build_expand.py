"""Which parts of instructions are replaced."""

from __future__ import annotations

import pytest

from budu.base.errors import InvalidArgument
from budu.build.dockerfile.expand import expand
from budu.build.dockerfile.model import Heredoc, User
from budu.build.dockerfile.parse import parse_instruction

VARIABLES = {"A": "one", "TWO": "a b", "COMMA": "x,y"}


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("COPY --chown=$A --chmod=${M:-755} $A 'b' /$A/", "owner", "one"),
        ("COPY --chown=$A --chmod=${M:-755} $A 'b' /$A/", "mode", "755"),
        ("COPY $A \"b\" /$A/", "sources", ("one", "b")),
        ('COPY ["$A", "b c", "/$TWO/"]', "target", "/a b/"),
        ('COPY --exclude=$A a b', "excludes", ("$A",)),
        ("ADD --checksum=sha256:$A u b", "checksum", "sha256:one"),
        ("COPY <<a <<'b' /d\n$A \"x\"\na\n$A\nb", "heredocs",
         (Heredoc(name="a", content='one "x"\n'),
          Heredoc(name="b", content="$A\n", expands=False))),
        ("ARG X=$A Y", "pairs", (("X", "one"), ("Y", None))),
        ("ENV $A=$A 'B c'=\"d $A\"", "pairs", (("one", "one"), ("B c", "d one"))),
        ("ENV B  '$A' $A", "pairs", (("B", "$A one"),)),
        ("LABEL x=$TWO", "pairs", (("x", "a b"),)),
        ("EXPOSE $TWO 80", "ports", ("a", "b", "80")),
        ("RUN --mount=type=cache,target=/$A,id=$COMMA x", "mounts",
         ('type=cache,target=/one,"id=x,y"',)),
        ("STOPSIGNAL $A", "signal", "one"),
        ("USER $A", "user", "one"),
        ('VOLUME ["/$A"]', "paths", ("/one",)),
        ("WORKDIR /$A/\\$x", "path", "/one/$x"),
        ("SHELL [\"$A\"]", "words", ("$A",)),
        ("ONBUILD RUN $A", "trigger", "RUN $A"),
        ("MAINTAINER $A", "name", "$A"),
    ],
)  # fmt: skip
def test_a_field_is_replaced_or_stays(text: str, field: str, value: object) -> None:
    instruction = parse_instruction(text)
    expanded = expand(instruction, VARIABLES)
    assert getattr(expanded, field) == value
    assert type(expanded) is type(instruction)
    assert (expanded.line, expanded.source) == (instruction.line, instruction.source)


@pytest.mark.parametrize("text", ["RUN $A", "CMD $A", "ENTRYPOINT $A", "HEALTHCHECK CMD $A"])
def test_commands_are_left_to_the_shell(text: str) -> None:
    instruction = parse_instruction(text)
    assert expand(instruction, VARIABLES) == instruction


def test_the_escape_is_the_files() -> None:
    user = parse_instruction("USER a`$A", "`")
    assert isinstance(user, User)
    assert expand(user, VARIABLES, escape="`").user == "a$A"


def test_what_is_no_word_is_refused() -> None:
    with pytest.raises(InvalidArgument) as caught:
        expand(parse_instruction("WORKDIR ${A"), VARIABLES)
    assert caught.value.message == "failed to process \"${A\": syntax error: missing '}'"

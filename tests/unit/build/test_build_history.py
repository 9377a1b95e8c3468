"""What RUN executes, and what history tells of instructions."""

from __future__ import annotations

import pytest

from budu.build.dockerfile.commands import Execution, execution
from budu.build.dockerfile.expand import expand
from budu.build.dockerfile.history import history_text
from budu.build.dockerfile.model import Heredoc, Run
from budu.build.dockerfile.parse import parse_instruction

BASH = ("/bin/bash", "-ec")


def run_of(text: str) -> Run:
    run = parse_instruction(text)
    assert isinstance(run, Run)
    return run


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("RUN echo $A", ("/bin/bash", "-ec", "echo $A")),
        ('RUN ["a", "b"]', ("a", "b")),
        ("RUN", ()),
        ("RUN <<A\necho 1\necho $X\nA", ("/bin/bash", "-ec", "echo 1\necho $X\n")),
        ("RUN <<-A\n\techo\n\tA", ("/bin/bash", "-ec", "echo\n")),
        ("RUN cat <<A - <<B\na\nA\nb\nB\n", ("/bin/bash", "-ec", "cat <<A - <<B\na\nA\nb\nB")),
    ],
)
def test_a_command_becomes_an_argument_vector(text: str, arguments: tuple[str, ...]) -> None:
    assert execution(run_of(text).command, BASH) == Execution(arguments=arguments)


def test_a_here_document_can_be_a_program() -> None:
    found = execution(run_of("RUN <<'A'\n#!/usr/bin/env python\nprint()\nA").command, None)
    assert found == Execution(
        arguments=("/bin/sh", "-c", "/dev/pipes/A"),
        script=Heredoc(name="A", content="#!/usr/bin/env python\nprint()\n", expands=False),
    )


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "a b", "a;b", "é"])
def test_a_program_has_a_name_that_leads_nowhere(name: str) -> None:
    found = execution(run_of(f"RUN <<'{name}'\n#!/bin/sh\n{name}").command, None)
    assert found.arguments[-1] == "/dev/pipes/script"
    assert found.script is not None
    assert found.script.name == "script"


@pytest.mark.parametrize(
    ("text", "created_by"),
    [
        ("RUN echo hi", "RUN /bin/sh -c echo hi"),
        ('RUN ["a", "b c"]', "RUN a b c"),
        ("COPY --from=x --chown=1 --chmod=755 --parents --link a b c",
         "COPY --parents --chown=1 --chmod=755 a b c"),
        ("COPY <<a /b\nx\na\n", "COPY <<a /b"),
        ("ADD http://a/b /c", "ADD http://a/b /c"),
        ("ARG A B=1", "ARG A B=1"),
        ("ENV A=b C='d e'", "ENV A=b C=d e"),
        ("LABEL a=$X", "LABEL a=y"),
        ("CMD a", 'CMD ["/bin/sh" "-c" "a"]'),
        ('CMD ["a", "\\"b"]', 'CMD ["a" "\\"b"]'),
        ('ENTRYPOINT ["/a"]', 'ENTRYPOINT ["/a"]'),
        ("EXPOSE 80 443/tcp 53/udp", "EXPOSE map[443/tcp:{} 53/udp:{} 80/tcp:{}]"),
        ("HEALTHCHECK NONE", 'HEALTHCHECK &{["NONE"] "0s" "0s" "0s" "0s" \'\\x00\'}'),
        ("HEALTHCHECK --interval=90s --retries=3 CMD a b",
         'HEALTHCHECK &{["CMD-SHELL" "a b"] "1m30s" "0s" "0s" "0s" \'\\x03\'}'),
        ("MAINTAINER a b", "MAINTAINER a b"),
        ("ONBUILD RUN a", "ONBUILD RUN a"),
        ('SHELL ["/bin/bash", "-c"]', "SHELL [/bin/bash -c]"),
        ("STOPSIGNAL SIGINT", "STOPSIGNAL SIGINT"),
        ("USER $X", "USER y"),
        ("VOLUME /a /b", "VOLUME [/a /b]"),
        ("WORKDIR /a", "WORKDIR /a"),
    ],
)  # fmt: skip
def test_history_tells_an_instruction_as_buildkit_does(text: str, created_by: str) -> None:
    assert history_text(expand(parse_instruction(text), {"X": "y"}), None) == created_by


def test_history_tells_the_build_arguments_of_a_command() -> None:
    arguments = [("A", "1"), ("B", "")]
    text = history_text(run_of("RUN a"), BASH, arguments=arguments)
    assert text == "RUN |2 A=1 B= /bin/bash -ec a"

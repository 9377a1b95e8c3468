"""Laws of the language: what is written comes back, and no text is a surprise."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from budu.base.errors import InvalidArgument
from budu.build.dockerfile.apply import apply
from budu.build.dockerfile.changes import apply_changes
from budu.build.dockerfile.expand import expand
from budu.build.dockerfile.history import history_text
from budu.build.dockerfile.model import (
    Cmd,
    ConfigInstruction,
    Copy,
    Dockerfile,
    Env,
    Instruction,
    Run,
)
from budu.build.dockerfile.parse import parse, parse_instruction
from budu.spec.image import ExecConfig

VARIABLES = {"A": "one", "B": "80 443/udp", "EMPTY": ""}
PIECES = (
    *("FROM", "scratch", "AS", "x", "RUN", "COPY", "ADD", "ENV", "ARG", "LABEL", "CMD", "USER"),
    *("ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "NONE", "ONBUILD", "SHELL", "VOLUME", "WORKDIR"),
    *("STOPSIGNAL", "MAINTAINER", "--from=x", "--mount=type=cache", "--link", "--interval=1s"),
    *("<<A", "<<-A", "<<'A'", "A", "\tA", "#", "# escape=`", "a=b", "$A", "${A:-", "${B//8/", "}"),
    *('["a", "b"]', "[", "[1]", '"', "'", "\\", "`", "80", "80/udp", "/", "..", "\r", "\x00", "é"),
)
words = st.sampled_from(PIECES)
separators = st.sampled_from((" ", "\n", "\\\n", "\n\n", "\t", ""))
files = st.lists(st.tuples(words, separators), max_size=25).map(
    lambda pairs: "".join(word + separator for word, separator in pairs)
)
names = st.text("abcXYZ_", min_size=1, max_size=5)
texts = st.text(st.characters(exclude_characters="\n\r", codec="utf-8"), max_size=12)


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'


def carried_out(instruction: Instruction, escape: str) -> None:
    expanded = expand(instruction, VARIABLES, escape=escape)
    history_text(expanded, None)
    if isinstance(expanded, ConfigInstruction):
        apply(ExecConfig(env=("A=1",)), expanded)


def read(text: str) -> Dockerfile | None:
    try:
        return parse(text)
    except InvalidArgument as error:
        assert error.message
        return None


@settings(max_examples=400)
@given(st.one_of(files, files.map("FROM a\n".__add__), st.text()))
def test_any_text_is_a_dockerfile_or_an_invalid_argument(text: str) -> None:
    dockerfile = read(text)
    for stage in dockerfile.stages if dockerfile else ():
        for instruction in stage.instructions:
            try:
                carried_out(instruction, dockerfile.directives.escape if dockerfile else "\\")
            except InvalidArgument as error:
                assert error.message


@settings(max_examples=100)
@given(files, st.sampled_from("\\`"))
def test_any_text_is_a_trigger_or_an_invalid_argument(text: str, escape: str) -> None:
    try:
        carried_out(parse_instruction(text, escape), escape)
        apply_changes(ExecConfig(), text.split("\n"))
    except InvalidArgument as error:
        assert error.message


def test_no_depth_and_no_length_is_a_surprise() -> None:
    deep = ("[" * 50_000, "${A-" * 50_000, "ONBUILD " * 50_000, '"' * 50_001, "<<A " * 50_000)
    for text in deep:
        for keyword in ("RUN", "CMD", "ENV A=", "COPY a", "EXPOSE", "ONBUILD", "LABEL"):
            dockerfile = read(f"FROM a\n{keyword} {text}")
            for instruction in dockerfile.stages[0].instructions if dockerfile else ():
                try:
                    carried_out(instruction, "\\")
                except InvalidArgument as error:
                    assert error.message


@given(st.lists(st.tuples(names, texts), min_size=1, max_size=4))
def test_a_quoted_value_comes_back(pairs: list[tuple[str, str]]) -> None:
    line = "ENV " + " ".join(f"{name}={quoted(value)}" for name, value in pairs)
    env = parse_instruction(line)
    assert isinstance(env, Env)
    assert expand(env, VARIABLES).pairs == tuple(pairs)


@given(st.lists(st.text(st.characters(codec="utf-8")), max_size=4))
def test_a_json_form_comes_back(arguments: list[str]) -> None:
    cmd = parse_instruction(f"CMD {json.dumps(arguments)}")
    assert isinstance(cmd, Cmd)
    assert cmd.command.words == tuple(arguments)
    assert not cmd.command.is_shell


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n"), max_size=8), max_size=5),
    names,
    st.booleans(),
)
def test_a_here_document_comes_back(lines: list[str], name: str, is_quoted: bool) -> None:
    lines = [line for line in lines if line != name]
    content = "".join(line + "\n" for line in lines)
    opening = f'"{name}"' if is_quoted else name
    dockerfile = parse(
        f"FROM a\nRUN <<{opening}\n{content}{name}\nCOPY <<{opening} /x\n{content}{name}"
    )
    run, copy = dockerfile.stages[0].instructions
    assert isinstance(run, Run)
    assert isinstance(copy, Copy)
    for heredoc in (*run.command.heredocs, *copy.heredocs):
        assert (heredoc.name, heredoc.content, heredoc.expands) == (name, content, not is_quoted)


@given(st.lists(st.sampled_from(("a", "b  c", "$A", "&& d", "'e f'")), min_size=1, max_size=6))
def test_a_continued_line_is_one_line(parts: list[str]) -> None:
    joined = parse_instruction("RUN " + " ".join(parts))
    continued = parse_instruction("RUN " + " \\\n# between\n\n".join(parts))
    assert joined == continued


@given(files)
def test_lines_end_as_on_any_system(text: str) -> None:
    text = "FROM a\n" + text.replace("\r", "")
    unix, windows = read(text), read(text.replace("\n", "\r\n"))
    assert (unix is None) == (windows is None)
    if unix and windows and "<<" not in text:
        assert unix == windows

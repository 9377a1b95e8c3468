"""Dockerfiles from text to values."""

from __future__ import annotations

import msgspec
import pytest

from budu.base.errors import Hint, InvalidArgument
from budu.build.dockerfile.model import (
    Add,
    Arg,
    Cmd,
    Command,
    Copy,
    Dockerfile,
    Entrypoint,
    Env,
    Expose,
    HealthProbe,
    Heredoc,
    Instruction,
    Label,
    Maintainer,
    OnBuild,
    Run,
    Shell,
    StopSignal,
    User,
    VolumePaths,
    WorkDir,
)
from budu.build.dockerfile.parse import parse, parse_instruction


def instructions(text: str) -> tuple[Instruction, ...]:
    (stage,) = parse("FROM scratch\n" + text).stages
    return stage.instructions


def fields(instruction: Instruction) -> dict[str, object]:
    """Those that are not as by default, without the place."""
    kind = type(instruction)
    values = {
        field.name: getattr(instruction, field.name)
        for field in msgspec.structs.fields(kind)
        if field.name not in ("line", "source")
        and getattr(instruction, field.name) != field.default
    }
    return {"kind": kind, **values}


def shell(text: str) -> Command:
    return Command(words=(text,), is_shell=True)


def exact(*words: str) -> Command:
    return Command(words=words)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("RUN echo  hi", {"kind": Run, "command": shell("echo  hi")}),
        ('RUN ["a", "b c"]', {"kind": Run, "command": exact("a", "b c")}),
        ("RUN [ -f a ]", {"kind": Run, "command": shell("[ -f a ]")}),
        ("RUN", {"kind": Run, "command": Command(is_shell=True)}),
        ("RUN --mount=type=cache,target=/a --mount=target=/b --network=none make",
         {"kind": Run, "command": shell("make"), "network": "none",
          "mounts": ("type=cache,target=/a", "target=/b")}),
        ("RUN --security=insecure -- x", {"kind": Run, "command": shell("x"),
                                         "security": "insecure"}),
        ("CMD a b", {"kind": Cmd, "command": shell("a b")}),
        ('CMD ["a"]', {"kind": Cmd, "command": exact("a")}),
        ("CMD []", {"kind": Cmd, "command": exact()}),
        ('ENTRYPOINT ["/a"]', {"kind": Entrypoint, "command": exact("/a")}),
        ("ENV A=1 B='x y' C=$A", {"kind": Env, "pairs": (("A", "1"), ("B", "'x y'"), ("C", "$A"))}),
        ("ENV A  b c ", {"kind": Env, "pairs": (("A", "b c"),), "is_legacy": True}),
        ('LABEL "a b"="c d"', {"kind": Label, "pairs": (('"a b"', '"c d"'),)}),
        ("ARG A B=1 C=", {"kind": Arg, "pairs": (("A", None), ("B", "1"), ("C", ""))}),
        ("COPY a b c/", {"kind": Copy, "sources": ("a", "b"), "target": "c/"}),
        ('COPY ["a b", "c"]', {"kind": Copy, "sources": ("a b",), "target": "c"}),
        ("COPY --from=x --chown=1:2 --chmod=755 --link --parents --exclude=*.a --exclude=b a b",
         {"kind": Copy, "sources": ("a",), "target": "b", "origin": "x", "owner": "1:2",
          "mode": "755", "link": True, "parents": True, "excludes": ("*.a", "b")}),
        ("COPY --link=false a b", {"kind": Copy, "sources": ("a",), "target": "b"}),
        ("ADD --checksum=sha256:x --keep-git-dir=true --unpack=false u b",
         {"kind": Add, "sources": ("u",), "target": "b", "checksum": "sha256:x",
          "keeps_git": True, "unpacks": False}),
        ("ADD a b", {"kind": Add, "sources": ("a",), "target": "b"}),
        ("EXPOSE 80 53/udp", {"kind": Expose, "ports": ("53/udp", "80")}),
        ("HEALTHCHECK none", {"kind": HealthProbe}),
        ("HEALTHCHECK --interval=1s --timeout=2s --start-period=3s --start-interval=4s "
         "--retries=5 CMD a b",
         {"kind": HealthProbe, "command": shell("a b"), "interval_ns": 10**9,
          "timeout_ns": 2 * 10**9, "start_period_ns": 3 * 10**9, "start_interval_ns": 4 * 10**9,
          "retries": 5}),
        ('HEALTHCHECK CMD ["a"]', {"kind": HealthProbe, "command": exact("a")}),
        ("MAINTAINER me <a@b>", {"kind": Maintainer, "name": "me <a@b>"}),
        ("ONBUILD  run a", {"kind": OnBuild, "trigger": "run a"}),
        ('SHELL ["/bin/bash", "-c"]', {"kind": Shell, "words": ("/bin/bash", "-c")}),
        ("STOPSIGNAL SIGINT", {"kind": StopSignal, "signal": "SIGINT"}),
        ("USER a:b", {"kind": User, "user": "a:b"}),
        ("VOLUME /a /b", {"kind": VolumePaths, "paths": ("/a", "/b")}),
        ('VOLUME ["/a b"]', {"kind": VolumePaths, "paths": ("/a b",)}),
        ("WORKDIR /a b", {"kind": WorkDir, "path": "/a b"}),
    ],
)  # fmt: skip
def test_an_instruction_becomes_its_value(line: str, expected: dict[str, object]) -> None:
    (instruction,) = instructions(line)
    assert fields(instruction) == expected
    assert instruction.source == line.strip()
    assert parse_instruction(line) == msgspec.structs.replace(instruction, line=1)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("GLORP x", "unknown instruction: GLORP"),
        ("RUNN x", "unknown instruction: RUNN (did you mean RUN?)"),
        ("runn x", "unknown instruction: runn (did you mean run?)"),
        ("RUN --mont=x a", "unknown flag: --mont (did you mean mount?)"),
        ("RUN --mount a", "missing a value on flag: --mount"),
        ("RUN --network=x a", 'invalid network mode "x"'),
        ("RUN --security=x a", 'security "x" is not valid'),
        ("CMD --x a", "unknown flag: --x"),
        ("COPY a", "COPY requires at least two arguments, but only one was provided. "
                   "Destination could not be determined"),
        ("COPY --chown=a --chown=b a b", "duplicate flag specified: --chown"),
        ("COPY --link=maybe a b", "expecting boolean value for flag --link, not: maybe"),
        ("COPY --link= a b", "missing a value on flag: --link"),
        ("COPY --checksum=x a b", "unknown flag: --checksum"),
        ("COPY --from=$A a b",
         "variable expansion is not supported for --from, define a new stage with FROM using ARG "
         "from global scope as a workaround"),
        ("COPY a <<b\nb\n", "COPY cannot accept a heredoc as a destination"),
        ("ADD --parents a b", "unknown flag: --parents"),
        ("ARG", "ARG requires at least one argument"),
        ("ARG =1", "ARG names can not be blank"),
        ("ENV", "ENV requires at least one argument"),
        ("ENV =1", "ENV names can not be blank"),
        ("LABEL =1", "LABEL names can not be blank"),
        ("EXPOSE", "EXPOSE requires at least one argument"),
        ("HEALTHCHECK", "HEALTHCHECK requires at least one argument"),
        ("HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"),
        ("HEALTHCHECK TCP x", 'Unknown type "TCP" in HEALTHCHECK (try CMD)'),
        ("HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"),
        ("HEALTHCHECK --interval=1us CMD a", 'Interval "interval" cannot be less than 1ms'),
        ("HEALTHCHECK --interval=1 CMD a", 'time: missing unit in duration "1"'),
        ("HEALTHCHECK --retries=x CMD a", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("HEALTHCHECK --retries=9999999999 CMD a",
         'strconv.ParseInt: parsing "9999999999": value out of range'),
        ("HEALTHCHECK --retries=-2 CMD a", "--retries cannot be negative (-2)"),
        ("MAINTAINER", "MAINTAINER requires exactly one argument"),
        ("ONBUILD", "ONBUILD requires at least one argument"),
        ("ONBUILD ONBUILD RUN x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"),
        ("ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"),
        ("ONBUILD maintainer x", "MAINTAINER isn't allowed as an ONBUILD trigger"),
        ("SHELL sh", "SHELL requires the arguments to be in JSON form"),
        ("SHELL []", "SHELL requires at least one argument"),
        ("STOPSIGNAL", "STOPSIGNAL requires exactly one argument"),
        ("USER", "USER requires exactly one argument"),
        ("VOLUME", "VOLUME requires at least one argument"),
        ('VOLUME [" "]', "VOLUME specified can not be an empty string"),
        ("WORKDIR", "WORKDIR requires exactly one argument"),
        ("FROM a b", "FROM requires either one or three arguments"),
        ("FROM", "FROM requires either one or three arguments"),
        ("FROM a as 1x", 'invalid name for build stage: "1x", name can\'t start with a number or '
                         "contain symbols"),
        ("FROM --x=y a", "unknown flag: --x"),
    ],
)  # fmt: skip
def test_a_wrong_instruction_is_refused_in_dockers_words(line: str, sentence: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse(f"FROM scratch\n\n{line}")
    assert caught.value.message == f"dockerfile parse error on line 3: {sentence}"


@pytest.mark.parametrize(
    ("text", "sentence", "hint"),
    [
        ("", "the Dockerfile (a/b) cannot be empty", None),
        ("\n# nothing\n", "failed to parse a/b: file with no instructions", None),
        ("ARG A", "dockerfile contains no stages to build", Hint("build.no-stage")),
        ("ARG A\nRUN x\n", "no build stage in current context",
         Hint("build.from-first", line=2, name="RUN")),
        ("FROM a\nENV A", "failed to parse a/b: ENV must have two arguments",
         Hint("build.at-line", line=2)),
        ("FROM a\nLABEL a=b c",
         'failed to parse a/b: Syntax error - can\'t find = in "c". Must be of the form: '
         "name=value", Hint("build.at-line", line=2)),
        ("FROM a\nCMD [1]", "failed to parse a/b: when using JSON array syntax, arrays must be "
                            "comprised of strings only", Hint("build.at-line", line=2)),
        ("FROM a\n\nRUN <<X\nY\n", "failed to parse a/b: unterminated heredoc",
         Hint("build.open-heredoc", line=3, name="X")),
        ("#escape=x\nFROM a",
         "failed to parse a/b: invalid escape token 'x' does not match ` or \\",
         Hint("build.at-line", line=1)),
        ("#check=a\n#check=b\nFROM a",
         "failed to parse a/b: only one check parser directive can be used",
         Hint("build.at-line", line=2)),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_in_dockers_words(
    text: str, sentence: str, hint: Hint | None
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse(text, name="a/b")
    assert (caught.value.message, caught.value.hint) == (sentence, hint)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("RUNN x", Hint("build.misspelt-instruction", line=2, name="RUNN", near="RUN")),
        ("entrypiont x", Hint("build.misspelt-instruction", line=2, name="entrypiont",
                              near="ENTRYPOINT")),
        ("&& make", Hint("build.no-instruction", line=2, name="&&")),
        ("apt-get install", Hint("build.no-instruction", line=2, name="apt-get")),
    ],
)  # fmt: skip
def test_an_unknown_instruction_is_hinted_at(line: str, hint: Hint) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse(f"FROM scratch\n{line}")
    assert caught.value.hint == hint


def test_stages_have_names_numbers_and_lines() -> None:
    dockerfile = parse(
        "ARG V=1\n\nFROM --platform=$BUILDPLATFORM a:$V AS Build\nRUN x\n"
        "from build\nCOPY --from=0 a b\nCMD y\n"
    )
    assert [pairs for arg in dockerfile.arguments for pairs in arg.pairs] == [("V", "1")]
    first, second = dockerfile.stages
    assert (first.index, first.line, first.base, first.name) == (0, 3, "a:$V", "build")
    assert first.platform == "$BUILDPLATFORM"
    assert first.source == "FROM --platform=$BUILDPLATFORM a:$V AS Build"
    assert (second.index, second.line, second.base, second.name) == (1, 5, "build", "")
    assert [each.line for each in first.instructions] == [4]
    assert [each.line for each in second.instructions] == [6, 7]


def test_lines_go_on_over_comments_and_empty_lines() -> None:
    text = "RUN a \\  \n  # not this\n\n  && b \\\r\n&& c\nCMD d"
    run, cmd = instructions(text)
    assert isinstance(run, Run)
    assert run.command.words == ("a   && b && c",)
    assert run.source == "RUN a   && b && c"
    assert (run.line, cmd.line) == (2, 7)
    assert parse("FROM scratch\n" + text).empty_continuations == (6,)


def test_two_escapes_at_the_end_do_not_go_on() -> None:
    run, cmd = instructions("RUN a \\\\\nCMD d \\")
    assert isinstance(run, Run)
    assert isinstance(cmd, Cmd)
    assert (run.command.words, cmd.command.words) == (("a \\\\",), ("d",))


def test_directives_come_first_and_choose_the_escape() -> None:
    dockerfile = parse(
        "# syntax = docker/dockerfile:1\n#Escape=`\n# check=skip=all\n# a=b\n# escape=x\n"
        "FROM a\nRUN b `\n c:\\\nENV A=x` y\n"
    )
    directives = dockerfile.directives
    assert (directives.escape, directives.syntax, directives.check) == (
        "`", "docker/dockerfile:1", "skip=all",
    )  # fmt: skip
    run, env = dockerfile.stages[0].instructions
    assert run.source == "RUN b  c:\\"
    assert isinstance(env, Env)
    assert env.pairs == (("A", "x` y"),)


def test_a_comment_ends_the_directives() -> None:
    assert parse("# a comment\n# escape=`\nFROM a").directives.escape == "\\"
    assert parse("\n# escape=`\nFROM a").directives.escape == "\\"
    assert parse("\ufeff# escape=`\nFROM a").directives.escape == "`"


def test_here_documents_follow_in_order() -> None:
    run, cmd = instructions("RUN cat <<A 3<<-'B' \\\n  > x\na $X\nA\n\tb\n\n\tB\nCMD y")
    assert isinstance(run, Run)
    assert run.command == Command(
        words=("cat <<A 3<<-'B'   > x",),
        is_shell=True,
        heredocs=(
            Heredoc(name="A", content="a $X\n"),
            Heredoc(name="B", content="b\n\n", expands=False),
        ),
    )
    assert cmd.line == 9


def test_copies_take_files_from_here_documents() -> None:
    (copy,) = instructions('COPY <<a.txt <<-"b.txt" c /d/\n1 $X\na.txt\n\t2\nb.txt\n')
    assert isinstance(copy, Copy)
    assert (copy.sources, copy.target) == (("c",), "/d/")
    assert copy.heredocs == (
        Heredoc(name="a.txt", content="1 $X\n"),
        Heredoc(name="b.txt", content="2\n", expands=False),
    )


@pytest.mark.parametrize(
    "line",
    ['RUN ["a", "<<b"]', "RUN echo '<<b'", "RUN a <<<b", "RUN cat < <(b)", "RUN echo it's <<b",
     "CMD cat <<b", "RUN echo $((1<<2))", "RUN a <<"],
)  # fmt: skip
def test_these_are_no_here_documents(line: str) -> None:
    (instruction,) = instructions(line)
    assert isinstance(instruction, Run | Cmd)
    assert instruction.command.heredocs == ()


def test_a_trigger_keeps_its_here_documents() -> None:
    (onbuild,) = instructions("ONBUILD RUN <<-A\n\tb\nA\n")
    assert isinstance(onbuild, OnBuild)
    assert onbuild.trigger == "RUN <<-A\n\tb\nA"
    run = parse_instruction(onbuild.trigger)
    assert isinstance(run, Run)
    assert run.command.heredocs == (Heredoc(name="A", content="b\n"),)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("RUN a\nRUN b", "onbuild trigger should be a single expression"),
        ("", "onbuild trigger should be a single expression"),
        ("FROM a", "FROM isn't allowed as an ONBUILD trigger"),
        ("ENV A", "ENV must have two arguments"),
        ("GLORP", "unknown instruction: GLORP"),
    ],
)
def test_a_trigger_is_one_instruction(text: str, sentence: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_instruction(text)
    assert caught.value.message == sentence


def test_an_ordinary_file_is_read_whole() -> None:
    dockerfile = parse(
        "FROM python:3.12 AS build\nWORKDIR /src\nCOPY . .\nRUN pip wheel .\n\n"
        'FROM python:3.12-slim\nCOPY --from=build /src/*.whl /\nENTRYPOINT ["app"]\n'
    )
    assert isinstance(dockerfile, Dockerfile)
    assert [len(stage.instructions) for stage in dockerfile.stages] == [3, 2]

"""From words to a command: lookup, root flags, help, errors, and what is imported on the way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cli_recorder
import pytest

from budu.cli.index import COMMANDS, GROUPS, HIDDEN, MISSING
from budu.cli.main import find_command, main

SOURCE = str(Path(cli_recorder.__file__).resolve().parents[3] / "src")
HEAVY = frozenset(
    ("re", "json", "argparse", "typing", "enum", "dataclasses", "asyncio", "http", "urllib",
     "logging", "subprocess", "collections", "functools", "socket", "signal", "pathlib",
     "contextlib", "inspect", "ssl", "msgspec", "hashlib", "datetime", "threading", "shutil", "os")
)  # fmt: skip
NO_ENGINE = ["-H", "unix:///no/such.sock"]


def places() -> list[tuple[str, ...]]:
    single = [(name,) for name in COMMANDS]
    return single + [(group, name) for group, table in GROUPS.items() for name in table]


@pytest.mark.parametrize("words", places(), ids=" ".join)
def test_every_entry_of_the_index_is_a_documented_command(words: tuple[str, ...]) -> None:
    command, path, used = find_command(words)
    assert (path, used) == ("budu " + " ".join(words), len(words))
    assert all(command.help)
    names = [flag.name for flag in command.flags]
    shorts = [flag.short for flag in command.flags if flag.short]
    assert len(set(names)) == len(names)
    assert len(set(shorts)) == len(shorts)
    for flag in command.flags:
        assert all(flag.help), flag.name
        assert all(not text.endswith(".") for text in flag.help), flag.name


def test_what_is_missing_is_not_there() -> None:
    for group, words in MISSING.items():
        known = GROUPS[group] if group else COMMANDS
        assert not set(words.split()) & set(known)


@pytest.mark.parametrize("words", places(), ids=" ".join)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_help_of_every_command(words: tuple[str, ...], lang: str, capsys) -> None:
    assert main(["--lang", lang, *words, "--help"], {}) == 0
    page = capsys.readouterr().out
    command, path, _ = find_command(words)
    assert f"{path} {command.usage}".strip() in page
    for flag in command.flags:
        assert (f"--{flag.name}" in page) != flag.hidden


def test_overview_and_groups_list_their_commands(capsys) -> None:
    assert main([], {}) == 0
    overview = capsys.readouterr().out
    for name in COMMANDS:
        assert (f"\n  {name} " in overview) == (name not in HIDDEN)
    for group, table in GROUPS.items():
        assert main([group], {}) == 0
        page = capsys.readouterr().out
        for name in table:
            if name not in HIDDEN and f"{group} {name}" not in HIDDEN:
                assert f"\n  {name} " in page


@pytest.mark.parametrize("words", [["--version"], ["-v"], ["-D", "--version"]])
def test_version_flag(words: list[str], capsys) -> None:
    from budu import __version__

    assert main(words, {}) == 0
    assert capsys.readouterr().out == f"budu version {__version__}\n"


def test_a_near_command_is_named_in_the_language_of_the_person(capsys) -> None:
    assert main(["imges"], {"LANG": "C"}) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("budu: unknown command: budu imges\n")
    assert shown.endswith("→ Did you mean: budu images\n")
    assert main(["imges"], {"LANG": "ko_KR.UTF-8"}) == 1
    assert "혹시 이 명령인가요: budu images" in capsys.readouterr().err
    assert main(["--lang", "en", "container", "strat"], {"LANG": "ko_KR.UTF-8"}) == 1
    assert "→ Did you mean: budu container start\n" in capsys.readouterr().err


def test_a_command_of_docker_that_is_missing_is_named(capsys) -> None:
    assert main(["swarm", "init"], {}) == 1
    assert "'budu swarm' is not available yet" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["create", "--scope", "single"], ["create", "--limit-bytes=1g"], ["ls", "--cluster"]]
)
def test_a_flag_of_docker_that_is_missing_is_named(words: list[str], capsys) -> None:
    assert main([*NO_ENGINE, "volume", *words], {}) == 1
    name = words[1].partition("=")[0]
    wanted = f"{name} is not available in budu: it belongs to swarm's cluster volumes"
    assert wanted in capsys.readouterr().err


USAGE_CASES = [
    case
    for case in cli_recorder.load_cases()
    if case["group"] == "errors"
    and case["argv"][0] not in ("create", "logs")  # logs takes several containers here
    and case["expect"].get("exit") in (1, 125)
    and case["argv"] != ["-c", "nope", "ps"]
    and not {"--detach-keys", "imges", "ru"} & set(case["argv"])
]


@pytest.mark.parametrize("case", USAGE_CASES, ids=lambda case: " ".join(case["argv"]))
def test_usage_errors_are_those_of_docker(case, capsys, tmp_path) -> None:
    environ = {"BUDU_HOST": "unix:///no/such.sock", "DOCKER_CONFIG": str(tmp_path)}
    status = main(case["argv"], environ)
    ours = capsys.readouterr().err.partition("\n")[0]
    theirs = case["expect"]["stderr"].partition("\n")[0]
    assert ours == theirs.replace("docker", "budu")
    assert status == case["expect"]["exit"]


def test_host_and_context_contradict_each_other(capsys) -> None:
    assert main([*NO_ENGINE, "-c", "far", "ps"], {}) == 1
    assert "conflicting options: cannot specify both --host and --context" in (
        capsys.readouterr().err
    )


def test_an_engine_that_is_not_there(capsys) -> None:
    assert main([*NO_ENGINE, "ps"], {}) == 1
    shown = capsys.readouterr().err
    assert shown.startswith(
        "Cannot connect to the Docker daemon at unix:///no/such.sock. "
        "Is the docker daemon running?\n→ "
    )


def test_version_tells_of_the_client_without_an_engine(capsys) -> None:
    assert main([*NO_ENGINE, "version"], {}) == 1
    shown = capsys.readouterr()
    assert shown.out.startswith("Client:\n")
    assert "Cannot connect" in shown.err


def loaded_modules(code: str, *words: str) -> set[str]:
    """Modules of a fresh `-I -S` interpreter that ran `code` with `words` as its arguments."""
    whole = (
        f"import sys; sys.path.insert(0, {SOURCE!r})\n{code}\n"
        "sys.stderr.write('\\n' + ' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", whole, *words],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stderr.rpartition("\n")[2].split())


PARSE = """
from budu.cli.main import find_command
from budu.cli.parser import parse
command, path, used = find_command(sys.argv[1:])
parse(command, path, sys.argv[1 + used:])
import budu.client.session, budu.cli.context, budu.cli.config
"""
RUN_REST = "import budu.cli.attach, budu.cli.pulling, budu.cli.credentials, budu.cli.advice\n"


def test_version_imports_next_to_nothing() -> None:
    code = "from budu.cli.main import main; main(['--version'], {})"
    ours = {name for name in loaded_modules(code) if name.startswith("budu")}
    assert ours == {
        "budu", "budu.base", "budu.base.environment", "budu.base.errors", "budu.cli",
        "budu.cli.failures", "budu.cli.index", "budu.cli.main",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("from budu.cli.main import main; main(['--version'], {})", ()),
        (PARSE + "import budu.cli.tables.containers\n", ("ps", "-a", "--filter", "name=x")),
        (PARSE + "import budu.cli.tables.images\n", ("images", "-q")),
        (PARSE + RUN_REST, ("run", "-it", "--rm", "-p", "8080:80", "-v", "/a:/b", "busybox")),
        (PARSE, ("stop", "-t", "1", "web")),
    ],
)
def test_the_hot_path_imports_nothing_heavy(code: str, words: tuple[str, ...]) -> None:
    assert not loaded_modules(code, *words) & HEAVY


def test_a_reader_that_is_gone_ends_it_quietly() -> None:
    code = f"import sys; sys.path.insert(0, {SOURCE!r}); from budu.cli.main import entry; entry()"
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, "--help"],
        stdout=write_end, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(write_end)
    assert (done.returncode, done.stderr) == (141, "")


def test_recorded_cases_are_many() -> None:
    assert len(cli_recorder.load_cases()) > 200

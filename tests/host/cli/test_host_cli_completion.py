"""Completion asks the engine for names, and works in a real shell."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.engine import EngineProcess
from tests.support.scenes import PATIENT, create, run
from tests.support.terminal import Terminal

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

BUDU = [sys.executable, "-m", "budu.cli.main"]


def complete(engine: EngineProcess, *words: str) -> list[str]:
    done = subprocess.run(
        [*BUDU, "__complete", "--", *words],
        env={**os.environ, "BUDU_HOST": engine.host},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stderr == ""
    return [line.partition("\t")[0] for line in done.stdout.splitlines()]


@pytest.fixture(autouse=True)
def containers(engine: EngineProcess) -> None:
    run(engine, PATIENT, name="lively")
    create(engine, "true", name="new")


def test_names_of_containers(engine: EngineProcess) -> None:
    assert sorted(complete(engine, "rm", "")) == ["lively", "new"]
    assert complete(engine, "rm", "ne") == ["new"]
    assert complete(engine, "container", "inspect", "li") == ["lively"]


def test_only_running_ones_can_be_stopped(engine: EngineProcess) -> None:
    assert complete(engine, "stop", "") == ["lively"]


def test_images_and_networks(engine: EngineProcess) -> None:
    assert {"busybox", "busybox:latest"} <= set(complete(engine, "run", "--rm", "-it", ""))
    assert complete(engine, "run", "--network", "") == ["bridge", "host", "none"]


def test_names_of_several_kinds(engine: EngineProcess) -> None:
    engine.request("POST", "/volumes/create", {"Name": "kept"})
    kinds = {"lively", "busybox:latest", "bridge", "kept"}
    assert kinds <= set(complete(engine, "inspect", ""))
    for words in (("push",), ("tag",), ("images",), ("tag", "busybox")):
        assert "busybox:latest" in complete(engine, *words, "")
    assert complete(engine, "volume", "inspect", "k") == ["kept"]
    assert complete(engine, "volume", "cp", "k") == ["kept:"]


def test_a_shell_is_chosen_from_the_three(shell_environment: dict[str, str]) -> None:
    script = """
source <(budu completion bash)
COMP_LINE="budu completion " COMP_POINT=16 COMP_WORDS=(budu completion "") COMP_CWORD=2
_budu
echo "${COMPREPLY[@]}"
"""
    assert said_by(["bash", "-c", script], shell_environment) == "bash zsh fish\n"


def test_the_programs_own_words_are_files(engine: EngineProcess) -> None:
    assert complete(engine, "run", "busybox", "ls", "") == [":files"]


@pytest.fixture
def shell_environment(engine: EngineProcess, tmp_path: Path) -> dict[str, str]:
    """The environment of a shell that finds `budu`."""
    program = tmp_path / "budu"
    program.write_text(f'#!/bin/sh\nexec {" ".join(BUDU)} "$@"\n')
    program.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    return {**os.environ, "BUDU_HOST": engine.host, "PATH": path, "HOME": str(tmp_path)}


def said_by(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout


def test_bash_keeps_a_tag_in_one_word(shell_environment: dict[str, str]) -> None:
    script = """
source <(budu completion bash)
COMP_LINE="budu run busybox:la" COMP_POINT=19
COMP_WORDS=(budu run busybox : la) COMP_CWORD=4
_budu
echo "${COMPREPLY[@]}"
"""
    assert said_by(["bash", "-c", script], shell_environment) == "latest\n"


def test_fish_shows_names_and_meanings(shell_environment: dict[str, str]) -> None:
    script = 'budu completion fish | source; complete -C "budu stop "; complete -C "budu run --net"'
    lines = said_by(["fish", "--no-config", "-c", script], shell_environment).splitlines()
    assert lines[0] == "lively\tbusybox, running"
    assert "--network\tConnect the container to a network" in lines


def test_zsh_completes_what_is_typed(shell_environment: dict[str, str]) -> None:
    environment = {**shell_environment, "TERM": "xterm", "PS1": ""}
    with Terminal(["zsh", "-f", "-i"], environment, rows=24, columns=100) as terminal:
        terminal.type("autoload -U compinit; compinit -u -D; source <(budu completion zsh)\n")
        terminal.type("echo RE''ADY\n")
        terminal.read_until("READY\r\n")
        terminal.type("budu stop li\t")
        terminal.read_until("vely")
        terminal.type("\x15exit\n")
        assert terminal.wait() == 0


def test_no_engine_completes_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [*BUDU, "__complete", "--", "rm", ""],
        env={**os.environ, "BUDU_HOST": f"unix://{tmp_path}/none"},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert (done.stdout, done.stderr) == ("", "")

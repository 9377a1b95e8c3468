"""What may come next, as far as the declarations alone tell it."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from budu.cli.commands.completion import SCRIPTS
from budu.cli.complete import FILES, candidates
from budu.cli.context import Context
from budu.cli.index import COMMANDS, GROUPS, HIDDEN


def complete(*words: str, lang: str = "en", folder: str = "/nowhere") -> dict[str, str]:
    return dict(candidates(Context({}, lang=lang, config_folder=folder), words))


def test_every_command_is_offered() -> None:
    words = {name for name in COMMANDS if " " not in name}
    assert set(complete("")) == (words | set(GROUPS)) - HIDDEN


def test_words_below_a_group() -> None:
    assert "ls" in complete("container", "")
    assert "list" not in complete("container", "")


def test_flags_tell_what_they_mean_in_the_persons_language() -> None:
    assert complete("ps", "--no-t") == {"--no-trunc": "Do not shorten"}
    assert complete("ps", "--no-t", lang="ko") == {"--no-trunc": "줄이지 않습니다"}


def test_root_flags_come_before_a_command() -> None:
    assert set(complete("--tlsc")) == {"--tlscacert", "--tlscert"}
    assert "images" in complete("-H", "unix:///s", "--debug", "ima")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("run", "--restart", ""), {"always", "no", "on-failure", "unless-stopped"}),
        (("run", "--restart=a"), {"--restart=always"}),
        (("run", "--pull", "m"), {"missing"}),
        (("run", "--env-file", ""), {FILES}),
        (("run", "-v", ""), {FILES}),
        (("completion", ""), {"bash", "fish", "zsh"}),
        (("completion", "b"), {"bash"}),
        (("completion", "bash", ""), set()),
        (("import", ""), {FILES}),
        (("nonsense", ""), set()),
    ],
)
def test_values(words: tuple[str, ...], expected: set[str]) -> None:
    assert set(complete(*words)) == expected


def test_contexts(tmp_path: Path) -> None:
    place = tmp_path / "contexts" / "meta" / sha256(b"far").hexdigest()
    place.mkdir(parents=True)
    (place / "meta.json").write_text(json.dumps({"Name": "far"}))
    assert set(complete("--context", "", folder=str(tmp_path))) == {"default", "far"}


@pytest.mark.parametrize("shell", SCRIPTS)
def test_scripts_ask_the_program(shell: str) -> None:
    assert "budu __complete --" in SCRIPTS[shell]

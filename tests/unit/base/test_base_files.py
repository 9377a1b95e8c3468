"""Atomic files, messages, logging, and what light modules import."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import budu
from budu.base.errors import Hint, InvalidArgument
from budu.base.files import remove_if_there, write_atomic
from budu.base.logging import parse_level, set_up_logging
from budu.base.messages import language_of, render, text


@pytest.mark.parametrize("durable", [False, True])
def test_write_atomic_replaces_the_content(tmp_path: Path, durable: bool) -> None:
    target = tmp_path / "state"
    target.write_text("old")
    write_atomic(target, "new", mode=0o600, durable=durable)
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o600


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "directory"
    target.mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomic(target, b"data")
    assert list(tmp_path.iterdir()) == [target]


def test_remove_if_there(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    assert remove_if_there(tmp_path / "x") is True
    assert remove_if_there(tmp_path / "x") is False


@pytest.mark.parametrize(
    ("environ", "lang"),
    [
        ({}, "en"),
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "ko"}, "ko"),
        ({"LANG": "kok_IN"}, "en"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LC_MESSAGES": "ko_KR", "LANG": "C"}, "ko"),
        ({"LC_ALL": "", "LC_MESSAGES": "", "LANG": "ko_KR"}, "ko"),
    ],
)
def test_language_comes_from_the_locale(environ: dict[str, str], lang: str) -> None:
    assert language_of(environ) == lang


@pytest.fixture
def catalogue() -> Iterator[None]:
    module = type(sys)("budu.base.texts.sample")
    module.TEXTS = {"sample.port": ("Port {port} is taken.", "포트 {port}은(는) 사용 중입니다.")}  # type: ignore[attr-defined]  # a module made by hand
    sys.modules[module.__name__] = module
    yield
    del sys.modules[module.__name__]


@pytest.mark.usefixtures("catalogue")
def test_messages_are_filled_in_in_both_languages() -> None:
    hint = Hint("sample.port", port=80)
    assert render(hint, "en") == "Port 80 is taken."
    assert render(hint, "ko") == "포트 80은(는) 사용 중입니다."


@pytest.mark.usefixtures("catalogue")
def test_missing_value_keeps_its_placeholder() -> None:
    assert text("sample.port", "en") == "Port {port} is taken."


@pytest.mark.parametrize("key", ["sample.other", "nowhere.thing", "../x.y", ""])
def test_unknown_key_is_its_own_text(key: str) -> None:
    assert text(key, "en") == key


def test_every_catalogue_entry_has_the_same_placeholders_in_both_languages() -> None:
    from string import Formatter

    def fields(template: str) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(template) if name}

    folder = Path(budu.__file__).parent / "base" / "texts"
    for path in sorted(folder.glob("[a-z]*.py")):
        scope: dict[str, dict[str, tuple[str, str]]] = {}
        exec(compile(path.read_text(), path, "exec"), scope)
        for key, (english, korean) in scope["TEXTS"].items():
            assert key.startswith(path.stem + "."), key
            assert fields(english) == fields(korean), key


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:], root.level = before


def test_log_lines_are_pairs(log: io.StringIO) -> None:
    set_up_logging(parse_level("info"), stream=log)
    logging.getLogger("budu.test").debug("unseen")
    logging.getLogger("budu.test").info('a "b"\nc', extra={"id": "x1", "empty": ""})
    line = log.getvalue()
    assert line.count("\n") == 1
    assert ' level=info msg="a \\"b\\"\\nc" logger=budu.test id=x1 empty=""' in line


def test_log_lines_are_json(log: io.StringIO) -> None:
    set_up_logging(parse_level("DEBUG"), as_json=True, stream=log)
    try:
        raise ValueError("boom")
    except ValueError:
        logging.getLogger("budu.test").exception("failed", extra={"path": Path("/x")})
    record = json.loads(log.getvalue())
    assert record["level"] == "error"
    assert record["path"] == "/x"
    assert "ValueError: boom" in record["error"]


def test_unknown_level_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="invalid logging level: loud"):
        parse_level("loud")


FORBIDDEN = (
    "asyncio logging re json argparse typing enum dataclasses collections functools subprocess "
    "socket contextlib pathlib inspect datetime msgspec"
)


@pytest.mark.parametrize(
    "module",
    [
        "budu.base.ids",
        "budu.base.units",
        "budu.base.clock",
        "budu.base.messages",
        "budu.base.suggest",
        "budu.base.files",
        "budu.spec.stream",
        "budu.linux.seccomp",
    ],
)
def test_light_modules_import_nothing_heavy(module: str) -> None:
    source = str(Path(budu.__file__).parent.parent)
    program = (
        f"import sys; sys.path.insert(0, {source!r}); import {module}; print(*sorted(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True
    )
    assert not set(result.stdout.split()) & set(FORBIDDEN.split())

"""Sealed texts, and the file of their key."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budu.base.errors import DataLoss, InvalidArgument
from budu.hub.sealing import KeyFile, Purpose, Seal

KEY = bytes(range(32))


@given(st.text())
def test_what_is_sealed_can_be_opened(text: str) -> None:
    seal = Seal(KEY)
    sealed = seal.seal(text, Purpose.WEBHOOK)
    assert seal.open(sealed, Purpose.WEBHOOK) == text
    assert not text or (sealed.startswith("v1:") and sealed != seal.seal(text, Purpose.WEBHOOK))


@pytest.mark.parametrize("spoil", [str.upper, lambda text: text[:-8], lambda _: "plain"])
def test_what_was_touched_is_refused(spoil: object) -> None:
    seal = Seal(KEY)
    assert callable(spoil)
    with pytest.raises(DataLoss):
        seal.open(spoil(seal.seal("secret", Purpose.WEBHOOK)), Purpose.WEBHOOK)


def test_a_sealed_text_stands_in_no_other_place() -> None:
    seal = Seal(KEY)
    with pytest.raises(DataLoss):
        seal.open(seal.seal("secret", Purpose.WEBHOOK), Purpose.UPSTREAM)


def test_another_key_opens_nothing() -> None:
    sealed = Seal(KEY).seal("secret", Purpose.WEBHOOK)
    with pytest.raises(DataLoss):
        Seal(KEY[::-1]).open(sealed, Purpose.WEBHOOK)


def test_a_key_file_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    first = KeyFile(path, may_make=True)
    second = KeyFile(path, may_make=True)
    assert first.seal.mark == second.seal.mark
    second.unmake()
    assert path.stat().st_mode & 0o777 == 0o600
    first.unmake()
    assert not path.exists()


@pytest.mark.parametrize("text", [None, "", "abc", "0" * 63, "z" * 64, "0" * 66])
def test_a_file_without_a_key_is_told(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "secret.key"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InvalidArgument, match=r"secret\.key"):
        KeyFile(path, may_make=False)

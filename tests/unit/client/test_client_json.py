"""The light JSON against the standard library's."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budu.base.errors import DataLoss
from budu.client.json import dumps, loads

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(DOCUMENTS)
def test_what_is_written_is_read_back_by_both(document: object) -> None:
    assert json.loads(dumps(document)) == document
    assert loads(json.dumps(document)) == document


def test_output_is_compact_utf8() -> None:
    assert dumps({"a": [1, None], "이름": "웹"}) == '{"a":[1,null],"이름":"웹"}'.encode()


def test_blanks_around_a_document_are_allowed() -> None:
    assert loads(b' \n{"a": 1}\r\n') == {"a": 1}


@pytest.mark.parametrize("text", [b"", b"  ", b"{", b"[1,]", b"{} x", b"nope", b"\xff"])
def test_broken_documents_are_refused(text: bytes) -> None:
    with pytest.raises(DataLoss):
        loads(text)


def test_values_without_a_form_are_refused() -> None:
    with pytest.raises(TypeError):
        dumps({"a": object()})

"""Near words: what is left out early is what is far."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from budu.base.suggest import distance, near_words, nearest

WORD = st.text(alphabet="abcdeXY-1", max_size=9)


@given(WORD, st.lists(WORD, max_size=12, unique=True))
def test_every_near_word_is_found(word: str, candidates: list[str]) -> None:
    allowed = 1 + len(word) // 4
    near = {
        each
        for each in candidates
        if (len(word) >= 3 and each.startswith(word))
        or distance(word.lower(), each.lower()) <= min(allowed, max(len(word), len(each)) - 1)
    }
    assert set(near_words(word, candidates, limit=len(candidates))) == near


def test_the_nearest_comes_first() -> None:
    assert nearest("httpdd", ["http", "httpd", "nginx"]) == "httpd"
    assert nearest("qzxjkv", ["http", "httpd", "nginx"]) is None

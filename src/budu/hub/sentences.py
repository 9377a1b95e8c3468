"""Sentences of the hub that are said in the reader's language at the edge.

An error's message is a `Sentence`: an English text for logs and the registry's clients that
remembers which entry of `base/texts/hub.py` it came from.
"""

from __future__ import annotations

from budu.base import messages


class Sentence(str):
    """A message of the catalogue, in English; `in_language` gives it in another one."""

    key: str
    values: dict[str, object]

    def __new__(cls, key: str, /, **values: object) -> Sentence:
        sentence = super().__new__(cls, messages.text(key, "en", **values))
        sentence.key = key
        sentence.values = values
        return sentence

    def in_language(self, language: str) -> str:
        """The same sentence in `en` or `ko`."""
        return messages.text(self.key, language, **self.values)

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


def language_of(accepted: str) -> str:
    """The language that an `Accept-Language` header prefers among those of the catalogue.

    Ranges are compared by their first word: `ko-KR` is Korean. Source: RFC 9110, section 12.5.4.
    """
    best, best_weight = messages.LANGUAGES[0], 0.0
    for entry in accepted.split(","):
        tag, _, parameter = entry.strip().partition(";")
        language, weight = tag.partition("-")[0].lower(), _weight(parameter)
        if language in messages.LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0

"""Looks up and fills in messages for people, in English and Korean. Light.

A key is `package.thing`; its text stands in `base/texts/<package>.py`, which is loaded when it is
first asked for. Docker's own sentences are not here: clients parse them, so they stay as they are.
"""

from __future__ import annotations

from budu.base.environment import environment
from budu.base.errors import Hint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES = ("en", "ko")
"""Languages of the catalogue, in the order of each entry's texts."""


class _Values(dict[str, object]):
    """A placeholder without a value stays as it is: a message must not fail."""

    def __missing__(self, name: str) -> str:
        return "{" + name + "}"


def language_of(environ: Mapping[str, str] | None = None) -> str:
    """The language that LC_ALL, LC_MESSAGES or LANG asks for, the first that is set."""
    env = environment() if environ is None else environ
    wanted = env.get("LC_ALL") or env.get("LC_MESSAGES") or env.get("LANG") or ""
    return "ko" if wanted[:2].lower() == "ko" and not wanted[2:3].isalpha() else "en"


def accepted_language(header: str) -> str:
    """The language of the catalogue that an `Accept-Language` header prefers.

    Ranges are compared by their first word: `ko-KR` is Korean. Source: RFC 9110, section 12.5.4.
    """
    best, best_weight = LANGUAGES[0], 0.0
    for entry in header.split(","):
        tag, _, parameter = entry.strip().partition(";")
        language, weight = tag.partition("-")[0].lower(), _weight(parameter)
        if language in LANGUAGES and weight > best_weight:
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


def text(key: str, lang: str, **values: object) -> str:
    """The message of `key` with its placeholders filled in; the key itself when there is none."""
    entry = _table(key.partition(".")[0]).get(key)
    if entry is None:
        return key
    return entry[lang == "ko"].format_map(_Values(values))


def render(hint: Hint, lang: str) -> str:
    """The text of a hint."""
    return text(hint.key, lang, **hint.values)


def _table(package: str) -> dict[str, tuple[str, str]]:
    if not package.isidentifier():
        return {}
    name = f"budu.base.texts.{package}"
    try:
        module = __import__(name, None, None, ("TEXTS",))
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return {}
    table: dict[str, tuple[str, str]] = module.TEXTS
    return table

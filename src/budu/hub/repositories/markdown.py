"""Overview texts: Markdown to HTML that can't do anything.

HTML in Markdown is text here; what remains is cleaned once more by an allow-list. Links open no
door back to the page (`rel`), images come from https alone. Source: CommonMark; GitHub's tables.
"""

from __future__ import annotations

from functools import lru_cache

import nh3
from markdown_it import MarkdownIt

_WORDS = """
a blockquote br code del em h1 h2 h3 h4 h5 h6 hr img li ol p pre s strong table tbody td th thead tr
ul
"""
_TAGS = set(_WORDS.split())
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "code": {"class"},
    "ol": {"start"},
    "td": {"align"},
    "th": {"align"},
}
_LANGUAGE = "language-"
MOST = 200_000
"""Letters of a text."""


@lru_cache(maxsize=256)
def to_html(text: str) -> str:
    """A text's HTML; safe to put into a page. The latest ones are remembered."""
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")
    parser.enable("strikethrough")
    return nh3.clean(
        parser.render(text[:MOST]),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_filtered,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


def _filtered(tag: str, attribute: str, value: str) -> str | None:
    """An attribute's value, or None to leave it out."""
    if tag == "img" and attribute == "src":
        return value if value.startswith("https://") else None
    if tag == "code" and attribute == "class":
        word = value.removeprefix(_LANGUAGE)
        return value if value.startswith(_LANGUAGE) and word.isalnum() else None
    return value

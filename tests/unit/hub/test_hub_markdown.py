"""Overview texts can't do anything."""

from __future__ import annotations

import re

import pytest

from budu.hub.repositories.markdown import to_html

ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](javascript:alert(1))",
    "![x](http://elsewhere/tracker.gif)",
    '![x](https://e.org/a.png" onerror="alert(1))',
    '[x](https://e.org "t" onclick="alert(1)")',
    "<a href='javascript:alert(1)'>x</a>",
    "```html onmouseover=alert(1)\n<script>\n```",
    '```a"><script>alert(1)</script>\nx\n```',
    "<svg/onload=alert(1)>",
    "<iframe src=//e.org></iframe>",
    "| a |\n|---|\n| <style>*{}</style> |",
    "[x]: javascript:alert(1)\n[x]",
    "<!-- --><x onclick=1>",
    "[a](<javascript:alert(1)>)",
    "\0<scr\0ipt>alert(1)</script>",
)


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_runs(text: str) -> None:
    html = to_html(text)
    tags = re.findall(r"<[^>]*>", html)
    assert not [tag for tag in tags if re.search(r"<(script|svg|iframe|style|x)", tag, re.I)]
    assert not [tag for tag in tags if re.search(r"\son\w+\s*=", tag, re.I)]
    assert not [
        tag for tag in tags if re.search(r"(href|src)=\"?(javascript|data|http:)", tag, re.I)
    ]


def test_what_texts_need_remains() -> None:
    html = to_html(
        "# Apache\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n```sh\ndocker pull httpd\n```\n"
        "[site](https://httpd.apache.org) ![logo](https://e.org/a.png) ~~old~~ *웹*"
    )
    assert "<h1>Apache</h1>" in html
    assert "<td>1</td>" in html
    assert '<code class="language-sh">docker pull httpd' in html
    assert 'rel="noopener noreferrer nofollow"' in html
    assert '<img src="https://e.org/a.png" alt="logo">' in html
    assert "<s>old</s> <em>웹</em>" in html

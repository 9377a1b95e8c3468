"""What a caller may want to be told although its call went well.

An answer without a body carries it in the header `Budu-Notice`: percent-encoded UTF-8, in the
caller's language. Docker's clients pass it over, ours shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from budu.api.errors import language_of
from budu.api.http.request import Request
from budu.base.errors import Hint
from budu.base.messages import render

HEADER = "Budu-Notice"


def notice_headers(request: Request, notice: Hint | None) -> Mapping[str, str]:
    """The header that tells a notice; none when there is nothing to tell."""
    return {HEADER: quote(render(notice, language_of(request)))} if notice is not None else {}

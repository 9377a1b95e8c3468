"""Hints of `content`."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "content.digest-mismatch": (
        "The registry sent other bytes than it announced: {expected} was expected, {found} came. "
        "Nothing of it was kept; try again, and if it stays so the image must be pushed again.",
        "레지스트리가 알린 것과 다른 데이터를 보냈습니다. {expected}이어야 하는데 {found}이(가) "
        "왔습니다. 받은 것은 버렸으니 다시 시도하고, 계속되면 이미지를 다시 푸시해야 합니다.",
    ),
}

"""Hints of the HTTP edge, in English and Korean."""

TEXTS: dict[str, tuple[str, str]] = {
    "api.unserved": (
        "The request was understood and nothing was changed; only this operation is missing here.",
        "요청은 이해했고 바뀐 것은 없습니다. 이 기능만 아직 여기에 없습니다.",
    ),
}

"""Hints of the HTTP edge, in English and Korean."""

TEXTS: dict[str, tuple[str, str]] = {
    "api.unserved": (
        "This engine understands the request, but cannot do that. What it serves:"
        " docs/reference/api.md.",
        "이 엔진은 요청을 이해하지만 아직 그 일을 하지 못합니다. 할 수 있는 일: docs/reference/api.md.",
    ),
}

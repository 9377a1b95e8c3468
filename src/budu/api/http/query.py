"""The query of a request, parsed when first asked for, read by Docker's rules."""

from __future__ import annotations

from urllib.parse import parse_qsl

from budu.base.errors import InvalidArgument

_FALSE_WORDS = frozenset(("", "0", "no", "false", "none"))


class Query:
    """Parameters behind the `?`. The first of a repeated parameter counts, as in Go."""

    __slots__ = ("_parsed", "raw")

    def __init__(self, raw: str) -> None:
        self.raw = raw
        """The query as sent."""
        self._parsed: dict[str, list[str]] | None = None

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, default: str = "") -> str:
        """The parameter's text."""
        values = self._values.get(name)
        return values[0] if values else default

    def all(self, name: str) -> list[str]:
        """Every value of a repeatable parameter."""
        return self._values.get(name, [])

    def flag(self, name: str, *, default: bool = False) -> bool:
        """False for nothing, `0`, `no`, `false` and `none` in any case; True for all else.

        Source: moby, httputils.BoolValue.
        """
        if name not in self:
            return default
        return self.text(name).strip().lower() not in _FALSE_WORDS

    def integer(self, name: str) -> int | None:
        """The parameter as a decimal number; None when absent or empty.

        Raises: InvalidArgument, in Go's words, for anything but a 64-bit number.
        """
        text = self.text(name)
        if not text:
            return None
        digits = text[1:] if text[0] in "+-" else text
        if not (digits.isascii() and digits.isdigit()):
            raise InvalidArgument(f'strconv.Atoi: parsing "{text[:100]}": invalid syntax')
        if len(digits) > 19 or abs(int(text)) >= 1 << 63:
            raise InvalidArgument(f'strconv.Atoi: parsing "{text[:100]}": value out of range')
        return int(text)

    @property
    def _values(self) -> dict[str, list[str]]:
        if self._parsed is None:
            self._parsed = {}
            for name, value in parse_qsl(self.raw, keep_blank_values=True, errors="replace"):
                self._parsed.setdefault(name, []).append(value)
        return self._parsed

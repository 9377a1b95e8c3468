"""Patterns of the shell in substitutions: `${v#p}`, `${v%p}`, `${v/p/r}`. Pure.

`*` stands for any run of characters of one line, `?` for one; there are no brackets. A pattern is
followed with all its possibilities at once, so that no text makes it slow.
Source: Dockerfile reference, "Environment replacement"; buildkit 0.23 shell/lex.go (patterns).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from budu.base.errors import InvalidArgument

_ANY = "?"
_RUN = "*"
_Token = tuple[str, bool]  # A character, and whether it stands for itself.


def strip_prefix(value: str, pattern: str, *, longest: bool) -> str:
    """The value without the beginning that the pattern fits, the shortest or the longest."""
    end = _end(_Automaton(_tokens(pattern)), value, 0, longest=longest)
    return value if end is None else value[end:]


def strip_suffix(value: str, pattern: str, *, longest: bool) -> str:
    """The value without the end that the pattern fits, the shortest or the longest."""
    backwards = _Automaton(_tokens(pattern)[::-1])
    end = _end(backwards, value[::-1], 0, longest=longest)
    return value if end is None else value[: len(value) - end]


def replace(value: str, pattern: str, replacement: str, *, every: bool, limit: int) -> str:
    """The value with the replacement for the first place that the pattern fits, or for every one.

    The longest fit counts. Raises: InvalidArgument for a pattern that is none, and when the result
    would be longer than `limit`.
    """
    done: list[str] = []
    last = size = 0
    for start, end in _places(value, _tokens(pattern)):
        done += (value[last:start], replacement)
        size += start - last + len(replacement)
        if size > limit:
            raise InvalidArgument(f"the substitution is longer than {limit} characters")
        last = end
        if not every:
            break
    return "".join(done) + value[last:]


def _tokens(pattern: str) -> list[_Token]:
    """Raises: InvalidArgument for an escape of a character that needs none."""
    tokens: list[_Token] = []
    letters = iter(pattern)
    for letter in letters:
        if letter != "\\":
            if (letter, False) == (_RUN, False) and tokens[-1:] == [(_RUN, False)]:
                continue
            tokens.append((letter, letter not in (_ANY, _RUN)))
            continue
        escaped = next(letters, "\ufffd")
        if escaped not in "}/*?\\":
            raise InvalidArgument(
                f"invalid pattern ({pattern}) in substitution: invalid escape '\\{escaped}'"
            )
        tokens.append((escaped, True))
    return tokens


class _Automaton:
    """Follows a pattern; a state is a set of bits, one for every token reached."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._runs = self._wild = 0
        self._letters: dict[str, int] = {}
        for index, (letter, is_itself) in enumerate(tokens):
            bit = 1 << index
            if is_itself:
                self._letters[letter] = self._letters.get(letter, 0) | bit
            elif letter == _RUN:
                self._runs |= bit
            else:
                self._wild |= bit
        self._end = 1 << len(tokens)
        self.start = self._settled(1)

    def step(self, state: int, letter: str) -> int:
        fits = self._letters.get(letter, 0)
        if letter == "\n":
            return self._settled((state & fits) << 1)
        return self._settled(((state & (fits | self._wild)) << 1) | (state & self._runs))

    def is_end(self, state: int) -> bool:
        return bool(state & self._end)

    def _settled(self, state: int) -> int:
        # Runs are never neighbours, so that one step over them is enough.
        return state | ((state & self._runs) << 1)


def _end(automaton: _Automaton, value: str, start: int, *, longest: bool) -> int | None:
    """Where a fit that begins at `start` ends."""
    state, found = automaton.start, None
    for at in range(start, len(value) + 1):
        if automaton.is_end(state):
            found = at
            if not longest:
                return found
        if not state or at == len(value):
            break
        state = automaton.step(state, value[at])
    return found


def _places(value: str, tokens: list[_Token]) -> Iterator[tuple[int, int]]:
    """Beginnings and ends of the fits, from the left; none overlaps another, and an empty one does
    not touch the one before. Source: Go, regexp.ReplaceAllString."""
    automaton, begins = _Automaton(tokens), _beginnings(value, tokens)
    at = last = 0
    while at <= len(value):
        if not begins[at]:
            at += 1
            continue
        end = _end(automaton, value, at, longest=True)
        assert end is not None
        if end > last or at == 0:
            yield at, end
            last = end
        at = max(end, at + 1)


def _beginnings(value: str, tokens: list[_Token]) -> list[bool]:
    """For every place of the value, whether a fit begins there."""
    backwards = _Automaton(tokens[::-1])
    begins = [False] * (len(value) + 1)
    state = backwards.start
    for at in range(len(value), -1, -1):
        begins[at] = backwards.is_end(state)
        if at:
            state = backwards.step(state, value[at - 1]) | backwards.start
    return begins

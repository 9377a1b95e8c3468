"""Near words for mistyped ones. Light.

The distance is the number of letters inserted, left out, exchanged or swapped with their
neighbour (optimal string alignment).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def distance(left: str, right: str) -> int:
    """How many single edits lead from one word to the other."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, letter in enumerate(left, 1):
        before, last, row = row, before, [i]
        for j, other in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == right[j - 2] and left[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


def near_words(word: str, candidates: Iterable[str], *, limit: int = 3) -> list[str]:
    """The candidates that `word` may have meant, nearest first; empty when none is near.

    Near is one edit, one more for every four letters, or a beginning of three letters or more.
    """
    allowed = 1 + len(word) // 4
    lowered = word.lower()
    letters = set(lowered)
    ranked = []
    for candidate in candidates:
        is_beginning = len(word) >= 3 and candidate.startswith(word)
        other = candidate.lower()
        # Each letter too many, and each that the other has not, takes an edit: most are far so.
        missing = max(abs(len(lowered) - len(other)), len(letters.difference(other)))
        is_far = missing > allowed
        if is_far and not is_beginning:
            continue
        edits = distance(lowered, other)
        if is_beginning:
            ranked.append((min(edits, 1), candidate))
        elif edits <= allowed and edits < max(len(word), len(candidate)):
            ranked.append((edits, candidate))
    return [candidate for _, candidate in sorted(ranked)[:limit]]


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` most likely meant."""
    found = near_words(word, candidates, limit=1)
    return found[0] if found else None

"""Detach keys: the sequence that takes a client off a terminal and leaves the container running.

Source: docker attach reference, "Override the detach sequence"; moby `term.ToBytes`.
"""

from __future__ import annotations

from budu.base.errors import InvalidArgument

DEFAULT = "ctrl-p,ctrl-q"


def parse_detach_keys(text: str | None, *, called: str = "detach keys") -> DetachKeys:
    """Read `ctrl-p,ctrl-q` or `a,b`. None is the default, empty means none. `called` is Docker's
    word for them, which execs have another one for.

    Raises: InvalidArgument for an unknown key.
    """
    words = DEFAULT if text is None else text
    if not words:
        return DetachKeys(b"")
    keys = [_key(word) for word in words.split(",")]
    if None in keys:
        raise InvalidArgument(f"Invalid {called} ({words}) provided")
    return DetachKeys(bytes(key for key in keys if key is not None))


def _key(word: str) -> int | None:
    if len(word) == 1 and word.isascii():
        return ord(word)
    if word == "DEL":
        return 0x7F
    name = word.removeprefix("ctrl-")
    if name != word and len(name) == 1 and ("a" <= name.lower() <= "z" or name in "@[\\]^_"):
        return ord(name.upper()) & 0x1F
    return None


class DetachKeys:
    """Watches one client's input for the sequence."""

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._seen = 0

    @property
    def keys(self) -> bytes:
        """The sequence as the terminal sends it; empty when there is none."""
        return self._keys

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """The bytes to pass on, and whether the sequence is complete.

        Keys of a beginning sequence are held back until it is clear that it is none.
        """
        if not self._keys:
            return data, False
        out = bytearray()
        for byte in data:
            held = self._keys[: self._seen] + bytes((byte,))
            while not self._keys.startswith(held):
                out.append(held[0])
                held = held[1:]
            self._seen = len(held)
            if self._seen == len(self._keys):
                self._seen = 0
                return bytes(out), True
        return bytes(out), False

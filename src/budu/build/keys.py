"""Names of steps in the cache: what went in decides, nothing else. Pure.

A step's name is a hash of the name of the step below, of the instruction with its variables
replaced, and of the content of the files that it reads. Neither times nor ids of images made here
are in it, so that the same files make the same names on every machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from budu.build.dockerfile.model import Instruction

_VERSION = "1"
"""Changes when steps are made differently than before: older ones are no use then."""


def base_key(image_id: str, platform: str) -> str:
    """The name of what FROM stands on; `image_id` is empty for `scratch`."""
    return _hash("from", image_id, platform)


def step_key(below: str, instruction: Instruction, *, reads: Iterable[str] = ()) -> str:
    """The name of a step. `reads` is whatever else it depends on, in an order of its own."""
    return _hash(below, type(instruction).__name__, _text(instruction), *reads)


def _text(instruction: Instruction) -> str:
    """The instruction without where it stands."""
    return msgspec.json.encode(msgspec.structs.replace(instruction, line=0, source="")).decode()


def _hash(*parts: str) -> str:
    hasher = hashlib.sha256(_VERSION.encode())
    for part in parts:
        data = part.encode("utf-8", "surrogateescape")
        hasher.update(f"\n{len(data)}:".encode())
        hasher.update(data)
    return hasher.hexdigest()

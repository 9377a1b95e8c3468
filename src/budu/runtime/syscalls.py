"""System call numbers by architecture, from `data/syscalls.json`.

Architectures are the kernel's ABIs: x86_64, x86, x32, aarch64, arm. Numbers of x32 are without the
bit that marks them. From 424 on a call has the same number everywhere.
Source: <asm/unistd_64.h>, <asm/unistd_32.h>, <asm/unistd_x32.h>, <asm-generic/unistd.h>.
"""

from __future__ import annotations

import functools
from importlib import resources

import msgspec


@functools.cache
def syscall_numbers(abi: str) -> dict[str, int]:
    """Names to numbers; empty for an ABI that is not in the tables."""
    text = resources.files("budu.runtime").joinpath("data/syscalls.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, dict[str, int]]).get(abi, {})

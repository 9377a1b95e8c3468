"""An interpreter of classic BPF and a literal reading of profiles, both made for the tests only."""

from __future__ import annotations

import json
import struct
from typing import Any

X86_64, I386, AARCH64, ARM = 0xC000003E, 0x40000003, 0xC00000B7, 0x40000028
ALLOW, KILL = 0x7FFF0000, 0
GO_ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}


def errno_value(number: int) -> int:
    """SECCOMP_RET_ERRNO with an error number."""
    return 0x00050000 | number


def run_filter(program: bytes, number: int, arch: int, args: tuple[int, ...] = ()) -> int:
    """What the kernel would get from the filter for this system call."""
    data = struct.pack("<IIQ6Q", number, arch, 0, *(args + (0,) * 6)[:6])
    code = list(struct.iter_unpack("<HBBI", program))
    accumulator = position = 0
    while True:
        operation, on_true, on_false, k = code[position]
        position += 1
        match operation:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, k)
            case 0x54:
                accumulator &= k
            case 0x05:
                position += k
            case 0x15:
                position += on_true if accumulator == k else on_false
            case 0x25:
                position += on_true if accumulator > k else on_false
            case 0x35:
                position += on_true if accumulator >= k else on_false
            case 0x06:
                return int(k)
            case _:
                raise AssertionError(f"unexpected operation {operation:#x}")


def holds(condition: dict[str, Any], args: tuple[int, ...]) -> bool:
    """Whether a profile's condition holds for the arguments."""
    got, value = args[condition["index"]], condition["value"]
    outcomes: dict[str, bool] = {
        "SCMP_CMP_EQ": got == value,
        "SCMP_CMP_NE": got != value,
        "SCMP_CMP_LT": got < value,
        "SCMP_CMP_LE": got <= value,
        "SCMP_CMP_GT": got > value,
        "SCMP_CMP_GE": got >= value,
        "SCMP_CMP_MASKED_EQ": got & value == condition.get("valueTwo", 0),
    }
    return outcomes[condition["op"]]


class Reading:
    """Docker's meaning of a profile, read rule by rule for one system call at a time."""

    def __init__(self, profile: bytes, *, capabilities: frozenset[str], machine: str) -> None:
        document = json.loads(profile)
        self.default = errno_value(document["defaultErrnoRet"])
        self.rules = [
            rule
            for rule in document["syscalls"]
            if self._included(rule.get("includes") or {}, capabilities, machine)
            and not self._excluded(rule.get("excludes") or {}, capabilities, machine)
        ]
        self.names = {name for rule in self.rules for name in rule["names"]}

    def _included(self, wanted: dict[str, Any], capabilities: frozenset[str], machine: str) -> bool:
        caps, arches = wanted.get("caps"), wanted.get("arches")
        return (not caps or set(caps) <= capabilities) and (
            not arches or GO_ARCHITECTURE[machine] in arches
        )

    def _excluded(self, banned: dict[str, Any], capabilities: frozenset[str], machine: str) -> bool:
        return bool(set(banned.get("caps", [])) & capabilities) or GO_ARCHITECTURE[
            machine
        ] in banned.get("arches", [])

    def verdict(self, names: set[str], args: tuple[int, ...]) -> int:
        """The return value for a call known under these names."""
        for rule in self.rules:
            conditions = rule.get("args") or []
            if names & set(rule["names"]) and all(holds(one, args) for one in conditions):
                return self._value(rule)
        return self.default

    def _value(self, rule: dict[str, Any]) -> int:
        if rule["action"] == "SCMP_ACT_ALLOW":
            return ALLOW
        assert rule["action"] == "SCMP_ACT_ERRNO"
        return errno_value(rule.get("errnoRet", 1))

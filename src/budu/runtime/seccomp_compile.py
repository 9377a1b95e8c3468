"""Compiles an OCI seccomp section into a classic BPF program.

The program compares the architecture, then searches the number in a binary tree over ranges of
numbers that are treated alike; rules on arguments hang as small programs on their number. That is
a third of the instructions that libseccomp's list needs, and an eighth of its attach time.

Rules have libseccomp's and runc's meaning: those that only repeat the default are void; one
without conditions beats those with; of the others the first that holds counts; two conditions on
the same argument of a rule are alternatives. Names that an architecture does not have are passed
over. A number beyond all that the rules name gives ENOSYS, so that programs fall back from system
calls that are newer than the profile; an architecture that is not named is killed.

Source: OCI runtime-spec 1.2, config-linux.md "Seccomp"; runc, libcontainer/seccomp (matchCall,
patchbpf); libseccomp 2.5.
"""

from __future__ import annotations

import errno
from typing import NamedTuple

from budu.base.errors import InvalidArgument, NotImplementedHere
from budu.linux.seccomp import (
    AUDIT_ARCH_AARCH64,
    AUDIT_ARCH_ARM,
    AUDIT_ARCH_I386,
    AUDIT_ARCH_X86_64,
    BPF_AND_K,
    BPF_JA,
    BPF_JEQ_K,
    BPF_JGE_K,
    BPF_JGT_K,
    BPF_LD_W_ABS,
    BPF_MAXINSNS,
    BPF_RET_K,
    OFFSET_ARCH,
    OFFSET_ARGS,
    OFFSET_NUMBER,
    SECCOMP_RET_ALLOW,
    SECCOMP_RET_DATA,
    SECCOMP_RET_ERRNO,
    SECCOMP_RET_KILL_PROCESS,
    SECCOMP_RET_KILL_THREAD,
    SECCOMP_RET_LOG,
    SECCOMP_RET_TRACE,
    SECCOMP_RET_TRAP,
    X32_SYSCALL_BIT,
    pack_filter,
)
from budu.runtime.syscalls import syscall_numbers
from budu.spec.oci_runtime import Seccomp, Syscall, SyscallArg

Code = list[tuple[int, int, int, int]]


class Architecture(NamedTuple):
    """An ABI that a filter may name: its audit number, its table, the bit that marks its calls."""

    audit: int
    abi: str
    marker: int = 0


ARCHITECTURES = {
    "SCMP_ARCH_X86_64": Architecture(AUDIT_ARCH_X86_64, "x86_64"),
    "SCMP_ARCH_X32": Architecture(AUDIT_ARCH_X86_64, "x32", X32_SYSCALL_BIT),
    "SCMP_ARCH_X86": Architecture(AUDIT_ARCH_I386, "x86"),
    "SCMP_ARCH_AARCH64": Architecture(AUDIT_ARCH_AARCH64, "aarch64"),
    "SCMP_ARCH_ARM": Architecture(AUDIT_ARCH_ARM, "arm"),
}
"""The architectures that can be compiled for, by their names in profiles."""

_PLAIN_ACTIONS = {
    "SCMP_ACT_ALLOW": SECCOMP_RET_ALLOW,
    "SCMP_ACT_KILL": SECCOMP_RET_KILL_THREAD,
    "SCMP_ACT_KILL_THREAD": SECCOMP_RET_KILL_THREAD,
    "SCMP_ACT_KILL_PROCESS": SECCOMP_RET_KILL_PROCESS,
    "SCMP_ACT_LOG": SECCOMP_RET_LOG,
    "SCMP_ACT_TRAP": SECCOMP_RET_TRAP,
}
_ERRNO_ACTIONS = {"SCMP_ACT_ERRNO": SECCOMP_RET_ERRNO, "SCMP_ACT_TRACE": SECCOMP_RET_TRACE}
_NO_SUCH_CALL = SECCOMP_RET_ERRNO | errno.ENOSYS
_PRIVATE_NUMBERS = 0xF0000  # ARM's own calls lie far above all others
_WORD = 0xFFFFFFFF
_REACH = 0xFF  # of a conditional jump, in instructions


class _Rule(NamedTuple):
    """Conditions that must all hold, and the return value then."""

    conditions: tuple[SyscallArg, ...]
    action: int


Verdict = int | tuple[_Rule, ...]
"""What a number gets: a return value, or rules to try before the default."""


def compile_seccomp(seccomp: Seccomp) -> bytes:
    """The program as an array of struct sock_filter.

    Raises: InvalidArgument for unknown actions, operators and architectures;
    NotImplementedHere for SCMP_ACT_NOTIFY.
    """
    default = return_value(seccomp.default_action, seccomp.default_errno_ret)
    code: Code = [(BPF_LD_W_ABS, 0, 0, OFFSET_ARCH)]
    for audit, group in _by_audit(seccomp.architectures).items():
        body = _compile_numbers(seccomp, group, default)
        code += [(BPF_JEQ_K, 1, 0, audit), (BPF_JA, 0, 0, len(body)), *body]
    code.append((BPF_RET_K, 0, 0, SECCOMP_RET_KILL_THREAD))
    if len(code) > BPF_MAXINSNS:
        raise InvalidArgument(f"seccomp profile is too large: {len(code)} instructions")
    return pack_filter(code)


def return_value(action: str, errno_ret: int | None) -> int:
    """The filter's return value for an action; `errno_ret` is EPERM when None.

    Raises: InvalidArgument when unknown; NotImplementedHere for SCMP_ACT_NOTIFY.
    """
    if action in _PLAIN_ACTIONS:
        return _PLAIN_ACTIONS[action]
    if action in _ERRNO_ACTIONS:
        data = errno.EPERM if errno_ret is None else errno_ret
        return _ERRNO_ACTIONS[action] | (data & SECCOMP_RET_DATA)
    if action == "SCMP_ACT_NOTIFY":
        raise NotImplementedHere("seccomp action SCMP_ACT_NOTIFY is not supported")
    raise InvalidArgument(f"string {action} is not a valid action for seccomp")


def _by_audit(names: tuple[str, ...]) -> dict[int, list[Architecture]]:
    """Architectures that share an audit number stand together."""
    groups: dict[int, list[Architecture]] = {}
    for name in names:
        if name not in ARCHITECTURES:
            raise InvalidArgument(f"string {name} is not a valid arch for seccomp")
        architecture = ARCHITECTURES[name]
        groups.setdefault(architecture.audit, []).append(architecture)
    return groups


def _compile_numbers(seccomp: Seccomp, group: list[Architecture], default: int) -> Code:
    """The part of one audit architecture; every path in it returns."""
    segments: list[tuple[int, Verdict]] = []
    for architecture in sorted(group, key=lambda item: item.marker):
        verdicts, beyond = _verdicts(seccomp, architecture.abi, default)
        segments += _segments(verdicts, beyond, architecture.marker, default)
        if architecture.audit == AUDIT_ARCH_X86_64 and not architecture.marker:
            # Calls of x32 under a profile that does not name it, as libseccomp has it.
            segments.append((X32_SYSCALL_BIT, SECCOMP_RET_KILL_THREAD))
    merged = _merge(sorted(dict(segments).items(), key=lambda item: item[0]))
    return [(BPF_LD_W_ABS, 0, 0, OFFSET_NUMBER), *_tree(merged, default)]


def _verdicts(seccomp: Seccomp, abi: str, default: int) -> tuple[dict[int, Verdict], int]:
    """What each named number gets, and the first number beyond all named ones."""
    table = syscall_numbers(abi)
    verdicts: dict[int, Verdict] = {}
    beyond = 0
    for call in seccomp.syscalls:
        action = return_value(call.action, call.errno_ret)
        for number in (table[name] for name in call.names if name in table):
            if number < _PRIVATE_NUMBERS:
                beyond = max(beyond, number + 1)
            if action != default:
                verdicts[number] = _add_rule(verdicts.get(number, ()), call, action)
    return verdicts, beyond


def _add_rule(known: Verdict, call: Syscall, action: int) -> Verdict:
    if isinstance(known, int):
        return known
    if not call.args:
        return action
    indexes = [condition.index for condition in call.args]
    if len(set(indexes)) < len(indexes):
        return known + tuple(_Rule((condition,), action) for condition in call.args)
    return (*known, _Rule(call.args, action))


def _segments(
    verdicts: dict[int, Verdict], beyond: int, marker: int, default: int
) -> list[tuple[int, Verdict]]:
    """(first number, verdict) of the runs of one architecture, from its marker upwards."""
    last = beyond if beyond and _falls_back(default) else _WORD
    starts = {0, *verdicts, *(number + 1 for number in verdicts)}
    if last < _WORD:
        starts.add(last)
    return [
        (start | marker, verdicts.get(start, default if start < last else _NO_SUCH_CALL))
        for start in starts
    ]


def _falls_back(default: int) -> bool:
    """Whether unknown numbers should look like calls that the kernel does not have."""
    return default not in (SECCOMP_RET_ALLOW, SECCOMP_RET_LOG, _NO_SUCH_CALL) and (
        default & ~SECCOMP_RET_DATA != SECCOMP_RET_TRACE
    )


def _merge(segments: list[tuple[int, Verdict]]) -> list[tuple[int, Verdict]]:
    merged: list[tuple[int, Verdict]] = []
    for start, verdict in segments:
        if not merged or merged[-1][1] != verdict:
            merged.append((start, verdict))
    return merged


def _tree(segments: list[tuple[int, Verdict]], default: int) -> Code:
    """Binary search for the segment that the loaded number lies in."""
    block = _block(segments, default)
    if block is not None:
        return block
    middle = len(segments) // 2
    below = _tree(segments[:middle], default)
    above = _tree(segments[middle:], default)
    return [(BPF_JGE_K, 0, 1, segments[middle][0]), (BPF_JA, 0, 0, len(below)), *below, *above]


def _block(segments: list[tuple[int, Verdict]], default: int) -> Code | None:
    """A tree whose comparisons share one copy of each verdict, which stand behind them.

    None when a verdict would be further away than a conditional jump reaches.
    """
    if len(segments) == 1:
        return _leaf(segments[0][1], default)
    nodes = len(segments) - 1
    tail: Code = []
    places: dict[Verdict, int] = {}
    for _, verdict in segments:
        if verdict not in places:
            places[verdict] = nodes + len(tail)
            tail += _leaf(verdict, default)
    if max(places.values()) > _REACH:
        return None
    comparisons: Code = []
    _compare(segments, places, comparisons)
    return comparisons + tail


def _compare(segments: list[tuple[int, Verdict]], places: dict[Verdict, int], code: Code) -> None:
    """Appends the comparisons of a block: one, those of the lower half, those of the upper."""
    here = len(code)
    middle = len(segments) // 2
    below, above = segments[:middle], segments[middle:]
    code.append((0, 0, 0, 0))
    to_below = 0 if len(below) > 1 else places[below[0][1]] - here - 1
    if len(below) > 1:
        _compare(below, places, code)
    to_above = (len(code) if len(above) > 1 else places[above[0][1]]) - here - 1
    if len(above) > 1:
        _compare(above, places, code)
    code[here] = (BPF_JGE_K, to_above, to_below, above[0][0])


def _leaf(verdict: Verdict, default: int) -> Code:
    if isinstance(verdict, int):
        return [(BPF_RET_K, 0, 0, verdict)]
    code: Code = []
    for rule in verdict:
        code += _rule(rule)
    return [*code, (BPF_RET_K, 0, 0, default)]


def _rule(rule: _Rule) -> Code:
    """Returns when all conditions hold, else runs on behind its end."""
    code: Code = [(BPF_RET_K, 0, 0, rule.action)]
    for condition in reversed(rule.conditions):
        code = _condition(condition, len(code)) + code
    return code


def _condition(condition: SyscallArg, skip: int) -> Code:
    """Runs on when the condition holds, else jumps over `skip` instructions more.

    Arguments are 64 bits wide and are compared as two words, the high one first.
    """
    if not 0 <= condition.index <= 5:
        raise InvalidArgument(f"invalid seccomp argument index {condition.index}")
    low = OFFSET_ARGS + 8 * condition.index
    compare = _COMPARISONS.get(condition.op)
    if compare is None:
        raise InvalidArgument(f"string {condition.op} is not a valid operator for seccomp")
    return compare((BPF_LD_W_ABS, 0, 0, low), (BPF_LD_W_ABS, 0, 0, low + 4), condition, skip)


_Load = tuple[int, int, int, int]


def _halves(value: int) -> tuple[int, int]:
    return value >> 32 & _WORD, value & _WORD


def _equal(low: _Load, high: _Load, condition: SyscallArg, skip: int) -> Code:
    top, bottom = _halves(condition.value)
    return [high, (BPF_JEQ_K, 0, skip + 2, top), low, (BPF_JEQ_K, 0, skip, bottom)]


def _not_equal(low: _Load, high: _Load, condition: SyscallArg, skip: int) -> Code:
    top, bottom = _halves(condition.value)
    return [high, (BPF_JEQ_K, 0, 2, top), low, (BPF_JEQ_K, skip, 0, bottom)]


def _masked_equal(low: _Load, high: _Load, condition: SyscallArg, skip: int) -> Code:
    top_mask, bottom_mask = _halves(condition.value)
    top, bottom = _halves(condition.value_two)
    return [
        high,
        (BPF_AND_K, 0, 0, top_mask),
        (BPF_JEQ_K, 0, skip + 3, top),
        low,
        (BPF_AND_K, 0, 0, bottom_mask),
        (BPF_JEQ_K, 0, skip, bottom),
    ]


def _above(operation: int, low: _Load, high: _Load, condition: SyscallArg, skip: int) -> Code:
    top, bottom = _halves(condition.value)
    return [
        high,
        (BPF_JGT_K, 3, 0, top),
        (BPF_JEQ_K, 0, skip + 2, top),
        low,
        (operation, 0, skip, bottom),
    ]


def _below(operation: int, low: _Load, high: _Load, condition: SyscallArg, skip: int) -> Code:
    """`operation` is the comparison that must not hold."""
    top, bottom = _halves(condition.value)
    return [
        high,
        (BPF_JGT_K, skip + 3, 0, top),
        (BPF_JEQ_K, 0, 2, top),
        low,
        (operation, skip, 0, bottom),
    ]


_COMPARISONS = {
    "SCMP_CMP_EQ": _equal,
    "SCMP_CMP_NE": _not_equal,
    "SCMP_CMP_MASKED_EQ": _masked_equal,
    "SCMP_CMP_GT": lambda *parts: _above(BPF_JGT_K, *parts),
    "SCMP_CMP_GE": lambda *parts: _above(BPF_JGE_K, *parts),
    "SCMP_CMP_LT": lambda *parts: _below(BPF_JGE_K, *parts),
    "SCMP_CMP_LE": lambda *parts: _below(BPF_JGT_K, *parts),
}

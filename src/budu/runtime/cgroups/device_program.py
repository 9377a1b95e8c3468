"""Compiles device rules into the program that decides for a v2 cgroup. Pure.

The last rule that matches counts, so they are tried from the last to the first; no match denies. An
allowing rule must cover all the access that is asked for, a denying one any of it.

Source: OCI runtime-spec 1.2, config-linux.md "Allowed Device list"; kernel,
Documentation/admin-guide/cgroup-v2.rst "Device controller".
"""

from __future__ import annotations

from budu.linux.bpf import (
    BPF_AND32_K,
    BPF_DEVCG_ACC_MKNOD,
    BPF_DEVCG_ACC_READ,
    BPF_DEVCG_ACC_WRITE,
    BPF_DEVCG_DEV_BLOCK,
    BPF_DEVCG_DEV_CHAR,
    BPF_EXIT,
    BPF_JEQ_K,
    BPF_JNE_K,
    BPF_JNE_X,
    BPF_LDX_MEM_W,
    BPF_MOV32_X,
    BPF_MOV64_K,
    BPF_RSH32_K,
    CONTEXT_ACCESS_TYPE,
    CONTEXT_MAJOR,
    CONTEXT_MINOR,
    pack_program,
)
from budu.spec.oci_runtime import DeviceRule

Code = list[tuple[int, int, int, int, int]]

_RESULT, _CONTEXT, _TYPE, _ACCESS, _MAJOR, _MINOR = range(6)  # registers r0 to r5
_TYPES = {"b": BPF_DEVCG_DEV_BLOCK, "c": BPF_DEVCG_DEV_CHAR}
_ACCESSES = {"r": BPF_DEVCG_ACC_READ, "w": BPF_DEVCG_ACC_WRITE, "m": BPF_DEVCG_ACC_MKNOD}
_ALL_ACCESS = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD


def compile_devices(rules: tuple[DeviceRule, ...]) -> bytes:
    """The program as an array of struct bpf_insn."""
    code: Code = [
        (BPF_LDX_MEM_W, _TYPE, _CONTEXT, CONTEXT_ACCESS_TYPE, 0),
        (BPF_AND32_K, _TYPE, 0, 0, 0xFFFF),
        (BPF_LDX_MEM_W, _ACCESS, _CONTEXT, CONTEXT_ACCESS_TYPE, 0),
        (BPF_RSH32_K, _ACCESS, 0, 0, 16),
        (BPF_LDX_MEM_W, _MAJOR, _CONTEXT, CONTEXT_MAJOR, 0),
        (BPF_LDX_MEM_W, _MINOR, _CONTEXT, CONTEXT_MINOR, 0),
    ]
    for rule in reversed(rules):
        block = _rule(rule)
        code += block
        if len(block) == 2:  # It matches everything: what stands before it cannot be reached.
            return pack_program(code)
    return pack_program([*code, *_answer(allow=False)])


def _answer(*, allow: bool) -> Code:
    return [(BPF_MOV64_K, _RESULT, 0, 0, int(allow)), (BPF_EXIT, 0, 0, 0, 0)]


def _rule(rule: DeviceRule) -> Code:
    """Answers when the rule matches, else runs on behind its end."""
    code = _answer(allow=rule.allow)
    for register, number in ((_MINOR, rule.minor), (_MAJOR, rule.major)):
        if number is not None and number >= 0:
            code.insert(0, (BPF_JNE_K, register, 0, len(code), number))
    code = _access_test(rule, len(code)) + code
    if rule.type in _TYPES:
        code.insert(0, (BPF_JNE_K, _TYPE, 0, len(code), _TYPES[rule.type]))
    return code


def _access_test(rule: DeviceRule, skip: int) -> Code:
    mask = sum(_ACCESSES[letter] for letter in set(rule.access or "rwm"))
    if mask == _ALL_ACCESS:
        return []
    # The context register is free once everything is loaded.
    masked: Code = [(BPF_MOV32_X, _CONTEXT, _ACCESS, 0, 0), (BPF_AND32_K, _CONTEXT, 0, 0, mask)]
    if rule.allow:
        return [*masked, (BPF_JNE_X, _CONTEXT, _ACCESS, skip, 0)]
    return [*masked, (BPF_JEQ_K, _CONTEXT, 0, skip, 0)]

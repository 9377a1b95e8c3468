"""Compiled seccomp profiles, compared with a literal reading of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seccomp_machine import (
    AARCH64,
    ALLOW,
    ARM,
    I386,
    KILL,
    X86_64,
    Reading,
    errno_value,
    holds,
    run_filter,
)

from budu.base.errors import InvalidArgument, NotImplementedHere
from budu.runtime.seccomp_profile import (
    ProgramCache,
    compile_profile,
    default_profile,
    resolve_profile,
)
from budu.runtime.syscalls import syscall_numbers

EPERM, ENOSYS = errno_value(1), errno_value(38)
X32_BIT = 0x40000000
CAPS = (
    "CAP_CHOWN CAP_DAC_OVERRIDE CAP_FSETID CAP_FOWNER CAP_MKNOD CAP_NET_RAW CAP_SETGID CAP_SETUID "
    "CAP_SETFCAP CAP_SETPCAP CAP_NET_BIND_SERVICE CAP_SYS_CHROOT CAP_KILL CAP_AUDIT_WRITE"
)
DEFAULT_CAPS = frozenset(CAPS.split())
ABIS = [
    ("x86_64", X86_64, "x86_64", 0),
    ("x86_64", I386, "x86", 0),
    ("x86_64", X86_64, "x32", X32_BIT),
    ("aarch64", AARCH64, "aarch64", 0),
    ("aarch64", ARM, "arm", 0),
]
CAPABILITY_SETS = [
    frozenset[str](),
    DEFAULT_CAPS,
    DEFAULT_CAPS | {"CAP_SYS_ADMIN"},
    DEFAULT_CAPS | {"CAP_SYS_PTRACE", "CAP_BPF", "CAP_SYS_TIME", "CAP_SYSLOG"},
]
NO_ARGS = (0,) * 6
ARGS = [
    NO_ARGS,
    (8, 0, 0, 0, 0, 0),
    (0xFFFFFFFF, 0, 0, 0, 0, 0),
    (0xFFFFFFFFFFFFFFFF, 0, 0, 0, 0, 0),
    (0x20008, 0, 0, 0, 0, 0),
    (0x120008, 0, 0, 0, 0, 0),
    (37, 0, 0, 0, 0, 0),
    (38, 0, 0, 0, 0, 0),
    (39, 0, 0, 0, 0, 0),
    (40, 0, 0, 0, 0, 0),
    (41, 0, 0, 0, 0, 0),
    (1 << 32, 0, 0, 0, 0, 0),
    (0x7E020000, 0, 0, 0, 0, 0),
    (0x10000000, 1, 2, 3, 4, 5),
    (0x01200011, 0, 0, 0, 0, 0),
]


@pytest.mark.parametrize("capabilities", CAPABILITY_SETS, ids=["none", "default", "admin", "more"])
@pytest.mark.parametrize(
    ("machine", "arch", "abi", "bit"), ABIS, ids=["x86_64", "x86", "x32", "aarch64", "arm"]
)
def test_default_profile_means_what_it_says(
    machine: str, arch: int, abi: str, bit: int, capabilities: frozenset[str]
) -> None:
    profile = default_profile()
    program = compile_profile(profile, capabilities=capabilities, architecture=machine)
    reading = Reading(profile, capabilities=capabilities, machine=machine)
    names_of: dict[int, set[str]] = {}
    for name, number in syscall_numbers(abi).items():
        names_of.setdefault(number, set()).add(name)
    named = [n for n, names in names_of.items() if names & reading.names and n < 0xF0000]
    for number in [*range(700), *(n for n in names_of if n >= 700), 0x3FFFFFFF]:
        names = names_of.get(number, set())
        for args in ARGS if {"socket", "clone", "personality"} & names else [NO_ARGS]:
            known = number <= max(named) or names & reading.names
            expected = reading.verdict(names, args) if known else ENOSYS
            assert run_filter(program, number | bit, arch, args) == expected, (number, names, args)


@pytest.mark.parametrize(
    ("number", "arch", "args", "expected"),
    [
        (39, X86_64, (), ALLOW),  # getpid
        (165, X86_64, (), EPERM),  # mount
        (250, X86_64, (), EPERM),  # keyctl
        (435, X86_64, (), ENOSYS),  # clone3
        (56, X86_64, (0x01200011,), ALLOW),  # clone as fork does
        (56, X86_64, (0x10000011,), EPERM),  # clone with CLONE_NEWUSER
        (41, X86_64, (2,), ALLOW),  # socket AF_INET
        (41, X86_64, (38,), EPERM),  # socket AF_ALG
        (41, X86_64, (40,), EPERM),  # socket AF_VSOCK
        (135, X86_64, (0xFFFFFFFF,), ALLOW),  # personality, query
        (135, X86_64, (0x0040000,), EPERM),  # personality ADDR_NO_RANDOMIZE
        (161, X86_64, (), ALLOW),  # chroot, by CAP_SYS_CHROOT
        (600, X86_64, (), ENOSYS),
        (20, I386, (), ALLOW),  # getpid
        (21, I386, (), EPERM),  # mount
        (39 | X32_BIT, X86_64, (), ALLOW),
        (165 | X32_BIT, X86_64, (), EPERM),
        (0, 0xC000003F, (), KILL),
        (0, AARCH64, (), KILL),
    ],
)
def test_known_calls_of_a_default_container(
    number: int, arch: int, args: tuple[int, ...], expected: int
) -> None:
    program = compile_profile(default_profile(), capabilities=DEFAULT_CAPS, architecture="x86_64")
    assert run_filter(program, number, arch, args) == expected


def test_program_is_small() -> None:
    program = compile_profile(default_profile(), capabilities=DEFAULT_CAPS, architecture="x86_64")
    assert len(program) // 8 < 450


def _profile(*rules: dict[str, Any], **more: object) -> bytes:
    document = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": rules} | more
    return json.dumps(document).encode()


def _compile(profile: bytes, *capabilities: str) -> bytes:
    return compile_profile(
        profile, capabilities=frozenset(capabilities), architecture="x86_64", kernel=(6, 1)
    )


VALUES = st.one_of(
    st.integers(min_value=0, max_value=(1 << 64) - 1),
    st.sampled_from([0, 1, (1 << 32) - 1, 1 << 32, (1 << 32) + 1, (1 << 64) - 1]),
)
OPERATORS = st.sampled_from(["EQ", "NE", "LT", "LE", "GT", "GE", "MASKED_EQ"])


@settings(max_examples=300)
@given(
    conditions=st.lists(st.tuples(OPERATORS, VALUES, VALUES), min_size=1, max_size=3),
    arguments=st.tuples(VALUES, VALUES, VALUES),
    near=st.booleans(),
)
def test_comparisons_are_of_64_bits(
    conditions: list[tuple[str, int, int]], arguments: tuple[int, ...], near: bool
) -> None:
    if near:
        arguments = tuple(value for _, value, _ in conditions) + arguments
    args = [
        {"index": index, "op": f"SCMP_CMP_{op}", "value": value, "valueTwo": two & value}
        for index, (op, value, two) in enumerate(conditions)
    ]
    program = _compile(_profile({"names": ["getpid"], "action": "SCMP_ACT_ALLOW", "args": args}))
    got = run_filter(program, 39, X86_64, arguments)
    padded = (*arguments, 0, 0, 0)
    assert got == (ALLOW if all(holds(one, padded) for one in args) else EPERM)


def test_rules_for_one_call_are_alternatives() -> None:
    rules = [
        {
            "names": ["getpid"],
            "action": action,
            "args": [{"index": 0, "value": value, "op": "SCMP_CMP_EQ"}],
        }
        for value, action in ((1, "SCMP_ACT_ALLOW"), (2, "SCMP_ACT_TRAP"), (1, "SCMP_ACT_KILL"))
    ]
    program = _compile(_profile(*rules))
    verdicts = [run_filter(program, 39, X86_64, (value,)) for value in (1, 2, 3)]
    assert verdicts == [ALLOW, 0x00030000, EPERM]


def test_two_conditions_on_one_argument_are_alternatives() -> None:
    args = [{"index": 0, "value": value, "op": "SCMP_CMP_EQ"} for value in (3, 5)]
    program = _compile(_profile({"names": ["getpid"], "action": "SCMP_ACT_ALLOW", "args": args}))
    assert [run_filter(program, 39, X86_64, (n,)) for n in (3, 4, 5)] == [ALLOW, EPERM, ALLOW]


def test_rule_without_conditions_beats_those_with() -> None:
    conditional = {
        "names": ["getpid"],
        "action": "SCMP_ACT_TRAP",
        "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}],
    }
    plain = {"names": ["getpid"], "action": "SCMP_ACT_ALLOW"}
    for rules in ((conditional, plain), (plain, conditional)):
        assert run_filter(_compile(_profile(*rules)), 39, X86_64, (1,)) == ALLOW


def test_rule_that_repeats_the_default_is_void() -> None:
    repeated = {"names": ["getpid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}
    allowed = {
        "names": ["getpid"],
        "action": "SCMP_ACT_ALLOW",
        "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}],
    }
    program = _compile(_profile(repeated, allowed))
    assert run_filter(program, 39, X86_64, (1,)) == ALLOW


@pytest.mark.parametrize(
    ("action", "value"),
    [
        ("SCMP_ACT_KILL", 0),
        ("SCMP_ACT_KILL_THREAD", 0),
        ("SCMP_ACT_KILL_PROCESS", 0x80000000),
        ("SCMP_ACT_TRAP", 0x00030000),
        ("SCMP_ACT_LOG", 0x7FFC0000),
        ("SCMP_ACT_TRACE", 0x7FF00007),
        ("SCMP_ACT_ERRNO", errno_value(7)),
        ("SCMP_ACT_ALLOW", ALLOW),
    ],
)
def test_actions_become_return_values(action: str, value: int) -> None:
    rule = {"names": ["getpid"], "action": action, "errnoRet": 7}
    program = _compile(_profile(rule, defaultAction="SCMP_ACT_ERRNO", defaultErrnoRet=9))
    assert run_filter(program, 39, X86_64) == value
    assert run_filter(program, 38, X86_64) == errno_value(9)


@pytest.mark.parametrize("default", ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG"])
def test_deny_lists_let_new_calls_through(default: str) -> None:
    rule = {"names": ["mount"], "action": "SCMP_ACT_ERRNO"}
    program = _compile(_profile(rule, defaultAction=default))
    assert run_filter(program, 165, X86_64) == EPERM
    assert run_filter(program, 999, X86_64) in (ALLOW, 0x7FFC0000)


def test_profile_that_does_not_name_x32_kills_its_calls() -> None:
    rule = {"names": ["getpid"], "action": "SCMP_ACT_ALLOW"}
    program = _compile(_profile(rule, architectures=["SCMP_ARCH_X86_64"]))
    assert run_filter(program, 39, X86_64) == ALLOW
    assert run_filter(program, 39 | X32_BIT, X86_64) == KILL
    assert run_filter(program, 20, I386) == KILL


def test_filters_by_capability_architecture_and_kernel() -> None:
    def rule(name: str, **filters: object) -> dict[str, Any]:
        return {"names": [name], "action": "SCMP_ACT_ALLOW", **filters}

    profile = _profile(
        rule("getpid", includes={"caps": ["CAP_KILL", "CAP_CHOWN"]}),
        rule("gettid", includes={"arches": ["arm64"]}),
        rule("getuid", includes={"minKernel": "6.2"}),
        rule("getgid", includes={"minKernel": "4.8"}),
        rule("geteuid", excludes={"caps": ["CAP_KILL"]}),
        rule("getegid", excludes={"arches": ["amd64"]}),
    )

    def names(*capabilities: str) -> set[str]:
        resolved = resolve_profile(
            profile,
            capabilities=frozenset(capabilities),
            architecture="x86_64",
            kernel=(6, 1),
        )
        return {name for call in resolved.syscalls for name in call.names}

    assert names("CAP_KILL") == {"getgid"}
    assert names("CAP_KILL", "CAP_CHOWN") == {"getgid", "getpid"}
    assert names() == {"getgid", "geteuid"}


def test_older_form_with_one_name_and_null_lists() -> None:
    profile = _profile(
        {"name": "getpid", "action": "SCMP_ACT_ALLOW", "args": None, "includes": None}, archMap=None
    )
    assert run_filter(_compile(profile), 39, X86_64) == ALLOW


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (b"{", "Decoding seccomp profile failed"),
        (b"{}", "Decoding seccomp profile failed"),
        (_profile({"names": ["x"], "name": "x", "action": "SCMP_ACT_ALLOW"}), "both 'name' and"),
        (
            _profile(architectures=["SCMP_ARCH_X86"], archMap=[{"architecture": "SCMP_ARCH_X86"}]),
            "both 'architectures' and",
        ),
        (_profile({"names": ["getpid"], "action": "SCMP_ACT_DANCE"}), "SCMP_ACT_DANCE"),
        (_profile(architectures=["SCMP_ARCH_VAX"]), "SCMP_ARCH_VAX"),
        (
            _profile(
                {
                    "names": ["getpid"],
                    "action": "SCMP_ACT_ALLOW",
                    "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_ABOUT"}],
                }
            ),
            "SCMP_CMP_ABOUT",
        ),
        (
            _profile(
                {
                    "names": ["getpid"],
                    "action": "SCMP_ACT_ALLOW",
                    "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}],
                }
            ),
            "argument index 6",
        ),
    ],
)
def test_malformed_profiles_are_refused(profile: bytes, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        _compile(profile)


def test_notify_is_reported_as_unsupported() -> None:
    with pytest.raises(NotImplementedHere, match="SCMP_ACT_NOTIFY"):
        _compile(_profile({"names": ["getpid"], "action": "SCMP_ACT_NOTIFY"}))


def test_large_profiles_stay_correct() -> None:
    numbers = syscall_numbers("x86_64")
    names = sorted(numbers, key=lambda name: numbers[name])
    rules = [
        {
            "names": [name],
            "action": "SCMP_ACT_ALLOW",
            "args": [{"index": 1, "value": numbers[name], "op": "SCMP_CMP_EQ"}],
        }
        for name in names
    ]
    program = _compile(_profile(*rules))
    for name in names:
        number = numbers[name]
        assert run_filter(program, number, X86_64, (0, number)) == ALLOW
        assert run_filter(program, number, X86_64, (0, number + 1)) == EPERM


def test_cache_reads_back_what_it_wrote(tmp_path: Path) -> None:
    cache = ProgramCache(str(tmp_path / "cache"))
    first = cache.program(default_profile(), capabilities=DEFAULT_CAPS, architecture="x86_64")
    (file,) = (tmp_path / "cache").iterdir()
    stored = file.read_bytes()
    assert (
        cache.program(default_profile(), capabilities=DEFAULT_CAPS, architecture="x86_64") == first
    )
    cache.program(default_profile(), capabilities=frozenset(), architecture="x86_64")
    assert len(list((tmp_path / "cache").iterdir())) == 2
    file.write_bytes(stored[:-8])
    again = cache.program(default_profile(), capabilities=DEFAULT_CAPS, architecture="x86_64")
    assert again == first
    assert file.read_bytes() == stored


def test_syscall_tables_agree_where_the_kernel_says_so() -> None:
    for abi in ("x86_64", "x86", "x32", "aarch64", "arm"):
        table = syscall_numbers(abi)
        assert table["clone3"] == 435
        assert table["mseal"] == 462
        assert table["file_setattr"] == 469
    assert syscall_numbers("sparc") == {}

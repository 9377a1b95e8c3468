"""The compiled default profile under the real kernel."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import subprocess
import sys

import pytest

from budu.linux.seccomp_load import SECCOMP_FILTER_FLAG_SPEC_ALLOW, set_filter
from budu.runtime.context import Context
from budu.runtime.seccomp_compile import compile_seccomp
from budu.runtime.seccomp_profile import compile_profile, default_profile
from budu.runtime.steps import run
from budu.spec.oci_runtime import Seccomp, Syscall, SyscallArg

pytestmark = [
    pytest.mark.host,
    pytest.mark.x86_64,
]

PROBE = """
import ctypes, json, sys
from budu.linux.seccomp_load import set_filter
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *args):
    ctypes.set_errno(0)
    arguments = [ctypes.c_ulong(value) for value in (number, *args)]
    return 0 if libc.syscall(*arguments) >= 0 else ctypes.get_errno()
set_filter(bytes.fromhex(sys.stdin.read()))
calls = json.loads(sys.argv[1])
print(json.dumps([call(*arguments) for arguments in calls]))
"""
GETPID, SOCKET, CLONE, PERSONALITY, MOUNT, CHROOT, KEYCTL, CLONE3 = (
    39,
    41,
    56,
    135,
    165,
    161,
    250,
    435,
)
CLONE_NEWUSER = 0x10000000
AF_INET, AF_ALG, SOCK_STREAM = 2, 38, 1


def _errors(program: bytes, calls: list[tuple[int, ...]]) -> list[int]:
    """The errno of each call (0 for success) in a process under the filter."""
    import json

    result = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps(calls)],
        input=program.hex(),
        capture_output=True,
        text=True,
        check=True,
    )
    errors: list[int] = json.loads(result.stdout)
    return errors


def test_default_profile_lets_programs_live_and_refuses_the_rest() -> None:
    program = compile_profile(default_profile(), capabilities=frozenset(), architecture="x86_64")
    errors = _errors(
        program,
        [
            (GETPID,),
            (SOCKET, AF_INET, SOCK_STREAM, 0),
            (PERSONALITY, 0xFFFFFFFF),
            (SOCKET, AF_ALG, SOCK_STREAM, 0),
            (MOUNT, 0, 0, 0, 0, 0),
            (KEYCTL, 0, 0, 0, 0, 0),
            (CHROOT, 0),
            (CLONE, CLONE_NEWUSER, 0, 0, 0, 0),
            (CLONE3, 0, 0),
            (900,),
        ],
    )
    assert errors == [0, 0, 0, *[errno.EPERM] * 5, errno.ENOSYS, errno.ENOSYS]


def test_capability_opens_its_calls() -> None:
    program = compile_profile(
        default_profile(), capabilities=frozenset({"CAP_SYS_CHROOT"}), architecture="x86_64"
    )
    assert _errors(program, [(CHROOT, 0), (MOUNT, 0, 0, 0, 0, 0)]) == [errno.EFAULT, errno.EPERM]


def test_kernel_refuses_a_broken_program() -> None:
    pid = os.fork()
    if not pid:
        try:
            set_filter(b"\x06\0\0\0\0\0\0")
        except OSError as error:
            os._exit(error.errno or 1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == errno.EINVAL


def test_a_containers_filter_leaves_the_processors_guesses_on() -> None:
    """Nobody can ask the kernel afterwards, so a first filter lets only such filters in."""
    unlike = SyscallArg(index=1, value=SECCOMP_FILTER_FLAG_SPEC_ALLOW, op="SCMP_CMP_NE")
    flagged_only = Syscall(names=("seccomp",), action="SCMP_ACT_ERRNO", args=(unlike,))
    program = compile_seccomp(
        Seccomp(
            default_action="SCMP_ACT_ALLOW",
            architectures=("SCMP_ARCH_X86_64",),
            syscalls=(flagged_only,),
        )
    )
    pid = os.fork()
    if not pid:
        set_filter(program)
        try:
            set_filter(program)
        except PermissionError:
            nobody, _ = socket.socketpair()
            os._exit(run(Context(nobody, (0, 1, 2), {}), (("seccomp", program),)) is not None)
        os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0


def test_32_bit_calls_are_filtered_by_their_own_numbers() -> None:
    """int 0x80 reaches the i386 table: number 20 is getpid there, 21 mount."""
    program = compile_profile(default_profile(), capabilities=frozenset(), architecture="x86_64")
    pid = os.fork()
    if not pid:
        set_filter(program)
        os._exit(_int80(20) != os.getpid() or _int80(21) != -errno.EPERM)
    assert os.waitpid(pid, 0)[1] == 0


def _int80(number: int) -> int:
    """Make a 32-bit system call from 64-bit code (a few bytes of machine code)."""
    import mmap

    # push rbx; mov eax, edi; xor ebx, ebx; xor ecx, ecx; xor edx, edx; int 0x80; pop rbx; ret
    code = bytes.fromhex("53 89f8 31db 31c9 31d2 cd80 5b c3")
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    result: int = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(address)(number)
    return result

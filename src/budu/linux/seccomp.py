"""The language of seccomp filters: classic BPF instructions and what they read and return.

`linux.seccomp_load` attaches a filter; `runtime.seccomp_compile` writes them.
Source: man 2 seccomp; <linux/filter.h>, <linux/bpf_common.h>, <linux/seccomp.h>, <linux/audit.h>.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Instruction = tuple[int, int, int, int]

BPF_LD_W_ABS = 0x20  # BPF_LD | BPF_W | BPF_ABS: load a word of struct seccomp_data
BPF_AND_K = 0x54  # BPF_ALU | BPF_AND | BPF_K
BPF_JA = 0x05  # BPF_JMP | BPF_JA
BPF_JEQ_K = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
BPF_JGT_K = 0x25
BPF_JGE_K = 0x35
BPF_RET_K = 0x06  # BPF_RET | BPF_K

BPF_MAXINSNS = 4096

SECCOMP_RET_KILL_PROCESS = 0x80000000
SECCOMP_RET_KILL_THREAD = 0x00000000
SECCOMP_RET_TRAP = 0x00030000
SECCOMP_RET_ERRNO = 0x00050000
SECCOMP_RET_TRACE = 0x7FF00000
SECCOMP_RET_LOG = 0x7FFC0000
SECCOMP_RET_ALLOW = 0x7FFF0000
SECCOMP_RET_DATA = 0x0000FFFF

# struct seccomp_data { int nr; __u32 arch; __u64 instruction_pointer; __u64 args[6]; }
OFFSET_NUMBER = 0
OFFSET_ARCH = 4
OFFSET_ARGS = 16

AUDIT_ARCH_X86_64 = 0xC000003E
AUDIT_ARCH_I386 = 0x40000003
AUDIT_ARCH_AARCH64 = 0xC00000B7
AUDIT_ARCH_ARM = 0x40000028
X32_SYSCALL_BIT = 0x40000000  # __X32_SYSCALL_BIT of <asm/unistd.h>

_sock_filter = struct.Struct("<HBBI")  # struct sock_filter { code; jt; jf; k; }


def pack_filter(instructions: Iterable[Instruction]) -> bytes:
    """The program as an array of struct sock_filter, from (code, jt, jf, k)."""
    return b"".join(_sock_filter.pack(*instruction) for instruction in instructions)

"""bpf(2) for the devices of cgroup v2, and the instructions of extended BPF that need it.

Source: man 2 bpf; <linux/bpf.h>, <linux/bpf_common.h>.
"""

from __future__ import annotations

import ctypes
import os
import struct
from ctypes import c_int, c_uint, c_void_p

from budu.linux.libc import bind_syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Instruction = tuple[int, int, int, int, int]

SYS_bpf = {"x86_64": 321, "aarch64": 280}.get(os.uname().machine, -1)  # <asm/unistd.h>

BPF_PROG_LOAD = 5  # enum bpf_cmd
BPF_PROG_ATTACH = 8
BPF_PROG_TYPE_CGROUP_DEVICE = 15  # enum bpf_prog_type
BPF_CGROUP_DEVICE = 6  # enum bpf_attach_type
BPF_F_ALLOW_MULTI = 2

BPF_LDX_MEM_W = 0x61  # BPF_LDX | BPF_MEM | BPF_W
BPF_MOV64_K = 0xB7  # BPF_ALU64 | BPF_MOV | BPF_K
BPF_MOV32_X = 0xBC  # BPF_ALU | BPF_MOV | BPF_X
BPF_AND32_K = 0x54
BPF_RSH32_K = 0x74
BPF_JEQ_K = 0x15
BPF_JNE_K = 0x55
BPF_JNE_X = 0x5D
BPF_EXIT = 0x95

# struct bpf_cgroup_dev_ctx { access_type (access << 16 | type); major; minor }
CONTEXT_ACCESS_TYPE = 0
CONTEXT_MAJOR = 4
CONTEXT_MINOR = 8
BPF_DEVCG_DEV_BLOCK = 1
BPF_DEVCG_DEV_CHAR = 2
BPF_DEVCG_ACC_MKNOD = 1
BPF_DEVCG_ACC_READ = 2
BPF_DEVCG_ACC_WRITE = 4

_bpf_insn = struct.Struct("<BBhi")  # struct bpf_insn { code; dst_reg:4, src_reg:4; off; imm; }
_bpf = bind_syscall(SYS_bpf, c_int, c_void_p, c_uint, label="bpf")


def pack_program(instructions: Iterable[Instruction]) -> bytes:
    """The program as an array of struct bpf_insn, from (code, dst, src, off, imm)."""
    return b"".join(
        _bpf_insn.pack(code, dst | src << 4, off, imm) for code, dst, src, off, imm in instructions
    )


def unpack_program(program: bytes) -> list[Instruction]:
    """The instructions (code, dst, src, off, imm) of a packed program."""
    return [
        (code, registers & 15, registers >> 4, off, imm)
        for code, registers, off, imm in _bpf_insn.iter_unpack(program)
    ]


def load_device_program(program: bytes) -> int:
    """Load a program of type BPF_PROG_TYPE_CGROUP_DEVICE; the caller closes the descriptor."""
    code = ctypes.create_string_buffer(program, len(program))
    license_name = ctypes.create_string_buffer(b"Apache")
    # union bpf_attr: prog_type, insn_cnt, insns, license, then the log and options
    attributes = struct.pack(
        "=IIQQIIQ40x",
        BPF_PROG_TYPE_CGROUP_DEVICE,
        len(program) // _bpf_insn.size,
        ctypes.addressof(code),
        ctypes.addressof(license_name),
        0,
        0,
        0,
    )
    return _bpf(BPF_PROG_LOAD, attributes, len(attributes))


def attach_device_program(cgroup_fd: int, program_fd: int) -> None:
    """Let the program decide on device access in the cgroup, beside those attached already.

    Raises: PermissionError without CAP_NET_ADMIN or CAP_SYS_ADMIN.
    """
    attributes = struct.pack("=IIII", cgroup_fd, program_fd, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI)
    _bpf(BPF_PROG_ATTACH, attributes, len(attributes))

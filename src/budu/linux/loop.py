"""Loop devices: a file as a block device. Source: man 4 loop; <linux/loop.h>."""

from __future__ import annotations

import errno
import fcntl
import os
import struct

LOOP_SET_CAPACITY = 0x4C07  # <linux/loop.h>
LOOP_CONFIGURE = 0x4C0A
LOOP_CTL_GET_FREE = 0x4C82
LO_FLAGS_READ_ONLY = 1
LO_FLAGS_AUTOCLEAR = 4

# struct loop_config: fd, block_size, struct loop_info64, reserved. Of loop_info64 only lo_flags
# (the fourth of its 32 bit numbers, after five of 64 bits) and the name are ours.
_CONFIG = struct.Struct("=II 5Q 3I I 64s 64s 32s 2Q 64s")
_ATTEMPTS = 64


def attach_loop(path: str, *, flags: int = LO_FLAGS_AUTOCLEAR) -> int:
    """Return a descriptor of a loop device on the file `path`, which the caller closes.

    A device that has the file already is used again: two would not see each other's writes. With
    LO_FLAGS_AUTOCLEAR the device goes when its last mount and descriptor are gone.
    """
    path = os.path.realpath(path)
    found = find_loop(path)
    if found:
        return os.open(found, os.O_RDWR | os.O_CLOEXEC)
    access = os.O_RDONLY if flags & LO_FLAGS_READ_ONLY else os.O_RDWR
    backing = os.open(path, access | os.O_CLOEXEC)
    control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    try:
        for _ in range(_ATTEMPTS):
            device = os.open(f"/dev/loop{fcntl.ioctl(control, LOOP_CTL_GET_FREE)}", access)
            if _configure(device, backing, path, flags):
                return device
            os.close(device)
    finally:
        os.close(backing)
        os.close(control)
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), "/dev/loop-control")


def _configure(device: int, backing: int, path: str, flags: int) -> bool:
    """Whether the device is ours; False when somebody else was faster."""
    name = os.fsencode(path)[:63]
    config = _CONFIG.pack(
        backing, 0, *(0,) * 5, *(0,) * 3, flags, name, b"", b"", 0, 0, b""
    )  # fmt: skip
    try:
        fcntl.ioctl(device, LOOP_CONFIGURE, config)
    except OSError as error:
        if error.errno != errno.EBUSY:
            os.close(device)
            raise
        return False
    return True


def find_loop(path: str) -> str:
    """Return the device that has the file `path` (absolute, resolved); empty when none has."""
    for name in os.listdir("/sys/block"):
        if not name.startswith("loop"):
            continue
        try:
            with open(f"/sys/block/{name}/loop/backing_file") as file:  # noqa: PTH123
                if file.read().rstrip("\n") == path:
                    return f"/dev/{name}"
        except OSError:  # not in use, or gone meanwhile
            continue
    return ""


def loop_path(device: int) -> str:
    """Return the path of an open loop device."""
    return os.readlink(f"/proc/self/fd/{device}")


def update_capacity(device: int) -> None:
    """Let an open loop device notice that its file has grown."""
    fcntl.ioctl(device, LOOP_SET_CAPACITY)

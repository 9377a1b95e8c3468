"""Parsers of what the kernel prints."""

from __future__ import annotations

import struct

from budu.linux import capabilities, system
from budu.linux.fds import parse_inotify
from budu.linux.mountinfo import mount_of, parse_mountinfo

MOUNTINFO = r"""27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
30 27 0:27 /sub /mnt/with\040space rw,nosuid shared:2 master:1 - tmpfs tmp\134fs rw,size=4k
31 30 0:28 / /mnt/with\040space/deep ro - cgroup cgroup rw,cpu,cpuacct
32 27 0:29 / /mnt rw - tmpfs none rw
"""


def test_mountinfo_fields() -> None:
    entry = parse_mountinfo(MOUNTINFO)[1]
    assert (entry.id, entry.parent, entry.device) == (30, 27, (0, 27))
    assert (entry.root, entry.target, entry.source) == ("/sub", "/mnt/with space", "tmp\\fs")
    assert (entry.options, entry.tags) == (("rw", "nosuid"), ("shared:2", "master:1"))
    assert (entry.fstype, entry.super_options) == ("tmpfs", ("rw", "size=4k"))


def test_mount_of_is_the_deepest() -> None:
    mounts = parse_mountinfo(MOUNTINFO)
    found = mount_of("/mnt/with space/deep/x", mounts)
    assert found is not None and found.id == 31
    found = mount_of("/mntx", mounts)
    assert found is not None and found.id == 27


def test_capability_masks_and_names() -> None:
    mask = capabilities.mask(("CAP_CHOWN", "CAP_CHECKPOINT_RESTORE", "CAP_UNKNOWN"))
    assert mask == 1 | 1 << 40
    assert capabilities.names(mask) == ["CAP_CHOWN", "CAP_CHECKPOINT_RESTORE"]
    assert capabilities.mask(capabilities.NAMES) == capabilities.ALL


def test_capability_sets_of_a_status_file() -> None:
    text = "Name:\tcat\nCapInh:\t0000000000000000\nCapPrm:\t000001fffeffffff\nThreads:\t1\n"
    assert capabilities.parse_status(text) == {"CapInh": 0, "CapPrm": 0x1FFFEFFFFFF}


def test_capget_agrees_with_proc() -> None:
    status = capabilities.parse_status(system.read_text("/proc/self/status"))
    assert capabilities.capget() == (status["CapEff"], status["CapPrm"], status["CapInh"])


def test_sysctl_path_swaps_dot_and_slash() -> None:
    assert system.sysctl_path("net.ipv4.ip_forward") == "/proc/sys/net/ipv4/ip_forward"


def test_inotify_events() -> None:
    event = struct.pack("iIII", 3, 0x100, 0, 16) + b"name".ljust(16, b"\0")
    assert parse_inotify(event + struct.pack("iIII", 4, 2, 7, 0)) == [
        (3, 0x100, 0, "name"),
        (4, 2, 7, ""),
    ]

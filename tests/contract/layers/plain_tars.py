"""Tars of every kind of member, by what they show."""

from __future__ import annotations

import os
import tarfile

from tests.contract.layer_tools import (
    directory,
    hard_link,
    member,
    symlink,
)

CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")
ACL = bytes.fromhex(
    "0200000001000600ffffffff020004000100000004000400ffffffff10000600ffffffff20000400ffffffff"
)

PLAIN_TARS = {
    "empty": [],
    "modes and owners": [
        directory("./", mode=0o755),
        directory("tmp", mode=0o1777),
        directory("home", mode=0o2750, uid=1000, gid=1001),
        member("home/setuid", b"x", mode=0o4755, uid=1000, gid=50, mtime=1),
        member("home/none", b"", mode=0),
        member("home/big ids", b"y" * 513, uid=3_000_000_000, gid=2_999_999),
    ],
    "sizes": [
        member(f"f{size}", os.urandom(size), mtime=size)
        for size in (0, 1, 511, 512, 513, 4095, 4096, 4097, 100_000, 1 << 20)
    ],
    "links": [
        directory("d"),
        member("d/file", b"shared", mtime=7),
        hard_link("d/hard", "./d/file"),
        hard_link("harder", "/d/hard"),
        symlink("relative", "d/file", mtime=8),
        symlink("absolute", "/nowhere", uid=5, gid=6),
        hard_link("hard to link", "relative"),
        *[symlink(f"long{n}", "t" * n) for n in (100, 250, 300, 447, 448, 449, 600, 4095)],
    ],
    "nodes": [
        directory("dev"),
        member("dev/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
        member("dev/big", type=tarfile.BLKTYPE, devmajor=259, devminor=70_000, mode=0o660, gid=6),
        member("dev/pipe", type=tarfile.FIFOTYPE, mode=0o644, mtime=3),
    ],
    "names": [
        directory("n" * 255),
        member("n" * 255 + "/" + "m" * 255, b"x"),
        member("/".join(["deep"] * 60) + "/end", b"x"),
        member("ünïcödé 이름 \\ \" '", b"x"),
        member("tab\tand\nnewline", b"x"),
        member("raw \udcff\udc80", b"x"),
    ],
    "many names": [member(f"dir/{number:05}-{'x' * (number % 90)}", b"x") for number in range(700)],
    "attributes": [
        directory("d", xattrs={"user.dir": b"1", "trusted.t": b"2"}),
        member("d/ping", b"elf", xattrs={"security.capability": CAPABILITY}, mode=0o755),
        member("d/acl", b"x", xattrs={"system.posix_acl_access": ACL}, mode=0o664),
        member("d/user", b"x", xattrs={"user.no": b"", "user.o": b"a=b\nc", "user.x": b"v" * 2000}),
        symlink("s", "d", xattrs={"trusted.on.link": b"yes"}),
    ],
    "implied directories": [member("a/b/c/file", b"x"), member("a/d", b"y")],
    "repeated": [
        member("f", b"old"),
        member("f", b"newer", mode=0o600),
        directory("d", mode=0o700),
        member("d/keep", b"x"),
        directory("d", mode=0o711, mtime=44),
        symlink("s", "d"),
        member("s", b"no longer a link"),
    ],
}  # fmt: skip

"""The kernel's own NFS server, version 4 alone, in namespaces that end with a process.

Nothing of the host is touched: the server has a network of its own, one link leads there, and its
files are a tmpfs that nobody else has mounted. What `rpc.nfsd` and `rpc.mountd` would tell the
kernel is told to it directly. Source: man 7 nfsd; Linux fs/nfsd/export.c, nfsctl.c;
net/sunrpc/svcauth_unix.c (what is written to each channel).
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ADDRESS = "198.18.219.2"
"""The server's. Source: RFC 2544, addresses that lead nowhere on the internet."""

_HOST_ADDRESS = "198.18.219.1"
_LINK = "bt-nfs"
_ROOT = "/tmp"

_SERVE = r"""
set -e
ip address add $ADDRESS/30 dev $LINK-peer
ip link set lo up
ip link set $LINK-peer up
mount -t tmpfs tmpfs $ROOT
mkdir $ROOT/export
mount -t nfsd nfsd /proc/fs/nfsd
echo nfsd $HOST_ADDRESS 2147483647 everybody >/proc/net/rpc/auth.unix.ip/channel
echo everybody $ROOT 2147483647 $FLAGS 65534 65534 0 >/proc/net/rpc/nfsd.export/channel
echo "everybody 1 \\x00000000 2147483647 $ROOT" >/proc/net/rpc/nfsd.fh/channel
echo -2 -3 +4 >/proc/fs/nfsd/versions
echo 10 >/proc/fs/nfsd/nfsv4leasetime
echo 10 >/proc/fs/nfsd/nfsv4gracetime
echo tcp 2049 >/proc/fs/nfsd/portlist
echo 2 >/proc/fs/nfsd/threads
echo serving
read -r end
"""
_FLAGS = 0x2410
"""NFSEXP_ASYNC, NFSEXP_NOSUBTREECHECK, NFSEXP_FSID: also root may write. <linux/nfsd/export.h>"""


@contextmanager
def nfs_server() -> Iterator[Path]:
    """The folder that a running server exports as `:/export`, reached from the host at `ADDRESS`.

    It ends, whether something is mounted from it or not, when the context does.
    """
    values = {"ADDRESS": ADDRESS, "HOST_ADDRESS": _HOST_ADDRESS, "LINK": _LINK, "ROOT": _ROOT}
    script = "".join(f"{name}={value}\n" for name, value in values.items())
    script += f"FLAGS={_FLAGS}\necho alone\nread -r linked\n{_SERVE}"
    server = subprocess.Popen(
        ["unshare", "-n", "-m", "sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        assert server.stdout.readline() == "alone\n"
        _link_to(server.pid)
        print("linked", file=server.stdin, flush=True)
        assert server.stdout.readline() == "serving\n"
        yield Path(f"/proc/{server.pid}/root{_ROOT}/export")
    finally:
        server.stdin.close()
        server.wait(30)
        server.stdout.close()
        subprocess.run(["ip", "link", "delete", _LINK], capture_output=True, check=False)


def _link_to(pid: int) -> None:
    """A link from here to the namespace of a process."""
    for words in (
        f"link add {_LINK} type veth peer name {_LINK}-peer netns {pid}",
        f"address add {_HOST_ADDRESS}/30 dev {_LINK}",
        f"link set {_LINK} up",
    ):
        subprocess.run(["ip", *words.split()], check=True, timeout=30)

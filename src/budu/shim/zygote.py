"""The zygote: a small warm process that forks shims, so that the engine never forks.

It has imported everything a shim needs and frozen it, so a shim shares nearly all its memory with
it. It knows one request, `spawn`, and ends when the engine's end of its socket closes; shims with
containers live on. It stays in the host's mount namespace: in a copy, volumes would not see what
the host mounts later, unless the host shares its mounts; and what containers mount is in their own
namespaces or detached anyway. Light: standard library only, run with `-I -S`.
Neighbours: `shim.main` (what it forks), `shim.pool` (the engine's side).
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # typeshed knows it as signal only
import _socket
import gc
import os
import sys

from budu.linux.process import close_range
from budu.shim import protocol
from budu.shim.main import run_shim
from budu.shim.process import set_process_name
from budu.shim.rehearsal import rehearse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_CODE = (
    "import sys; sys.path.append(sys.argv[1]);"
    " from budu.shim.zygote import main; main(int(sys.argv[2]))"
)


def zygote_command(fd: int) -> list[str]:
    """The command that runs a zygote whose end of the engine's socket is descriptor `fd`."""
    root = __file__.rpartition("/budu/")[0]
    return [sys.executable, "-I", "-S", "-X", "utf8", "-c", _CODE, root, str(fd)]


def main(fd: int) -> NoReturn:
    """Serve the engine until it is gone."""
    engine = _socket.socket(fileno=fd)
    _settle(fd)
    while True:
        try:
            received = protocol.receive(engine)
        except protocol.ProtocolError:
            received = None
        if received is None:
            os._exit(0)
        _spawn(engine)


def _settle(fd: int) -> None:
    """Become independent of how the engine was started, and cheap to fork."""
    os.setsid()
    os.chdir("/")
    os.umask(0o022)
    for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
        _signal.signal(number, _signal.SIG_IGN)
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.set_inheritable(fd, False)
    if fd > 3:
        close_range(3, fd - 1)
    close_range(fd + 1)
    rehearse(fd)
    # Ended shims need no wait: whoever is interested has their socket or pidfd.
    _signal.signal(_signal.SIGCHLD, _signal.SIG_IGN)
    set_process_name("budu-zygote")
    gc.collect()
    gc.freeze()
    gc.disable()


def _spawn(engine: _socket.socket) -> None:
    """Fork one idle shim and hand its control socket over."""
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        engine.close()
        ours.close()
        run_shim(theirs)
    theirs.close()
    try:
        protocol.send(engine, {"op": "shim", "pid": pid}, [ours.fileno()])
    except OSError:
        os._exit(0)
    ours.close()

"""A part of a detached mount as a detached mount of its own.

Since Linux 6.15 `open_tree(2)` copies parts of what is attached nowhere. Before, the mount is put
into a mount namespace first, which a thread makes for that and takes with it when it ends.
"""

from __future__ import annotations

import errno
import threading

from budu.linux.libc import AT_FDCWD
from budu.linux.mount import MS_PRIVATE, mount_setattr, move_mount, open_tree
from budu.linux.namespaces import CLONE_NEWNS, unshare

_PLACE = "/dev"
"""A directory of every host; what is put over it is seen by one thread alone."""


def copy_subtree(tree: int, place: int) -> int:
    """A detached copy of the mount `tree` from `place` on, which is a descriptor of something in it
    and stays the caller's. On old kernels `tree` itself is of no more use afterwards.

    Raises: OSError. Blocking.
    """
    try:
        return open_tree(place, recursive=True)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    return _in_thread(tree, place)


def _in_thread(tree: int, place: int) -> int:
    copies: list[int] = []
    failures: list[OSError] = []

    def work() -> None:
        try:
            unshare(CLONE_NEWNS)
            mount_setattr(AT_FDCWD, "/", propagation=MS_PRIVATE, recursive=True)
            move_mount(tree, AT_FDCWD, _PLACE)
            copies.append(open_tree(place, recursive=True))
        except OSError as error:
            failures.append(error)

    thread = threading.Thread(target=work, name="subtree")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return copies[0]

"""Steps that build the container's file system tree.

The host's mounts are opened first (`open_source`), then the root is entered and the host's left,
then everything is mounted from inside: targets are resolved by openat2 below the root.
Standard library only.
"""

from __future__ import annotations

import errno
import os

from budu.linux import devices, mount, tty
from budu.linux.libc import AT_FDCWD
from budu.linux.paths import O_PATH, make_directories, make_file, open_in_root
from budu.runtime.context import Context
from budu.runtime.failure import Refused, errno_text

_S_IFMT = 0o170000
_S_IFDIR = 0o040000
_DIRECTORY = O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


def open_source(context: Context, key: str, path: str, recursive: bool) -> None:
    """Keep a detached copy of the host's mount at `path` under `key`."""
    context.trees[key] = mount.open_tree(AT_FDCWD, path, recursive=recursive)


def create_source(
    context: Context, key: str, fstype: str, options: tuple[tuple[str, str | None], ...]
) -> None:
    """Keep a detached mount of a new file system under `key`.

    A user namespace may create proc and sysfs only while it sees full ones, the host's.
    """
    context.trees[key] = mount.new_mount(fstype, options)


def isolate_mounts(_context: Context) -> None:
    """Cut the copied mounts from the host's: neither side sees the other's changes."""
    mount.mount("none", "/", None, mount.MS_REC | mount.MS_PRIVATE)


def enter_root(context: Context, key: str, propagation: int) -> None:
    """Attach the root file system over "/", pivot into it and detach the host's root."""
    root = context.tree(key)
    mount.mount_setattr(root, propagation=mount.MS_PRIVATE, recursive=True)
    old_root = os.open("/", _DIRECTORY)
    # "/" is the one place that exists everywhere.
    mount.move_mount(root, AT_FDCWD, "/")
    os.fchdir(root)
    mount.pivot_root(".", ".")
    # Until this is gone it lies over the new root, where "/.." would cross into it.
    os.fchdir(old_root)
    mount.umount2(".", mount.MNT_DETACH)
    os.close(old_root)
    os.chdir("/")
    context.root = root
    if propagation:
        mount.mount_setattr(root, propagation=propagation)


def mount_filesystem(
    context: Context, target: str, fstype: str, source: str, flags: int, data: str
) -> None:
    """Mount a new file system on a directory, which is made where it is missing."""
    directory = make_directories(context.root, target)
    os.fchdir(directory)
    mount.mount(source, ".", fstype, flags, data or None)
    os.close(directory)


def mount_cgroups(
    context: Context,
    target: str,
    flags: int,
    hierarchies: tuple[tuple[str, str], ...],
    links: tuple[tuple[str, str], ...],
) -> None:
    """Mount a tmpfs with the cgroup v1 hierarchies (name, mount data) and links in it."""
    mount_filesystem(context, target, "tmpfs", "cgroup", flags & ~mount.MS_RDONLY, "mode=755")
    directory = open_in_root(context.root, target, _DIRECTORY)
    os.fchdir(directory)
    # The tmpfs is fresh: its names need no careful walk.
    for name, data in hierarchies:
        os.mkdir(name, 0o755)
        mount.mount("cgroup", name, "cgroup", flags, data)
    for name, aim in links:
        os.symlink(aim, name)
    if flags & mount.MS_RDONLY:
        mount.mount_setattr(directory, set=mount.MOUNT_ATTR_RDONLY)
    os.close(directory)


def mount_tmpfs(context: Context, target: str, flags: int, data: str) -> None:
    """Mount a tmpfs that has the mode of the directory it covers, unless `data` says otherwise."""
    directory = make_directories(context.root, target)
    mode = os.fstat(directory).st_mode & 0o7777
    os.fchdir(directory)
    mount.mount("tmpfs", ".", "tmpfs", flags, f"mode={mode:o},{data}".rstrip(","))
    os.close(directory)


def bind(
    context: Context,
    target: str,
    key: str,
    attributes: tuple[int, int, int, int],
    propagation: int,
    recursive: bool,
) -> None:
    """Attach a detached mount at `target`, made as a directory or file like the source.

    `attributes` are MOUNT_ATTR_* to set and to clear on the top mount, then on all of the tree.
    """
    tree = context.tree(key)
    top_set, top_clear, all_set, all_clear = attributes
    if propagation:
        mount.mount_setattr(tree, propagation=propagation, recursive=recursive)
    if top_set or top_clear:
        mount.mount_setattr(tree, set=top_set, clear=top_clear)
    if all_set or all_clear:
        mount.mount_setattr(tree, set=all_set, clear=all_clear, recursive=True)
    place = _make_place(context.root, target, tree)
    mount.move_mount(tree, place)
    os.close(place)


def set_attributes(context: Context, target: str, attributes: int) -> None:
    """Add MOUNT_ATTR_* to the mount at `target`."""
    directory = open_in_root(context.root, target)
    mount.mount_setattr(directory, set=attributes)
    os.close(directory)


def set_propagation(context: Context, target: str, propagation: int) -> None:
    """Set MS_SHARED, MS_SLAVE or the like on the mount at `target`."""
    directory = open_in_root(context.root, target)
    mount.mount_setattr(directory, propagation=propagation)
    os.close(directory)


def populate_dev(
    context: Context,
    nodes: tuple[tuple[str, int, int], ...],
    links: tuple[tuple[str, str], ...],
    directories: tuple[str, ...],
) -> None:
    """Make the character devices, links and mount points of a fresh /dev."""
    directory = open_in_root(context.root, "/dev", _DIRECTORY)
    os.fchdir(directory)
    os.close(directory)
    umask = os.umask(0)
    for name, major, minor in nodes:
        os.mknod(name, 0o20666, os.makedev(major, minor))
    for name, target in links:
        os.symlink(target, name)
    for name in directories:
        os.mkdir(name, 0o755)
    os.umask(umask)


def make_device(
    context: Context,
    path: str,
    kind: str,
    number: tuple[int, int],
    mode: int,
    owner: tuple[int, int],
) -> None:
    """Make one device node, in place of what has its name."""
    directory, _slash, name = path.rpartition("/")
    parent = make_directories(context.root, directory or "/")
    umask = os.umask(0)
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        pass
    devices.make_node(name, kind, number[0], number[1], mode=mode, fd=parent)
    os.umask(umask)
    os.chown(name, owner[0], owner[1], dir_fd=parent, follow_symlinks=False)
    os.close(parent)


def make_link(context: Context, path: str, target: str) -> None:
    """Make a symlink, unless something has its name."""
    directory, _slash, name = path.rpartition("/")
    parent = make_directories(context.root, directory or "/")
    try:
        os.symlink(target, name, dir_fd=parent)
    except FileExistsError:
        pass
    os.close(parent)


def open_console(context: Context, rows: int, columns: int, bind_console: bool) -> None:
    """Open a terminal in the container's devpts, give its master to the parent."""
    place = open_in_root(context.root, "/dev/pts", _DIRECTORY)
    os.fchdir(place)
    master = tty.open_ptmx("ptmx")
    if rows and columns:
        tty.set_size(master, rows, columns)
    slave = tty.open_slave(master)
    context.send(b"C", (master,))
    os.close(master)
    os.close(place)
    context.stdio = (slave, slave, slave)
    if bind_console:
        tree = mount.open_tree(slave)
        _cover(context.root, "/dev/console", tree)
        os.close(tree)


def write_sysctl(_context: Context, path: str, value: str) -> None:
    """Write a kernel parameter through the container's /proc/sys."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError as error:
        raise Refused(
            f"open {path}: {errno_text(error.errno or 0)}", errno=error.errno or 0
        ) from None
    try:
        os.write(fd, value.encode())
    finally:
        os.close(fd)


def mask_paths(context: Context, paths: tuple[str, ...]) -> None:
    """Hide paths: directories behind an empty read-only tmpfs, files behind /dev/null."""
    null = -1
    for path in paths:
        try:
            place = open_in_root(context.root, path, O_PATH)
        except (FileNotFoundError, NotADirectoryError):
            continue
        if os.fstat(place).st_mode & _S_IFMT == _S_IFDIR:
            tree = _empty_directory(context)
        else:
            null = _open_null(context.root) if null < 0 else null
            tree = mount.open_tree(null)
        mount.move_mount(tree, place)
        os.close(tree)
        os.close(place)
    if null >= 0:
        os.close(null)


def protect_paths(context: Context, paths: tuple[str, ...]) -> None:
    """Make paths read-only, with everything mounted below them."""
    for path in paths:
        try:
            place = open_in_root(context.root, path, O_PATH)
        except (FileNotFoundError, NotADirectoryError):
            continue
        tree = mount.open_tree(place, recursive=True)
        mount.mount_setattr(tree, set=mount.MOUNT_ATTR_RDONLY, recursive=True)
        mount.move_mount(tree, place)
        os.close(tree)
        os.close(place)


def protect_root(context: Context) -> None:
    """Make the root file system read-only, but not what is mounted below it."""
    mount.mount_setattr(context.root, set=mount.MOUNT_ATTR_RDONLY)


def _make_place(root: int, target: str, tree: int) -> int:
    if os.fstat(tree).st_mode & _S_IFMT == _S_IFDIR:
        return make_directories(root, target)
    try:
        return make_file(root, target)
    except IsADirectoryError:
        # runc reports what mount(2) says here.
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), target) from None


def _cover(root: int, path: str, tree: int) -> None:
    place = make_file(root, path)
    mount.move_mount(tree, place)
    os.close(place)


def _empty_directory(context: Context) -> int:
    """Return a detached empty tmpfs, to be attached and closed before the next one is asked for."""
    if context.empty_tree >= 0:
        return mount.open_tree(context.empty_tree)
    context.empty_tree = mount.new_mount(
        "tmpfs", (("size", "0"), ("ro", None)), attributes=mount.MOUNT_ATTR_RDONLY
    )
    # The first is attached itself: before Linux 6.15 only an attached mount can be copied.
    return os.dup(context.empty_tree)


def _open_null(root: int) -> int:
    """Return the container's /dev/null, having looked that it is the null device."""
    fd = open_in_root(root, "/dev/null", O_PATH | os.O_NOFOLLOW)
    status = os.fstat(fd)
    if status.st_mode & _S_IFMT != devices.S_IFCHR or status.st_rdev != os.makedev(1, 3):
        os.close(fd)
        raise Refused("/dev/null of the container is not the null device")
    return fd

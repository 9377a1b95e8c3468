"""Mount options as words, to the kernel's flags. Pure.

Source: OCI runtime-spec 1.2, config.md, Linux mount options; man 8 mount.
"""

from __future__ import annotations

import msgspec

from budu.linux import mount as m

_FLAGS: dict[str, tuple[int, int]] = {
    "async": (0, m.MS_SYNCHRONOUS),
    "atime": (0, m.MS_NOATIME),
    "defaults": (0, 0),
    "dev": (0, m.MS_NODEV),
    "diratime": (0, m.MS_NODIRATIME),
    "dirsync": (m.MS_DIRSYNC, 0),
    "exec": (0, m.MS_NOEXEC),
    "iversion": (m.MS_I_VERSION, 0),
    "lazytime": (m.MS_LAZYTIME, 0),
    "loud": (0, m.MS_SILENT),
    "mand": (m.MS_MANDLOCK, 0),
    "noatime": (m.MS_NOATIME, 0),
    "nodev": (m.MS_NODEV, 0),
    "nodiratime": (m.MS_NODIRATIME, 0),
    "noexec": (m.MS_NOEXEC, 0),
    "noiversion": (0, m.MS_I_VERSION),
    "nolazytime": (0, m.MS_LAZYTIME),
    "nomand": (0, m.MS_MANDLOCK),
    "norelatime": (0, m.MS_RELATIME),
    "nostrictatime": (0, m.MS_STRICTATIME),
    "nosuid": (m.MS_NOSUID, 0),
    "nosymfollow": (m.MS_NOSYMFOLLOW, 0),
    "relatime": (m.MS_RELATIME, 0),
    "ro": (m.MS_RDONLY, 0),
    "rw": (0, m.MS_RDONLY),
    "silent": (m.MS_SILENT, 0),
    "strictatime": (m.MS_STRICTATIME, 0),
    "suid": (0, m.MS_NOSUID),
    "symfollow": (0, m.MS_NOSYMFOLLOW),
    "sync": (m.MS_SYNCHRONOUS, 0),
}
"""Option to the MS_* flags that it sets and clears."""

_ATTRIBUTES: dict[str, tuple[int, int]] = {
    "atime": (0, m.MOUNT_ATTR_NOATIME),
    "dev": (0, m.MOUNT_ATTR_NODEV),
    "diratime": (0, m.MOUNT_ATTR_NODIRATIME),
    "exec": (0, m.MOUNT_ATTR_NOEXEC),
    "noatime": (m.MOUNT_ATTR_NOATIME, m.MOUNT_ATTR__ATIME),
    "nodev": (m.MOUNT_ATTR_NODEV, 0),
    "nodiratime": (m.MOUNT_ATTR_NODIRATIME, 0),
    "noexec": (m.MOUNT_ATTR_NOEXEC, 0),
    "nosuid": (m.MOUNT_ATTR_NOSUID, 0),
    "nosymfollow": (m.MOUNT_ATTR_NOSYMFOLLOW, 0),
    "relatime": (m.MOUNT_ATTR_RELATIME, m.MOUNT_ATTR__ATIME),
    "ro": (m.MOUNT_ATTR_RDONLY, 0),
    "rw": (0, m.MOUNT_ATTR_RDONLY),
    "strictatime": (m.MOUNT_ATTR_STRICTATIME, m.MOUNT_ATTR__ATIME),
    "suid": (0, m.MOUNT_ATTR_NOSUID),
    "symfollow": (0, m.MOUNT_ATTR_NOSYMFOLLOW),
}
"""Option to the MOUNT_ATTR_* bits that it sets and clears; with an "r" in front on a whole tree."""

_PROPAGATIONS = {
    "private": m.MS_PRIVATE,
    "shared": m.MS_SHARED,
    "slave": m.MS_SLAVE,
    "unbindable": m.MS_UNBINDABLE,
}


def is_option(word: str) -> bool:
    """Whether the kernel knows the word for every kind of mount."""
    return word in _FLAGS or word.removeprefix("r") in _PROPAGATIONS


class MountOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of one mount, sorted out.

    `flags` are MS_*, `attributes` the MOUNT_ATTR_* bits to set and clear on the top mount and then
    on the tree, `propagation` MS_* or 0, `data` what the file system itself reads.
    """

    flags: int = 0
    attributes: tuple[int, int, int, int] = (0, 0, 0, 0)
    propagation: int = 0
    propagation_recursive: bool = False
    bind: bool = False
    bind_recursive: bool = False
    data: str = ""


def parse_propagation(word: str) -> tuple[int, bool]:
    """Return (MS_* flag, recursive) of `rprivate` and the like; (0, False) for other words."""
    if word in _PROPAGATIONS:
        return _PROPAGATIONS[word], False
    if word[:1] == "r" and word[1:] in _PROPAGATIONS:
        return _PROPAGATIONS[word[1:]], True
    return 0, False


def parse_options(options: tuple[str, ...]) -> MountOptions:
    """Sort the words; the last one of a contradicting pair wins."""
    flags = 0
    top, tree = (0, 0), (0, 0)
    propagation = (0, False)
    binds: set[str] = set()
    data: list[str] = []
    for word in options:
        if word in ("bind", "rbind"):
            binds.add(word)
        elif found := parse_propagation(word)[0]:
            propagation = (found, parse_propagation(word)[1])
        elif word in _FLAGS:
            flags = flags & ~_FLAGS[word][1] | _FLAGS[word][0]
            top = _combine(top, _ATTRIBUTES.get(word, (0, 0)))
        elif word[:1] == "r" and word[1:] in _ATTRIBUTES:
            tree = _combine(tree, _ATTRIBUTES[word[1:]])
        else:
            data.append(word)
    return MountOptions(
        flags=flags,
        attributes=(*top, *tree),
        propagation=propagation[0],
        propagation_recursive=propagation[1],
        bind=bool(binds),
        bind_recursive="rbind" in binds,
        data=",".join(data),
    )


def _combine(old: tuple[int, int], new: tuple[int, int]) -> tuple[int, int]:
    """Add bits to set and to clear to older ones. The kernel clears first, then sets."""
    return old[0] & ~new[1] | new[0], old[1] & ~new[0] | new[1]

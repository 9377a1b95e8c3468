"""The mount table of a process. Source: man 5 proc_pid_mountinfo."""

from __future__ import annotations


class MountInfo:
    """One mount. `root` is the path within its file system, `tags` are "shared:N", "master:N"."""

    __slots__ = (
        "device",
        "fstype",
        "id",
        "options",
        "parent",
        "root",
        "source",
        "super_options",
        "tags",
        "target",
    )

    def __init__(
        self,
        *,
        id: int,
        parent: int,
        device: tuple[int, int],
        root: str,
        target: str,
        options: tuple[str, ...],
        tags: tuple[str, ...],
        fstype: str,
        source: str,
        super_options: tuple[str, ...],
    ) -> None:
        self.id = id
        self.parent = parent
        self.device = device
        self.root = root
        self.target = target
        self.options = options
        self.tags = tags
        self.fstype = fstype
        self.source = source
        self.super_options = super_options


def parse_mountinfo(text: str) -> list[MountInfo]:
    """Return the mounts in the text of a mountinfo file, in its order."""
    return [_parse_line(line) for line in text.split("\n") if line]


def read_mountinfo(pid: int | str = "self") -> list[MountInfo]:
    """Return the mounts that a process sees."""
    with open(f"/proc/{pid}/mountinfo", errors="surrogateescape") as file:  # noqa: PTH123
        return parse_mountinfo(file.read())


def mount_of(path: str, mounts: list[MountInfo]) -> MountInfo | None:
    """Return the mount that the absolute, resolved `path` lies in: the topmost of the deepest."""
    found = None
    for entry in mounts:
        below = entry.target == "/" or path == entry.target or path.startswith(entry.target + "/")
        if below and (found is None or len(entry.target) >= len(found.target)):
            found = entry
    return found


def _parse_line(line: str) -> MountInfo:
    fields = line.split(" ")
    separator = fields.index("-", 6)
    major, _colon, minor = fields[2].partition(":")
    return MountInfo(
        id=int(fields[0]),
        parent=int(fields[1]),
        device=(int(major), int(minor)),
        root=_unescape(fields[3]),
        target=_unescape(fields[4]),
        options=tuple(fields[5].split(",")),
        tags=tuple(fields[6:separator]),
        fstype=fields[separator + 1],
        source=_unescape(fields[separator + 2]),
        super_options=tuple(fields[separator + 3].split(",")),
    )


def _unescape(text: str) -> str:
    """Undo the kernel's octal escapes of space, tab, newline and backslash."""
    head, *rest = text.split("\\")
    return head + "".join(chr(int(part[:3], 8)) + part[3:] for part in rest)

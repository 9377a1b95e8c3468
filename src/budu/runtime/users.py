"""Finds a user by the texts of a container's /etc/passwd and /etc/group.

The rules are those of Docker's `--user name[:group]`, to the sentence. Pure: who reads the files
is `runtime.steps`, inside the container's root. Standard library only.
Source: moby/sys/user GetExecUser and GetAdditionalGroups; runc init, setupUser (HOME).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ID = (1 << 31) - 1


class UserNotFound(Exception):
    """A name is in neither file, or an id is out of range; the text is Docker's sentence."""


class ResolvedUser:
    """Who a process runs as.

    `groups` are the supplementary groups, without `gid`. `home` is / for unknown users.
    """

    __slots__ = ("gid", "groups", "home", "uid")

    def __init__(self, *, uid: int, gid: int, groups: tuple[int, ...], home: str) -> None:
        self.uid = uid
        self.gid = gid
        self.groups = groups
        self.home = home


def resolve_user(
    user: str, *, passwd: str | None, group: str | None, extra_groups: tuple[str, ...] = ()
) -> ResolvedUser:
    """Resolve `user` ("", "name", "uid", "name:group", …) and the names in `extra_groups`.

    A missing file is None. Numbers need no entry; "" is uid 0.

    Raises: UserNotFound.
    """
    user_name, _colon, group_name = user.partition(":")
    name, uid, gid, home = _find_user(user_name, passwd)
    groups: list[int] = []
    if group_name:
        gid = _find_group(group_name, group)
    elif name:
        groups = [number for _name, number, members in _groups(group) if name in members]
    for extra in extra_groups:
        groups.append(_find_group(extra, group))
    return ResolvedUser(uid=uid, gid=gid, groups=_distinct(groups), home=home)


def home_of(uid: int, passwd: str | None) -> str:
    """Return the home directory of `uid`, / when unknown."""
    for _name, number, _gid, home in _users(passwd):
        if number == uid:
            return home or "/"
    return "/"


def _find_user(user: str, passwd: str | None) -> tuple[str, int, int, str]:
    wanted = _number(user) if user else 0
    for name, uid, gid, home in _users(passwd):
        if (uid == wanted) if wanted is not None else (name == user):
            return name, uid, gid, home or "/"
    if wanted is None:
        raise UserNotFound(f"unable to find user {user}: no matching entries in passwd file")
    return "", _in_range(wanted), 0, "/"


def _find_group(group: str, text: str | None) -> int:
    wanted = _number(group)
    for name, gid, _members in _groups(text):
        if (gid == wanted) if wanted is not None else (name == group):
            return gid
    if wanted is None:
        raise UserNotFound(f"unable to find group {group}: no matching entries in group file")
    return _in_range(wanted)


def _users(passwd: str | None) -> Iterator[tuple[str, int, int, str]]:
    """Yield (name, uid, gid, home) of every line."""
    for line in (passwd or "").split("\n"):
        if line := line.strip():
            row = _fields(line, 6)
            yield row[0], _number(row[2]) or 0, _number(row[3]) or 0, row[5]


def _groups(group: str | None) -> Iterator[tuple[str, int, list[str]]]:
    """Yield (name, gid, members) of every line."""
    for line in (group or "").split("\n"):
        if line := line.strip():
            row = _fields(line, 4)
            yield row[0], _number(row[2]) or 0, row[3].split(",")


def _fields(line: str, count: int) -> list[str]:
    fields = line.split(":")
    return fields + [""] * (count - len(fields))


def _number(text: str) -> int | None:
    digits = text[1:] if text[:1] in ("-", "+") else text
    return int(text) if digits.isascii() and digits.isdigit() else None


def _in_range(number: int) -> int:
    if not 0 <= number <= MAX_ID:
        raise UserNotFound(f"uids and gids must be in range 0-{MAX_ID}")
    return number


def _distinct(numbers: list[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(numbers))

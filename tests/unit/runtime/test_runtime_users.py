"""Docker's rules for `--user`, by the texts of passwd and group."""

from __future__ import annotations

import pytest

from budu.runtime.users import UserNotFound, home_of, resolve_user

PASSWD = """root:x:0:0:root:/root:/bin/sh

  daemon:x:1:1::/usr/sbin:/bin/false
twice:x:5:50::/first:
twice:x:6:60::/second:
broken
nohome:x:8:8
"""
GROUP = """root:x:0:
wheel:x:10:root,daemon
audio:x:29:daemon
staff:x:50:
"""


def _resolve(user: str, *extra: str) -> tuple[int, int, tuple[int, ...], str]:
    found = resolve_user(user, passwd=PASSWD, group=GROUP, extra_groups=extra)
    return found.uid, found.gid, found.groups, found.home


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("", (0, 0, (10,), "/root")),
        ("root", (0, 0, (10,), "/root")),
        ("0", (0, 0, (10,), "/root")),
        ("daemon", (1, 1, (10, 29), "/usr/sbin")),
        ("1", (1, 1, (10, 29), "/usr/sbin")),
        ("twice", (5, 50, (), "/first")),
        ("4711", (4711, 0, (), "/")),
        ("4711:12", (4711, 12, (), "/")),
        ("daemon:staff", (1, 50, (), "/usr/sbin")),
        ("daemon:77", (1, 77, (), "/usr/sbin")),
        ("daemon:", (1, 1, (10, 29), "/usr/sbin")),
        (":staff", (0, 50, (), "/root")),
        ("nohome", (8, 8, (), "/")),
    ],
)
def test_user_forms(user: str, expected: tuple[int, int, tuple[int, ...], str]) -> None:
    assert _resolve(user) == expected


def test_extra_groups_come_last_and_once() -> None:
    assert _resolve("daemon", "staff", "29", "300")[2] == (10, 29, 50, 300)


@pytest.mark.parametrize(
    ("user", "extra", "sentence"),
    [
        ("nobody", (), "unable to find user nobody: no matching entries in passwd file"),
        ("root:none", (), "unable to find group none: no matching entries in group file"),
        ("root", ("none",), "unable to find group none: no matching entries in group file"),
        ("2147483648", (), "uids and gids must be in range 0-2147483647"),
        ("-1", (), "uids and gids must be in range 0-2147483647"),
        ("1:2147483648", (), "uids and gids must be in range 0-2147483647"),
    ],
)
def test_unknown_ones_have_dockers_sentence(
    user: str, extra: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(UserNotFound) as failure:
        _resolve(user, *extra)
    assert str(failure.value) == sentence


def test_missing_files_allow_numbers_only() -> None:
    found = resolve_user("", passwd=None, group=None)
    assert (found.uid, found.gid, found.home) == (0, 0, "/")
    with pytest.raises(UserNotFound):
        resolve_user("root", passwd=None, group=None)


def test_home_of_uid() -> None:
    assert (home_of(1, PASSWD), home_of(99, PASSWD), home_of(0, None)) == ("/usr/sbin", "/", "/")

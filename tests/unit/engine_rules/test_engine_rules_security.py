"""Capabilities and `--security-opt`."""

from __future__ import annotations

import pytest

from budu.base.errors import InvalidArgument
from budu.engine.containers.security import (
    DEFAULT_CAPABILITIES,
    MASKED_PATHS,
    READONLY_PATHS,
    SecurityOptions,
    effective_capabilities,
    masked_paths,
    parse_security_options,
    readonly_paths,
)
from budu.linux.capabilities import NAMES
from budu.spec.api.host_config import HostConfig


def capabilities(*, add: str = "", drop: str = "", privileged: bool = False) -> set[str]:
    words = {"add": add.split(), "drop": drop.split()}
    return set(effective_capabilities(**words, privileged=privileged))


DEFAULT = set(DEFAULT_CAPABILITIES)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, DEFAULT),
        ({"add": "NET_ADMIN"}, DEFAULT | {"CAP_NET_ADMIN"}),
        ({"add": "cap_net_admin"}, DEFAULT | {"CAP_NET_ADMIN"}),
        ({"drop": "CHOWN"}, DEFAULT - {"CAP_CHOWN"}),
        ({"drop": "all"}, set()),
        ({"drop": "ALL", "add": "CHOWN"}, {"CAP_CHOWN"}),
        ({"add": "ALL"}, set(NAMES)),
        ({"add": "ALL", "drop": "SYS_ADMIN"}, set(NAMES) - {"CAP_SYS_ADMIN"}),
        ({"add": "ALL SYS_ADMIN", "drop": "SYS_ADMIN"}, set(NAMES) - {"CAP_SYS_ADMIN"}),
        ({"add": "CHOWN", "drop": "CHOWN"}, DEFAULT),
        ({"drop": "ALL", "privileged": True}, set(NAMES)),
    ],
)
def test_capabilities_of(options: dict[str, object], expected: set[str]) -> None:
    assert capabilities(**options) == expected  # type: ignore[arg-type]


def test_capabilities_keep_the_kernels_order() -> None:
    chosen = effective_capabilities(add=["NET_ADMIN", "BPF"], drop=[], privileged=False)
    assert list(chosen) == [name for name in NAMES if name in chosen]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"add": "FLY"}, 'invalid CapAdd: unknown capability: "CAP_FLY"'),
        ({"drop": "cap_fly"}, 'invalid CapDrop: unknown capability: "CAP_FLY"'),
    ],
)
def test_unknown_capability_is_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        capabilities(**options)  # type: ignore[arg-type]
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("no-new-privileges", SecurityOptions(no_new_privileges=True)),
        ("no-new-privileges=true", SecurityOptions(no_new_privileges=True)),
        ("no-new-privileges:true", SecurityOptions(no_new_privileges=True)),
        ("no-new-privileges=0", SecurityOptions()),
        ("seccomp=unconfined", SecurityOptions(seccomp="unconfined")),
        ('seccomp={"a":"b=c"}', SecurityOptions(seccomp='{"a":"b=c"}')),
        ("seccomp=builtin", SecurityOptions()),
        ("apparmor=docker-default", SecurityOptions(apparmor="docker-default")),
        ("label=disable", SecurityOptions()),
        ("writable-cgroups=true", SecurityOptions(writable_cgroups=True)),
    ],
)
def test_security_option_is_read(option: str, expected: SecurityOptions) -> None:
    assert parse_security_options([option]) == expected


@pytest.mark.parametrize(
    ("option", "number"),
    [("odd", 1), ("odd=1", 2), ("no-new-privileges=maybe", 2), ("no-new-privileges=tRuE", 2)],
)
def test_unknown_security_option_is_refused(option: str, number: int) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_security_options([option])
    assert caught.value.message == f'invalid --security-opt {number}: "{option}"'


def test_paths_are_hidden_unless_something_else_was_chosen() -> None:
    host = HostConfig()
    assert (masked_paths(host), readonly_paths(host)) == ([*MASKED_PATHS], [*READONLY_PATHS])
    host = HostConfig(privileged=True)
    assert (masked_paths(host), readonly_paths(host)) == (None, None)
    host = HostConfig(masked_paths=["/x"], readonly_paths=[], privileged=True)
    assert (masked_paths(host), readonly_paths(host)) == (["/x"], [])

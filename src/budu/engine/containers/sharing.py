"""Joining namespaces of another container: `--network`, `--pid` and `--ipc container:NAME`.

At creation a name becomes an id; at each start the donor must run, and its namespaces are opened
by descriptor. Who joins a network also has the donor's hosts, hostname and resolv.conf; who joins
an ipc namespace has its /dev/shm, which the donor must offer with `--ipc shareable`.
Source: Engine API 1.51 HostConfig (NetworkMode, PidMode, IpcMode); moby 28.3,
daemon/container_operations_unix.go and runconfig/hostconfig_unix.go for the sentences.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress

import msgspec

from budu.base.errors import Conflict, InvalidArgument, NotFound
from budu.engine.containers.model import Container
from budu.linux.libc import AT_FDCWD
from budu.linux.mount import open_tree
from budu.linux.namespaces import CLONE_FS, CLONE_NEWNS, setns, unshare
from budu.shim.client import process_start_ticks
from budu.spec.api.host_config import HostConfig

_PREFIX = "container:"
_SHM = "/dev/shm"
_WORDS = {"network": "network", "pid": "PID namespace", "ipc": "IPC"}
_MODES = {"network": "network_mode", "pid": "pid_mode", "ipc": "ipc_mode"}


def donors(host: HostConfig) -> dict[str, str]:
    """Kind of namespace (`network`, `pid`, `ipc`) → the container whose namespace is joined."""
    modes = {kind: str(getattr(host, field)) for kind, field in _MODES.items()}
    return {
        kind: mode.removeprefix(_PREFIX) for kind, mode in modes.items() if mode.startswith(_PREFIX)
    }


def with_donor_ids(host: HostConfig, find: Callable[[str], Container]) -> HostConfig:
    """The same modes with ids for names; a donor that is not there is looked for by the start.

    Raises: InvalidArgument for a mode without a name.
    """
    for kind, ref in donors(host).items():
        if not ref:
            words = "invalid container format container:<name|id>"
            raise InvalidArgument(
                f"invalid {_WORDS[kind]} mode: {words if kind == 'network' else _PREFIX}"
            )
        with suppress(NotFound):
            host = msgspec.structs.replace(host, **{_MODES[kind]: _PREFIX + find(ref).id})
    return host


def check_shared_network(host: HostConfig, *, hostname: str, mac: str, exposed: bool) -> None:
    """Refuse what a container without a network of its own cannot have.

    Raises: InvalidArgument with Docker's sentence.
    """
    if "network" not in donors(host):
        return
    kind = "the container type network mode"
    conflicts = (
        (hostname, "hostname and the network mode"),
        (host.links, "container type network can't be used with links. This would result in "
                     "undefined behavior"),
        (host.dns, "dns and the network mode"),
        (host.extra_hosts, "custom host-to-IP mapping and the network mode"),
        (mac, "mac-address and the network mode"),
        (host.port_bindings or host.publish_all_ports, f"port publishing and {kind}"),
        (exposed, f"port exposing and {kind}"),
    )  # fmt: skip
    for given, words in conflicts:
        if given:
            raise InvalidArgument(f"conflicting options: {words}")


class Shared(msgspec.Struct, kw_only=True):
    """What a start takes from other containers; `close` it when the process has its copies."""

    fds: dict[str, int]
    """Descriptors by the names that the specification refers to: netns, pidns, ipcns, shm."""
    network_donor: Container | None = None
    """Whose files about the network are shared."""

    def close(self) -> None:
        """Close what was not taken over."""
        for fd in self.fds.values():
            os.close(fd)
        self.fds = {}


def open_shared(container: Container, find: Callable[[str], Container]) -> Shared:
    """The namespaces that a container joins.

    Raises: NotFound, Conflict when a donor does not run or does not share.
    """
    shared = Shared(fds={})
    try:
        for kind, ref in donors(container.host_config).items():
            donor = find(ref)
            _check_donor(donor, kind)
            name = {"network": "net"}.get(kind, kind)
            shared.fds[f"{name}ns"] = _open_namespace(donor, name)
            if kind == "ipc":
                shared.fds["shm"] = _clone_shm(donor)
            if kind == "network":
                shared.network_donor = donor
    except BaseException:
        shared.close()
        raise
    return shared


def _check_donor(donor: Container, kind: str) -> None:
    if not donor.is_running:
        raise Conflict(f"cannot join {_WORDS[kind]} of a non running container: {donor.id}")
    if kind == "ipc" and donor.host_config.ipc_mode != "shareable":
        raise InvalidArgument(
            f"cannot join IPC of container {donor.id}: non-shareable IPC (hint: use "
            "IpcMode:shareable for the donor container)"
        )


def _open_namespace(donor: Container, name: str) -> int:
    """A namespace of the donor's process 1, which may have ended a moment ago."""
    try:
        fd = os.open(f"/proc/{donor.pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise _gone(donor, name) from None
    if process_start_ticks(donor.pid) != donor.pid_started:
        os.close(fd)
        raise _gone(donor, name)
    return fd


def _gone(donor: Container, name: str) -> Conflict:
    return Conflict(f"cannot join {name} of a non running container: {donor.id}")


def _clone_shm(donor: Container) -> int:
    """The donor's /dev/shm as a detached mount.

    A tree can be cloned only from inside its mount namespace: a thread of its own goes there, and
    ends there.
    """
    namespace = _open_namespace(donor, "mnt")
    found: list[int] = []
    failed: list[OSError] = []

    def go() -> None:
        try:
            unshare(CLONE_FS)
            setns(namespace, CLONE_NEWNS)
            found.append(open_tree(AT_FDCWD, _SHM))
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=go, name="donor-shm")
    thread.start()
    thread.join()
    os.close(namespace)
    if failed:
        raise Conflict(
            f"cannot join IPC of container {donor.id}: {_SHM}: {failed[0].strerror}"
        ) from failed[0]
    return found[0]

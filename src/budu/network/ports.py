"""Host ports, held by bound sockets.

A held tcp port listens, so that `ss` shows it and no other program can take it; connections
never arrive there, because the firewall leads them to the container first.

Source: moby 28.3, libnetwork/portallocator (order, sentences).
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import msgspec

from budu.base.errors import (
    BuduError,
    Conflict,
    Hint,
    InvalidArgument,
    PermissionDenied,
    ResourceExhausted,
)
from budu.network.contract import (
    ANY_ADDRESS,
    SCTP,
    TCP,
    UDP,
    PortBinding,
    PortRequest,
)
from budu.network.holders import find_holder

_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_DEFAULT_EPHEMERAL = (49153, 65535)
_LAST_PORT = 65535
_SOCKET_KINDS = {TCP: socket.SOCK_STREAM, UDP: socket.SOCK_DGRAM, SCTP: socket.SOCK_STREAM}
_NUMBERS = {TCP: socket.IPPROTO_TCP, UDP: socket.IPPROTO_UDP, SCTP: socket.IPPROTO_SCTP}
_FIRST_UNPRIVILEGED_PORT = 1024


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """The endpoint that ports are held for: container's name, endpoint id, container's address."""

    name: str
    endpoint_id: str
    address: str


class _Held(msgspec.Struct, frozen=True, kw_only=True):
    owner: Owner
    binding: PortBinding
    socket: socket.socket | None


class PortAllocator:
    """The host ports that containers hold. Their sockets close with `release` or `close`."""

    def __init__(self, *, default_address: str = ANY_ADDRESS) -> None:
        self._default_address = default_address
        self._held: dict[tuple[str, int], list[_Held]] = {}
        self._next_ephemeral = 0

    def allocate(self, requests: Sequence[PortRequest], owner: Owner) -> tuple[PortBinding, ...]:
        """Hold a host port for every request, in their order; all or none.

        Raises: Conflict when a port is taken, with Docker's sentence and who holds it;
        PermissionDenied for a privileged port; InvalidArgument for an address that is not here;
        ResourceExhausted when a range is used up.
        """
        bindings: dict[int, PortBinding] = {}
        try:
            for index in sorted(range(len(requests)), key=lambda i: _is_choice(requests[i])):
                bindings[index] = self._allocate_one(requests[index], owner)
        except BuduError:
            self.release(list(bindings.values()))
            raise
        return tuple(bindings[index] for index in range(len(requests)))

    def restore(self, bindings: Sequence[PortBinding], owner: Owner) -> list[PortBinding]:
        """Hold ports again that the firewall publishes already.

        Returns those whose socket another process has taken in the meantime; they are published
        all the same and counted as held.
        """
        lost = []
        for binding in bindings:
            holder = self._conflicting(binding)
            if holder is not None and holder.owner.endpoint_id == owner.endpoint_id:
                continue
            try:
                held = _bind(binding)
            except OSError:
                lost.append(binding)
                held = None
            self._keep(binding, owner, held)
        return lost

    def release(self, bindings: Sequence[PortBinding]) -> None:
        """Let go of the ports; those that are not held are fine."""
        for binding in bindings:
            key = (binding.protocol, binding.host_port)
            for held in [h for h in self._held.get(key, ()) if h.binding == binding]:
                self._held[key].remove(held)
                if held.socket is not None:
                    held.socket.close()
            if not self._held.get(key):
                self._held.pop(key, None)

    def close(self) -> None:
        """Let go of every port."""
        for holders in list(self._held.values()):
            self.release([held.binding for held in holders])

    def _allocate_one(self, request: PortRequest, owner: Owner) -> PortBinding:
        for port in self._candidates(request):
            binding = PortBinding(
                container_port=request.container_port,
                protocol=request.protocol,
                host_address=request.host_address or self._default_address,
                host_port=port,
            )
            refusal = self._try_hold(binding, owner)
            if refusal is None:
                return binding
            if not (_is_choice(request) and _is_taken(refusal)):
                raise self._explain(binding, owner, refusal)
        raise _exhausted(request, owner)

    def _candidates(self, request: PortRequest) -> Iterator[int]:
        if request.host_first:
            yield from range(request.host_first, request.host_last + 1)
            return
        first, last = ephemeral_range()
        start = self._next_ephemeral if first <= self._next_ephemeral <= last else first
        for port in (*range(start, last + 1), *range(first, start)):
            self._next_ephemeral = port + 1
            yield port

    def _try_hold(self, binding: PortBinding, owner: Owner) -> _Held | OSError | None:
        """Hold the port; else return the container that has it, or what the kernel said."""
        holder = self._conflicting(binding)
        if holder is not None:
            return holder
        try:
            held = _bind(binding)
        except OSError as error:
            return error
        self._keep(binding, owner, held)
        return None

    def _keep(self, binding: PortBinding, owner: Owner, held: socket.socket | None) -> None:
        key = (binding.protocol, binding.host_port)
        entry = _Held(owner=owner, binding=binding, socket=held)
        self._held.setdefault(key, []).append(entry)

    def _conflicting(self, binding: PortBinding) -> _Held | None:
        for held in self._held.get((binding.protocol, binding.host_port), ()):
            addresses = {held.binding.host_address, binding.host_address}
            if len(addresses) == 1 or ANY_ADDRESS in addresses:
                return held
        return None

    def _explain(self, binding: PortBinding, owner: Owner, refusal: _Held | OSError) -> BuduError:
        prefix = (
            "driver failed programming external connectivity on endpoint "
            f"{owner.name} ({owner.endpoint_id})"
        )
        host = f"{binding.host_address}:{binding.host_port}"
        if isinstance(refusal, _Held):
            hint = Hint(
                "network.port-held-by-container",
                port=binding.host_port,
                container=refusal.owner.name,
                free=self.free_port_after(binding),
            )
            return Conflict(
                f"{prefix}: Bind for {host} failed: port is already allocated", hint=hint
            )
        target = f"{owner.address}:{binding.container_port}/{binding.protocol}"
        reason = os.strerror(refusal.errno or errno.EIO).lower()
        text = f"{prefix}: failed to bind host port for {host}:{target}: {reason}"
        return self._bind_error(binding, text, refusal.errno)

    def _bind_error(self, binding: PortBinding, text: str, code: int | None) -> BuduError:
        if code == errno.EADDRNOTAVAIL:
            address = binding.host_address
            return InvalidArgument(text, hint=Hint("network.address-not-here", address=address))
        if code in (errno.EACCES, errno.EPERM):
            port = binding.host_port
            return PermissionDenied(text, hint=Hint("network.port-privileged", port=port))
        return Conflict(text, hint=self._foreign_holder(binding))

    def _foreign_holder(self, binding: PortBinding) -> Hint:
        holder = find_holder(binding.protocol, binding.host_port)
        free = self.free_port_after(binding)
        if holder is None:
            return Hint("network.port-in-use", port=binding.host_port, free=free)
        return Hint(
            "network.port-held-by-process",
            port=binding.host_port,
            process=holder.name,
            pid=holder.pid,
            free=free,
        )

    def free_port_after(self, binding: PortBinding) -> int:
        """The next port above that could be published now, else one below; 0 without any."""
        above = range(binding.host_port + 1, _LAST_PORT + 1)
        below = range(_FIRST_UNPRIVILEGED_PORT, binding.host_port)
        for port in chain(above, below):
            candidate = msgspec.structs.replace(binding, host_port=port)
            if self._conflicting(candidate) is not None:
                continue
            try:
                held = _bind(candidate)
            except OSError:
                continue
            if held is not None:
                held.close()
            return port
        return 0


def ephemeral_range() -> tuple[int, int]:
    """The first and last port that the kernel may choose, as Docker takes them."""
    try:
        first, last = map(int, _EPHEMERAL_RANGE.read_text().split())
    except (OSError, ValueError):
        return _DEFAULT_EPHEMERAL
    return first, last


def _bind(binding: PortBinding) -> socket.socket | None:
    """A socket on the host port; None where the kernel has no such protocol (sctp).

    SO_REUSEADDR passes over connections of an earlier program that are still dying (tcp only:
    for udp it would allow two owners); listening then makes the port ours alone.
    """
    kind, number = _SOCKET_KINDS[binding.protocol], _NUMBERS[binding.protocol]
    try:
        held = socket.socket(socket.AF_INET, kind, number)
    except OSError as error:
        if error.errno in (errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT):
            return None
        raise
    try:
        if binding.protocol != UDP:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((binding.host_address, binding.host_port))
        if binding.protocol != UDP:
            held.listen(0)
    except OSError:
        held.close()
        raise
    return held


def _is_choice(request: PortRequest) -> bool:
    """Whether several host ports would do.

    These come last: they must not take a port that the same container names.
    """
    return request.host_first == 0 or request.host_first != request.host_last


def _is_taken(refusal: _Held | OSError) -> bool:
    return isinstance(refusal, _Held) or refusal.errno == errno.EADDRINUSE


def _exhausted(request: PortRequest, owner: Owner) -> ResourceExhausted:
    first, last = (request.host_first, request.host_last)
    if not first:
        first, last = ephemeral_range()
    return ResourceExhausted(
        "driver failed programming external connectivity on endpoint "
        f"{owner.name} ({owner.endpoint_id}): all ports are allocated",
        hint=Hint("network.range-used-up", range=f"{first}-{last}"),
    )

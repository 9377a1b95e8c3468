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
from ipaddress import ip_address
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
    ANY_ADDRESS6,
    LAN,
    ME,
    SCTP,
    TCP,
    UDP,
    WORLD,
    PortBinding,
    PortRequest,
)
from budu.network.holders import find_holder
from budu.network.hosts import has_ipv6
from budu.network.options import ROUTED

_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_DEFAULT_EPHEMERAL = (49153, 65535)
_LAST_PORT = 65535
_SOCKET_KINDS = {TCP: socket.SOCK_STREAM, UDP: socket.SOCK_DGRAM, SCTP: socket.SOCK_STREAM}
_NUMBERS = {TCP: socket.IPPROTO_TCP, UDP: socket.IPPROTO_UDP, SCTP: socket.IPPROTO_SCTP}
_FIRST_UNPRIVILEGED_PORT = 1024
_ANY = (ANY_ADDRESS, ANY_ADDRESS6)
_LOOPBACK = ("127.0.0.1", "::1")


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """The endpoint that ports are held for, and how its network publishes.

    `name` is the container's; `mode4` and `mode6` are the network's gateway modes; `hosts` the
    addresses of ports that name none, `reach` theirs. `relay`: IPv6 clients may be passed on to a
    container without IPv6. `families` are those that have firewall rules.
    """

    name: str
    endpoint_id: str
    address: str
    address6: str = ""
    mode4: str = "nat"
    mode6: str = "nat"
    hosts: tuple[str, ...] = _ANY
    reach: str = ""
    relay: bool = True
    families: tuple[int, ...] = (4, 6)


class _Held(msgspec.Struct, frozen=True, kw_only=True):
    owner: Owner
    binding: PortBinding
    socket: socket.socket | None


class PortAllocator:
    """The host ports that containers hold. Their sockets close with `release` or `close`."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, int], list[_Held]] = {}
        self._next_ephemeral = 0

    def allocate(self, requests: Sequence[PortRequest], owner: Owner) -> tuple[PortBinding, ...]:
        """Hold a host port for every request, in their order; all or none.

        Raises: Conflict when a port is taken, with Docker's sentence and who holds it;
        PermissionDenied for a privileged port; InvalidArgument for an address that is not here;
        ResourceExhausted when a range is used up.
        """
        found: dict[int, tuple[PortBinding, ...]] = {}
        try:
            for index in sorted(range(len(requests)), key=lambda i: _is_choice(requests[i])):
                found[index] = self._allocate_one(requests[index], owner)
        except BuduError:
            self.release(list(chain.from_iterable(found.values())))
            raise
        return tuple(chain.from_iterable(found[index] for index in range(len(requests))))

    def restore(self, bindings: Sequence[PortBinding], owner: Owner) -> list[PortBinding]:
        """Hold ports again that the firewall publishes already.

        Returns those whose socket another process has taken in the meantime; they are published
        all the same and counted as held.
        """
        lost = []
        for binding in bindings:
            if not binding.host_port:
                continue
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

    def socket_of(self, binding: PortBinding) -> socket.socket | None:
        """The socket that holds a port; None where nothing could hold it."""
        for held in self._held.get((binding.protocol, binding.host_port), ()):
            if held.binding == binding:
                return held.socket
        return None

    def close(self) -> None:
        """Let go of every port."""
        for holders in list(self._held.values()):
            self.release([held.binding for held in holders])

    def _allocate_one(self, request: PortRequest, owner: Owner) -> tuple[PortBinding, ...]:
        wanted = wanted_bindings(request, owner)
        routed = tuple(each for each in wanted if each.host_port == 0)
        mapped = [each for each in wanted if each.host_port]
        if not mapped:
            return routed
        for port in self._candidates(request):
            bindings = [msgspec.structs.replace(each, host_port=port) for each in mapped]
            refused = self._hold_all(bindings, owner)
            if refused is None:
                return (*bindings, *routed)
            binding, refusal = refused
            if not (_is_choice(request) and _is_taken(refusal)):
                raise self._explain(binding, owner, refusal)
        raise _exhausted(request, owner)

    def _hold_all(
        self, bindings: Sequence[PortBinding], owner: Owner
    ) -> tuple[PortBinding, _Held | OSError] | None:
        """Hold all of them or none; the first that cannot be held, and why."""
        for index, binding in enumerate(bindings):
            refusal = self._try_hold(binding, owner)
            if refusal is not None:
                self.release(bindings[:index])
                return binding, refusal
        return None

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
            if len({":" in each for each in addresses}) == 1 and (
                len(addresses) == 1 or addresses & set(_ANY)
            ):
                return held
        return None

    def _explain(self, binding: PortBinding, owner: Owner, refusal: _Held | OSError) -> BuduError:
        prefix = (
            "driver failed programming external connectivity on endpoint "
            f"{owner.name} ({owner.endpoint_id})"
        )
        host = _with_port(binding.host_address, binding.host_port)
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
        is_v6 = ":" in binding.host_address
        address = owner.address6 if is_v6 and owner.address6 else owner.address
        target = f"{_with_port(address, binding.container_port)}/{binding.protocol}"
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


def wanted_bindings(request: PortRequest, owner: Owner) -> list[PortBinding]:
    """The bindings that a wish makes, their host ports 1 where one is still to be found.

    A port of a routed network needs no port of the host: it has 0. Families that neither the host
    nor the container has are left out unless they are named.

    Raises: InvalidArgument for a reach that rules would have to keep, and there are none.
    """
    reach = request.reach or (owner.reach if not request.host_address else "")
    hosts = (request.host_address,) if request.host_address else owner.hosts
    if not request.host_address and reach == ME:
        hosts = _LOOPBACK
    found = []
    for address in hosts:
        is_v6 = ":" in address
        routed = (owner.mode6 if is_v6 else owner.mode4) == ROUTED
        if not _is_served(request, owner, is_v6=is_v6, routed=routed):
            continue
        if reach == LAN and (6 if is_v6 else 4) not in owner.families:
            name = "ip6tables" if is_v6 else "iptables"
            raise InvalidArgument(f"reach {LAN} needs the firewall rules that {name}=false forbids")
        found.append(
            PortBinding(
                container_port=request.container_port,
                protocol=request.protocol,
                host_address=(ANY_ADDRESS6 if is_v6 else ANY_ADDRESS) if routed else address,
                host_port=0 if routed else 1,
                reach=reach or (ME if is_loopback(address) else WORLD),
            )
        )
    return found


def is_loopback(address: str) -> bool:
    """Whether an address of the host is one of its loopback link."""
    return ip_address(address).is_loopback


def _is_served(request: PortRequest, owner: Owner, *, is_v6: bool, routed: bool) -> bool:
    has_address = bool(owner.address6 if is_v6 else owner.address)
    if has_address:
        return not is_v6 or has_ipv6()
    if not is_v6 or routed:
        return False
    can_relay = owner.relay and request.protocol != SCTP and bool(owner.address)
    return can_relay and (has_ipv6() or bool(request.host_address))


def ephemeral_range() -> tuple[int, int]:
    """The first and last port that the kernel may choose, as Docker takes them."""
    try:
        first, last = map(int, _EPHEMERAL_RANGE.read_text().split())
    except (OSError, ValueError):
        return _DEFAULT_EPHEMERAL
    return first, last


def _bind(binding: PortBinding) -> socket.socket | None:
    """A socket on the host port; None where the kernel has no such protocol (sctp).

    SO_REUSEADDR passes over connections of an earlier program that are still dying (tcp only: for
    the others it would allow two owners); listening then makes the port ours alone.
    """
    kind, number = _SOCKET_KINDS[binding.protocol], _NUMBERS[binding.protocol]
    try:
        held = socket.socket(_family(binding.host_address), kind, number)
    except OSError as error:
        if error.errno in (errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT):
            return None
        raise
    try:
        held.setblocking(False)
        if held.family == socket.AF_INET6:
            held.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if binding.protocol == TCP:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((binding.host_address, binding.host_port))
        if binding.protocol == TCP:
            held.listen(0)
    except OSError:
        held.close()
        raise
    return held


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _with_port(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


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

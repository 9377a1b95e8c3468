"""Which names lead where, network by network. Pure.

In a network a container has its name, its short id, its host name, and the aliases that it was
given there. A service of compose is a name, too. Several containers may share an alias: the
name then leads to all of them.
Source: moby 28.3, daemon/container_operations.go (buildEndpointDNSNames).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from budu.engine.containers.model import Container
from budu.network.contract import EndpointState
from budu.network.dns.directory import Addresses

HOST_NAMES = frozenset(["host.docker.internal", "host.containers.internal"])
"""Names of the host, as containers reach it. Docker's desktop products and podman have them."""

GATEWAY_NAME = "gateway.docker.internal"

_NOWHERE = Addresses()


class NameIndex:
    """The names of the containers that run. Made anew after each change."""

    def __init__(self, containers: Iterable[Container]) -> None:
        self._by_network: dict[str, dict[str, Addresses]] = {}
        self._owners: dict[tuple[str, bytes], str] = {}
        for container in containers:
            if container.is_running:
                for network, state in container.endpoints.items():
                    self._add(container, network, state)

    def _add(self, container: Container, network: str, state: EndpointState) -> None:
        found = addresses_of(state)
        names = self._by_network.setdefault(network, {})
        for name in names_in(container, network):
            known = names.get(name, _NOWHERE)
            names[name] = Addresses(known.v4 + found.v4, known.v6 + found.v6)
        for address in (*found.v4, *found.v6):
            self._owners[network, address] = f"{container.name}.{network}"

    def addresses(self, asker: Container, name: str) -> Addresses | None:
        """Where `name` leads for this container: by a link, or in the first of its networks that
        knows it.

        A name may be followed by a network's: `web.backend`.
        """
        return self._linked(asker, name) or self._named(asker, name)

    def _named(self, asker: Container, name: str) -> Addresses | None:
        for network in asker.endpoints:
            names = self._by_network.get(network, {})
            found = names.get(name) or names.get(name.removesuffix(f".{network.lower()}"))
            if found is not None:
                return found
        return _of_host(asker, name)

    def _linked(self, asker: Container, name: str) -> Addresses | None:
        """The container that the asker alone calls `name`, where it is in the link's network."""
        for network in asker.endpoints:
            settings = asker.endpoint_settings.get(network)
            for link in (settings and settings.links) or ():
                target, _, alias = link.partition(":")
                if (alias or target).lower() == name:
                    there = self._by_network.get(network, {})
                    return there.get(target.lower()) or self._named(asker, target.lower())
        return None

    def name_of(self, asker: Container, address: bytes) -> str | None:
        """The name of the container with this address in a network of the asker."""
        for network in asker.endpoints:
            name = self._owners.get((network, address))
            if name is not None:
                return name
        return None


def names_in(container: Container, network: str) -> set[str]:
    """The names of a container in one of its networks, in lower case."""
    settings = container.endpoint_settings.get(network)
    names = {container.name, container.short_id, container.config.hostname, _service(container)}
    if settings is not None:
        names |= {*(settings.aliases or ()), *(settings.dns_names or ())}
    return {name.lower() for name in names if name}


def _service(container: Container) -> str:
    """The name of the service that compose made the container for; empty for a single run of it."""
    labels = container.config.labels or {}
    is_single = labels.get("com.docker.compose.oneoff", "").lower() == "true"
    return "" if is_single else labels.get("com.docker.compose.service", "")


def addresses_of(state: EndpointState) -> Addresses:
    """The endpoint's addresses, packed."""
    texts = (state.address, state.address6)
    v4, v6 = (tuple(ip_address(text).packed for text in (each,) if text) for each in texts)
    return Addresses(v4, v6)


def _of_host(asker: Container, name: str) -> Addresses | None:
    """The gateways of the asker, by which it reaches the host."""
    if name not in HOST_NAMES and name != GATEWAY_NAME:
        return None
    for state in asker.endpoints.values():
        texts = (state.gateway, state.gateway6)
        v4, v6 = (tuple(ip_address(text).packed for text in (each,) if text) for each in texts)
        if v4 or v6:
            return Addresses(v4, v6)
    return None

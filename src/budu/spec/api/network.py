"""Networks and a container's place in them.

Source: Engine API 1.51, Network, EndpointSettings, NetworkSettings; moby 28.3, api/types/network.
"""

from __future__ import annotations

import msgspec

from budu.spec.api.fields import FALSE, NO_ENTRIES, NO_ITEMS, NULL, TEXT, ZERO, Body, named
from budu.spec.api.host_config import PortMap

ZERO_TIME = "0001-01-01T00:00:00Z"
"""Go's zero time: what an unset time looks like on the wire."""


class EndpointIPAMConfig(Body, frozen=True, kw_only=True):
    """Addresses asked for by the user."""

    ipv4_address: str = msgspec.field(default="", name="IPv4Address")
    ipv6_address: str = msgspec.field(default="", name="IPv6Address")
    link_local_ips: list[str] | None = msgspec.field(default=None, name="LinkLocalIPs")


class EndpointSettings(Body, frozen=True, kw_only=True):
    """A container in one network: what was asked for, then what it got."""

    ipam_config: EndpointIPAMConfig | None = named("IPAMConfig", NULL)
    links: list[str] | None = NULL
    aliases: list[str] | None = NULL
    mac_address: str = TEXT
    driver_opts: dict[str, str] | None = NULL
    gw_priority: int = ZERO
    network_id: str = named("NetworkID", TEXT)
    endpoint_id: str = named("EndpointID", TEXT)
    gateway: str = TEXT
    ip_address: str = named("IPAddress", TEXT)
    ip_prefix_len: int = named("IPPrefixLen", ZERO)
    ipv6_gateway: str = named("IPv6Gateway", TEXT)
    global_ipv6_address: str = named("GlobalIPv6Address", TEXT)
    global_ipv6_prefix_len: int = named("GlobalIPv6PrefixLen", ZERO)
    dns_names: list[str] | None = named("DNSNames", NULL)


class NetworkingConfig(Body, frozen=True, kw_only=True):
    """Networks that a container joins when it is created, by name or id."""

    endpoints_config: dict[str, EndpointSettings | None] | None = NULL


class Address(Body, frozen=True, kw_only=True):
    """A secondary address."""

    addr: str = TEXT
    prefix_len: int = ZERO


class NetworkSettings(Body, frozen=True, kw_only=True):
    """The network part of a container's inspection. The flat fields repeat the default bridge."""

    bridge: str = TEXT
    sandbox_id: str = named("SandboxID", TEXT)
    sandbox_key: str = TEXT
    ports: PortMap | None = NO_ENTRIES
    hairpin_mode: bool = FALSE
    link_local_ipv6_address: str = named("LinkLocalIPv6Address", TEXT)
    link_local_ipv6_prefix_len: int = named("LinkLocalIPv6PrefixLen", ZERO)
    secondary_ip_addresses: list[Address] | None = named("SecondaryIPAddresses", NULL)
    secondary_ipv6_addresses: list[Address] | None = named("SecondaryIPv6Addresses", NULL)
    endpoint_id: str = named("EndpointID", TEXT)
    gateway: str = TEXT
    global_ipv6_address: str = named("GlobalIPv6Address", TEXT)
    global_ipv6_prefix_len: int = named("GlobalIPv6PrefixLen", ZERO)
    ip_address: str = named("IPAddress", TEXT)
    ip_prefix_len: int = named("IPPrefixLen", ZERO)
    ipv6_gateway: str = named("IPv6Gateway", TEXT)
    mac_address: str = TEXT
    networks: dict[str, EndpointSettings] | None = NO_ENTRIES


class NetworkSettingsSummary(Body, frozen=True, kw_only=True):
    """The network part of a row of the container list."""

    networks: dict[str, EndpointSettings] | None = NULL


class IPAMConfig(Body, frozen=True, kw_only=True):
    """One address pool of a network."""

    subnet: str = ""
    ip_range: str = msgspec.field(default="", name="IPRange")
    gateway: str = ""
    auxiliary_addresses: dict[str, str] | None = None


class IPAM(Body, frozen=True, kw_only=True):
    """How a network's addresses are managed."""

    driver: str = TEXT
    options: dict[str, str] | None = NULL
    config: list[IPAMConfig] | None = NULL


class ConfigReference(Body, frozen=True, kw_only=True):
    """The network whose configuration is used."""

    network: str = TEXT


class NetworkContainer(Body, frozen=True, kw_only=True):
    """A container in a network's inspection; addresses with their prefix length."""

    name: str = TEXT
    endpoint_id: str = named("EndpointID", TEXT)
    mac_address: str = TEXT
    ipv4_address: str = named("IPv4Address", TEXT)
    ipv6_address: str = named("IPv6Address", TEXT)


class PeerInfo(Body, frozen=True, kw_only=True):
    """A peer of an overlay network."""

    name: str = TEXT
    ip: str = named("IP", TEXT)


class Network(Body, frozen=True, kw_only=True):
    """A network: row of the list (without containers) and inspection. `created` is RFC 3339."""

    name: str = TEXT
    id: str = TEXT
    created: str = msgspec.field(default_factory=lambda: ZERO_TIME)
    scope: str = TEXT
    driver: str = TEXT
    enable_ipv4: bool = named("EnableIPv4", FALSE)
    enable_ipv6: bool = named("EnableIPv6", FALSE)
    ipam: IPAM = msgspec.field(default_factory=lambda: IPAM(), name="IPAM")
    internal: bool = FALSE
    attachable: bool = FALSE
    ingress: bool = FALSE
    config_from: ConfigReference = msgspec.field(default_factory=lambda: ConfigReference())
    config_only: bool = FALSE
    containers: dict[str, NetworkContainer] | None = NO_ENTRIES
    options: dict[str, str] | None = NO_ENTRIES
    labels: dict[str, str] | None = NO_ENTRIES
    peers: list[PeerInfo] | None = None


class NetworkCreateBody(Body, frozen=True, kw_only=True):
    """Body of a network creation."""

    name: str = TEXT
    driver: str = TEXT
    scope: str = TEXT
    enable_ipv4: bool | None = msgspec.field(default=None, name="EnableIPv4")
    enable_ipv6: bool | None = msgspec.field(default=None, name="EnableIPv6")
    ipam: IPAM | None = named("IPAM", NULL)
    internal: bool = FALSE
    attachable: bool = FALSE
    ingress: bool = FALSE
    config_only: bool = FALSE
    config_from: ConfigReference | None = NULL
    options: dict[str, str] | None = NULL
    labels: dict[str, str] | None = NULL


class NetworkCreateResponse(Body, frozen=True, kw_only=True):
    """Answer to a network creation."""

    id: str = TEXT
    warning: str = TEXT


class NetworkConnectBody(Body, frozen=True, kw_only=True):
    """Body of connecting a container to a network."""

    container: str = TEXT
    endpoint_config: EndpointSettings | None = None


class NetworkDisconnectBody(Body, frozen=True, kw_only=True):
    """Body of disconnecting a container from a network."""

    container: str = TEXT
    force: bool = FALSE


class NetworkPruneResponse(Body, frozen=True, kw_only=True):
    """Names of the networks that a prune removed."""

    networks_deleted: list[str] | None = NULL


class PortsBody(Body, frozen=True, kw_only=True):
    """Body of opening and closing ports of a container that exists; not Docker's."""

    port_bindings: PortMap | None = NULL


class OpenPort(Body, frozen=True, kw_only=True):
    """A port that leads from the host into a container; not Docker's.

    `reach` is `me`, `lan` or `world`. `host_port` is 0 where the network is routed. `relayed`: the
    engine itself passes the bytes on.
    """

    container_id: str = named("ContainerID", TEXT)
    container: str = TEXT
    network_id: str = named("NetworkID", TEXT)
    address: str = TEXT
    container_port: int = ZERO
    protocol: str = TEXT
    host_ip: str = named("HostIP", TEXT)
    host_port: int = ZERO
    reach: str = TEXT
    relayed: bool = FALSE


class DiagnosisStep(Body, frozen=True, kw_only=True):
    """One thing that was tried: `name`, `route`, `nat` or `port`, and what came; not Docker's.

    `outcome` is `ok`, `failed` or `skipped`.
    """

    name: str = TEXT
    outcome: str = TEXT
    finding: str = TEXT


class NetworkDiagnosis(Body, frozen=True, kw_only=True):
    """What was tried from inside a container, and what the host shows, in sentences; not Docker's.

    `container` is empty when there was none to ask.
    """

    container: str = TEXT
    steps: list[DiagnosisStep] = NO_ITEMS
    problems: list[str] | None = NULL

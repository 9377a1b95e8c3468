"""What a new network may be. Pure.

Pools and driver options are checked by the kernel's side (`Fabric.check`), which knows them.
Source: moby 28.3, daemon/network.go (createNetwork, deleteNetwork), libnetwork/network.go
(validateConfiguration), libnetwork/controller.go (NewNetwork) for order and sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from budu.base.errors import AlreadyExists, Conflict, InvalidArgument, NotFound, PermissionDenied
from budu.engine.networks.model import (
    DEFAULT_IPAM,
    HOST_DRIVER,
    LOCAL,
    NULL_DRIVER,
    PREDEFINED,
    NetworkRecord,
)
from budu.network.contract import BRIDGE, NetworkSpec, Subnet
from budu.spec.api.network import IPAM, IPAMConfig, NetworkCreateBody

_OPTIONS_WORD = "com.docker.network.enable_ipv"

Find = Callable[[str], NetworkRecord | None]
"""From a name to its network."""


def draft(body: NetworkCreateBody, id_: str, find: Find, *, created_ns: int) -> NetworkRecord:
    """The record that a create asks for; its subnets are still wishes.

    Raises: InvalidArgument, PermissionDenied, AlreadyExists, NotFound with Docker's sentences.
    """
    check_name(body, find)
    _check_driver(body)
    if body.config_only:
        _check_config_only(body)
    if body.config_from is not None and body.config_from.network:
        return _from_config(body, id_, find, created_ns)
    ipam = body.ipam or IPAM()
    subnets = _subnets(ipam.config or ())
    spec = NetworkSpec(
        id=id_,
        name=body.name,
        driver=body.driver or BRIDGE,
        subnets=subnets,
        enable_ipv4=_family(body, 4),
        enable_ipv6=_family(body, 6),
        internal=body.internal,
        options=_options(body),
    )
    return NetworkRecord(
        spec=spec,
        created_ns=created_ns,
        labels=body.labels or {},
        attachable=body.attachable,
        ingress=body.ingress,
        config_only=body.config_only,
        ipam_driver=ipam.driver or DEFAULT_IPAM,
        ipam_options=ipam.options,
        asked=tuple(each.subnet for each in subnets if each.subnet),
    )


def check_name(body: NetworkCreateBody, find: Find) -> None:
    """Raises: PermissionDenied, InvalidArgument, AlreadyExists for a name that cannot be."""
    if body.name in PREDEFINED or body.name == "default":
        raise PermissionDenied(f"operation is not permitted on predefined {body.name} network ")
    if not body.name.strip():
        raise InvalidArgument("invalid name: name is empty")
    if find(body.name) is not None:
        raise AlreadyExists(f"network with name {body.name} already exists", reference=body.name)


def _check_driver(body: NetworkCreateBody) -> None:
    if body.scope == "swarm" and body.driver != "overlay" and not body.ingress:
        raise PermissionDenied("cannot create a swarm scoped network when swarm is not active")
    if body.driver == "overlay" or body.scope == "swarm" or body.ingress:
        raise PermissionDenied(
            'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" '
            "to connect this node to swarm and try again."
        )
    if body.driver in (HOST_DRIVER, NULL_DRIVER):
        raise PermissionDenied(f'only one instance of "{body.driver}" network is allowed')
    if body.scope not in ("", LOCAL):
        raise InvalidArgument(f"invalid network scope: {body.scope}")


def _check_config_only(body: NetworkCreateBody) -> None:
    if body.internal or body.attachable or body.scope:
        raise PermissionDenied(
            "configuration network can only contain network specific fields. Network operator "
            "fields like [ ingress | internal | attachable | scope ] are not supported."
        )
    if body.config_from is not None and body.config_from.network:
        raise PermissionDenied(
            "a configuration network cannot depend on another configuration network"
        )


def _from_config(body: NetworkCreateBody, id_: str, find: Find, created_ns: int) -> NetworkRecord:
    assert body.config_from is not None
    source = find(body.config_from.network)
    if source is None or not source.config_only:
        raise NotFound(f'configuration network "{body.config_from.network}" does not exist')
    ipam = body.ipam or IPAM()
    if (
        body.enable_ipv4 is False
        or body.enable_ipv6
        or body.labels
        or body.options
        or ipam.options
        or ipam.config
    ):
        raise PermissionDenied(
            "user specified configurations are not supported if the network depends on a "
            "configuration network"
        )
    spec = msgspec.structs.replace(
        source.spec, id=id_, name=body.name, driver=body.driver or BRIDGE, internal=body.internal
    )
    return msgspec.structs.replace(
        source,
        spec=spec,
        created_ns=created_ns,
        attachable=body.attachable,
        config_only=False,
        config_from=source.name,
    )


def _family(body: NetworkCreateBody, version: int) -> bool:
    """Whether addresses of IPv4 or IPv6 are given out."""
    said = body.enable_ipv4 if version == 4 else body.enable_ipv6
    if said is not None:
        return said
    key = f"{_OPTIONS_WORD}{version}"
    text = (body.options or {}).get(key)
    if text is None:
        return version == 4
    if text.lower() not in ("1", "t", "true", "0", "f", "false"):
        raise InvalidArgument(f'driver-opt "{key}" is not a valid bool')
    return text.lower() in ("1", "t", "true")


def _options(body: NetworkCreateBody) -> dict[str, str]:
    """The driver's options, without those that a field of the body goes before."""
    said = {4: body.enable_ipv4, 6: body.enable_ipv6}
    hidden = {f"{_OPTIONS_WORD}{version}" for version, value in said.items() if value is not None}
    return {key: value for key, value in (body.options or {}).items() if key not in hidden}


def _subnets(configs: Iterable[IPAMConfig]) -> tuple[Subnet, ...]:
    return tuple(
        Subnet(
            subnet=each.subnet,
            gateway=each.gateway,
            ip_range=each.ip_range,
            auxiliary=each.auxiliary_addresses or {},
        )
        for each in configs
    )


def check_removal(
    record: NetworkRecord, *, members: Iterable[tuple[str, str]], dependents: Iterable[str]
) -> None:
    """Refuse to remove what is in use. `members` are names and ids of containers.

    Raises: PermissionDenied with Docker's sentences.
    """
    if record.is_predefined:
        raise PermissionDenied(f"{record.name} is a pre-defined network and cannot be removed")
    words = f"error while removing network: network {record.name} has active endpoints"
    found = ", ".join(f'name:"{name}" id:"{id_[:12]}"' for name, id_ in members)
    if found:
        raise PermissionDenied(f"{words} ({found})", reference=record.name)
    if any(dependents):
        raise PermissionDenied(
            f'error while removing network: configuration network "{record.name}" is in use'
        )


def check_joinable(record: NetworkRecord) -> None:
    """Refuse endpoints in what is only a configuration. Raises: Conflict."""
    if record.config_only:
        raise Conflict(f"cannot create endpoint on configuration-only network {record.name}")

"""From the engine's settings to those of its networks. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from budu.daemon.options import Options
from budu.engine.networks.defaults import NetworkDefaults
from budu.engine.networks.model import BRIDGE
from budu.engine.networks.service import predefined_id
from budu.network.book import OTHER_GATEWAY
from budu.network.contract import (
    DEFAULT_BRIDGE_POOL,
    NETWORK_POOLS,
    FabricConfig,
    NetworkSpec,
    Subnet,
)
from budu.network.ipam import ula_prefix
from budu.network.options import ENABLE_ICC, ENABLE_IP_MASQUERADE


def fabric_config(options: Options, engine_id: str) -> FabricConfig:
    """All settings of networks. Names are by instance: two engines on one host never meet."""
    mark = options.instance
    pools = tuple(f"{each.base}:{each.size}" for each in options.default_address_pools)
    return FabricConfig(
        default=_default_bridge(options, engine_id),
        table=f"budu-{mark}" if mark else "budu",
        link_prefix=f"v{mark[:3]}-" if mark else "veth-",
        ula=ula_prefix(engine_id),
        pools=pools or NETWORK_POOLS,
        default_pools=() if pools else (DEFAULT_BRIDGE_POOL,),
        mtu=options.mtu,
        reach=options.reach,
        host_address=options.ip,
        relay=options.userland_proxy,
        families=tuple(
            version for version, is_on in ((4, options.iptables), (6, options.ip6tables)) if is_on
        ),
        make_router=options.ip_forward,
        direct_routing=options.allow_direct_routing,
        guard_forwarding=not options.ip_forward_no_drop,
    )


def network_defaults(options: Options) -> NetworkDefaults:
    """What containers and networks get that ask for nothing of their own."""
    return NetworkDefaults(
        servers=options.dns,
        search=options.dns_search,
        options=options.dns_opts,
        host_gateways=options.host_gateway_ips,
        driver_options=options.default_network_opts,
    )


def _default_bridge(options: Options, engine_id: str) -> NetworkSpec:
    mark = options.instance
    wishes = (
        (options.bip, options.fixed_cidr, {OTHER_GATEWAY[4]: options.default_gateway}),
        (options.bip6, options.fixed_cidr_v6, {OTHER_GATEWAY[6]: options.default_gateway_v6}),
    )
    switched_off = ((ENABLE_ICC, options.icc), (ENABLE_IP_MASQUERADE, options.ip_masq))
    return NetworkSpec(
        id=predefined_id(engine_id, BRIDGE),
        name=BRIDGE,
        subnets=tuple(_subnet(*each) for each in wishes if any(each[:2])),
        enable_ipv6=options.ipv6,
        options={key: "false" for key, is_on in switched_off if not is_on},
        link=f"bd-{mark}" if mark else "budu0",
    )


def _subnet(interface: str, part: str, others: Mapping[str, str]) -> Subnet:
    """The default bridge's subnet of one family: by its address there, or by the part that
    addresses are given from; `others` are auxiliary addresses, the empty ones none."""
    found = ipaddress.ip_interface(interface or part)
    gateway = str(found.ip) if interface else ""
    return Subnet(
        subnet=str(found.network),
        gateway=gateway,
        ip_range=part,
        auxiliary={name: address for name, address in others.items() if address},
    )

"""How the links of networks are called and marked, and which of them networks may share. Pure.

Source: moby 28.3, libnetwork/drivers/bridge (conflictsWithNetworks), drivers/macvlan and
drivers/ipvlan (network.go, configuration conflicts).
"""

from __future__ import annotations

from collections.abc import Iterable

from budu.base.errors import PermissionDenied
from budu.network.contract import BRIDGE, IPVLAN, FabricConfig, NetworkSpec
from budu.network.options import BRIDGE_NAME, parent_options

_ID_IN_LINK = 12
_LONGEST_LINK_NAME = 15
_LONGEST_ALIAS = 200


def link_of(spec: NetworkSpec, *, bridge_prefix: str) -> str:
    """The name of the link of a network that does not have one yet."""
    if spec.driver != BRIDGE:
        return parent_options(spec).parent or f"dm-{spec.id[:_ID_IN_LINK]}"
    chosen = f"{bridge_prefix}{spec.id[:_ID_IN_LINK]}"[:_LONGEST_LINK_NAME]
    return spec.options.get(BRIDGE_NAME, "") or chosen


def alias_of(spec: NetworkSpec, *, table: str) -> str:
    """What is written on the link, so that its engine knows it again.

    Bridges bear their network's name too; a parent may serve several networks.
    """
    mark = f"{table} network"
    return f"{mark} {spec.name}"[:_LONGEST_ALIAS] if spec.driver == BRIDGE else mark


def is_marked(alias: str, *, table: str) -> bool:
    """Whether a link with this alias is one that the engine with this table made."""
    mark = f"{table} network"
    return alias == mark or alias.startswith(f"{mark} ")


def check_link(spec: NetworkSpec, others: Iterable[NetworkSpec]) -> None:
    """Two networks share no bridge, and no parent of which one wants all.

    Raises: PermissionDenied with Docker's sentences.
    """
    for other in others:
        if other.link != spec.link:
            continue
        if spec.driver == BRIDGE or other.driver == BRIDGE:
            raise PermissionDenied(
                f"cannot create network {spec.id} ({spec.link}): conflicts with network "
                f"{other.id} ({other.link}): networks have same bridge name"
            )
        if spec.driver != other.driver or "passthru" in (
            parent_options(spec).mode,
            parent_options(other).mode,
        ):
            raise PermissionDenied(
                f"network dm-{other.id[:_ID_IN_LINK]} is already using parent interface {spec.link}"
            )


def has_gateway(spec: NetworkSpec) -> bool:
    """Whether a subnet without a named gateway gets one."""
    if spec.driver == BRIDGE:
        return True
    is_routed = spec.driver == IPVLAN and parent_options(spec).mode != "l2"
    return not spec.internal and not is_routed


def names_to_let_through(config: FabricConfig, specs: Iterable[NetworkSpec]) -> list[str]:
    """Names of our bridges as other firewalls' rules have them: a pattern, and chosen names."""
    bridges = [each.link for each in specs if each.driver == BRIDGE]
    named = [link for link in bridges if not link.startswith(config.bridge_prefix)]
    return [f"{config.bridge_prefix}*", *sorted(named)]

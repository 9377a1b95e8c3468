"""What containers and networks get that ask for nothing of their own. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from budu.engine.networks.model import BRIDGE
from budu.spec.api.network import NetworkCreateBody


class NetworkDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """The engine's settings of that kind.

    `servers`, `search` and `options` are those of a resolv.conf; empty ones are the host's.
    `host_gateways` are what `host-gateway` stands for, the default bridge's gateway when empty.
    `driver_options` are options of new networks by driver.
    """

    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    host_gateways: tuple[str, ...] = ()
    driver_options: dict[str, dict[str, str]] = {}


def with_driver_options(
    body: NetworkCreateBody, defaults: Mapping[str, Mapping[str, str]]
) -> NetworkCreateBody:
    """The wish for a network with the options that it leaves open.

    One that takes another's configuration is left as it is.
    Source: moby 28.3, daemon/network.go (createNetwork, DefaultNetworkOpts).
    """
    given = defaults.get(body.driver or BRIDGE, {})
    if not given or (body.config_from is not None and body.config_from.network):
        return body
    return msgspec.structs.replace(body, options={**given, **(body.options or {})})

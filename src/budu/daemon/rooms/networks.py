"""Networks: what the kernel has, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass

from budu.daemon.fabric import fabric_config, network_defaults
from budu.daemon.options import Options
from budu.daemon.rooms.ground import Ground
from budu.engine.networks import NetworkService
from budu.engine.networks.remotes import RemoteNetworks
from budu.engine.sandboxes import SandboxFactory
from budu.network.fabric import NetworkFabric
from budu.plugin.registry import Plugins


@dataclass(frozen=True, kw_only=True)
class Networks:
    """What `build_networks` gives."""

    fabric: NetworkFabric
    """Bridges, endpoints, ports and the firewall."""
    remotes: RemoteNetworks
    """Networks that plugins make."""
    service: NetworkService
    """The networks that exist, by name."""


def build_networks(options: Options, ground: Ground, plugins: Plugins) -> Networks:
    """Nothing is made in the kernel before the service starts."""
    fabric = NetworkFabric(fabric_config(options, ground.engine_id))
    remotes = RemoteNetworks(plugins, fabric, ground.database)
    return Networks(
        fabric=fabric,
        remotes=remotes,
        service=NetworkService(
            fabric,
            SandboxFactory(),
            remotes,
            ground.database,
            ground.events,
            engine_id=ground.engine_id,
            created_ns=ground.created_ns,
            containers=ground.containers.all,
            defaults=network_defaults(options),
        ),
    )

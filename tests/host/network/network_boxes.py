"""Networks and containers for tests of the fabric: a container is a namespace with its places."""

from __future__ import annotations

import subprocess
from typing import Any

from network_lab import Lab

from budu.linux.netlink import route
from budu.linux.netlink.wire import NETLINK_ROUTE, Connection
from budu.network.contract import EndpointRequest, EndpointState, NetworkSpec, PortRequest
from budu.network.fabric import NetworkFabric

BRIDGE = "com.docker.network.bridge."
"""How the options of bridge networks begin."""


def network(
    fabric: NetworkFabric, name: str = "net", *, options: dict[str, str] | None = None, **more: Any
) -> NetworkSpec:
    """A network that is made; its id repeats its name."""
    id_ = (name.encode().hex() * 64)[:64]
    spec = fabric.choose(NetworkSpec(id=id_, name=name, options=options or {}, **more))
    fabric.create(spec)
    return spec


def port(number: int, **more: Any) -> PortRequest:
    return PortRequest(container_port=80, host_first=number, host_last=number, **more)


class Box:
    """A container in a network, or in several; in the namespace `netns` if it is given."""

    def __init__(
        self,
        lab: Lab,
        fabric: NetworkFabric,
        spec: NetworkSpec,
        *ports: PortRequest,
        netns: int = -1,
        **more: Any,
    ) -> None:
        self.lab = lab
        self.fabric = fabric
        self.netns = lab.new_namespace() if netns < 0 else netns
        wish = EndpointRequest(container_id="c" * 64, name="box", ports=ports, **more)
        self.state: EndpointState = fabric.connect(spec.id, self.netns, wish)

    def join(self, spec: NetworkSpec, **more: Any) -> EndpointState:
        wish = EndpointRequest(
            container_id="c" * 64, name="box", link_name="", link_index=0, fresh=False, **more
        )
        return self.fabric.connect(spec.id, self.netns, wish)

    def serve(self, *, v6: bool = False) -> Any:
        return self.lab.listen(self.netns, 80, address="::" if v6 else "")

    def links(self) -> dict[str, route.Link]:
        with self.lab.inside(self.netns):
            connection = Connection(NETLINK_ROUTE)
        try:
            return {link.name: link for link in route.links(connection)}
        finally:
            connection.close()

    def ip(self, *words: str) -> str:
        return self.ip_in(self.lab, self.netns, *words)

    @staticmethod
    def ip_in(lab: Lab, netns: int, *words: str) -> str:
        """What `ip` says in a namespace."""
        with lab.inside(netns):
            done = subprocess.run(["ip", *words], capture_output=True, text=True, check=True)
        return done.stdout

"""What the engine knows of a network."""

from __future__ import annotations

import msgspec

from budu.network.contract import DRIVERS, NetworkSpec

BRIDGE, HOST, NONE = "bridge", "host", "none"
PREDEFINED = (BRIDGE, HOST, NONE)
"""Networks that every engine has, by name. They cannot be made or removed."""

NULL_DRIVER, HOST_DRIVER = "null", "host"
DEFAULT_IPAM = "default"
LOCAL = "local"


class NetworkRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One network. `created_ns` in unix nanoseconds.

    `spec` is what the kernel's side made; that of `config_only` networks is what was asked for,
    because nothing is made of them. `asked` are the subnets that the user named: only there may
    containers have addresses of their own choice.
    """

    spec: NetworkSpec
    created_ns: int
    labels: dict[str, str] = {}
    scope: str = LOCAL
    attachable: bool = False
    ingress: bool = False
    config_only: bool = False
    config_from: str = ""
    ipam_driver: str = DEFAULT_IPAM
    ipam_options: dict[str, str] | None = None
    asked: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    """Ids of the subnets at an IPAM plugin, in their order."""

    @property
    def id(self) -> str:
        """64 hex digits."""
        return self.spec.id

    @property
    def name(self) -> str:
        """The name; never changes."""
        return self.spec.name

    @property
    def is_predefined(self) -> bool:
        """Whether it is one of `PREDEFINED`."""
        return self.spec.name in PREDEFINED

    @property
    def has_endpoints(self) -> bool:
        """Whether containers get links in it: not so in `host` and `none`."""
        return self.spec.driver not in (HOST_DRIVER, NULL_DRIVER) and not self.config_only

    @property
    def is_remote(self) -> bool:
        """Whether a plugin makes its links."""
        return self.spec.driver not in (*DRIVERS, HOST_DRIVER, NULL_DRIVER)

    @property
    def has_remote_ipam(self) -> bool:
        """Whether a plugin chooses its addresses."""
        return self.ipam_driver not in ("", DEFAULT_IPAM)

    @property
    def needs_plugins(self) -> bool:
        """Whether any plugin has to be asked."""
        return (self.is_remote or self.has_remote_ipam) and not self.config_only

"""Networks of containers: which they join, and the sandbox that holds their interfaces.

This issue's networks are the three predefined ones. The kernel's part is `network`'s; here are the
rules: what a create may ask for, what a start makes, what an end takes away.
Source: Engine API 1.51 HostConfig.NetworkMode, NetworkingConfig, Network.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from budu.base.clock import format_time
from budu.base.errors import InvalidArgument, NotFound, NotImplementedHere
from budu.base.filters import Filters
from budu.engine.containers.model import Container
from budu.engine.paths import ContainerPaths
from budu.network.contract import EndpointState
from budu.network.service import BridgeService
from budu.spec.api.host_config import HostConfig
from budu.spec.api.network import (
    IPAM,
    EndpointSettings,
    IPAMConfig,
    Network,
    NetworkContainer,
    NetworkingConfig,
)

BRIDGE, HOST, NONE = "bridge", "host", "none"
_FILTER_KEYS = frozenset("dangling driver id label name scope type".split())


class Sandbox(msgspec.Struct, frozen=True, kw_only=True):
    """What a start needs of the network: a namespace to join (None: the host's) and its endpoints."""

    netns: int | None
    endpoints: dict[str, EndpointState]

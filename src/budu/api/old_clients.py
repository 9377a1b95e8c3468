"""Create bodies of clients that do not know a later rule: what they mean by today's. Pure.

Source: moby 28.5, daemon/server/router/container/container_routes.go.
"""

from __future__ import annotations

import msgspec

from budu.base.errors import InvalidArgument
from budu.spec.api.container import ContainerCreateBody
from budu.spec.api.host_config import BindOptions, Mount


def for_old_client(body: ContainerCreateBody) -> ContainerCreateBody:
    """Before API 1.44 a read-only bind left what is mounted below it writable.

    Raises: InvalidArgument for the option that came with 1.44.
    """
    host = body.host_config
    if host is None or not host.mounts:
        return body
    mounts = [_shallow(each) for each in host.mounts]
    return msgspec.structs.replace(body, host_config=msgspec.structs.replace(host, mounts=mounts))


def _shallow(mount: Mount) -> Mount:
    if mount.type != "bind":
        return mount
    options = mount.bind_options or BindOptions()
    if options.read_only_force_recursive:
        raise InvalidArgument("BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer")
    shallow = msgspec.structs.replace(options, read_only_non_recursive=mount.read_only)
    return msgspec.structs.replace(mount, bind_options=shallow)

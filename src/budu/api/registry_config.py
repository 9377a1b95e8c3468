"""`X-Registry-Config`: credentials for every registry that a build may need. Pure.

Source: Engine API 1.51 ImageBuild; moby 28.5, api/server/router/build (getAuthConfigs),
registry (ConvertToHostname, ResolveAuthConfig).
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping

import msgspec

from budu.distribution.auth import decode_base64
from budu.spec.api.auth import AuthConfig
from budu.spec.reference import DEFAULT_DOMAIN

_HUB_NAMES = frozenset(("index.docker.io", "registry-1.docker.io"))
_decode = msgspec.json.Decoder(dict[str, dict[str, object]] | None).decode


def decode_registry_config(header: str) -> Mapping[str, AuthConfig]:
    """Credentials by registry host, `docker.io` for Docker Hub.

    A header that can't be read, and an entry that is no credentials, count as none, as in Docker:
    whether they were needed is the registry's to say.
    """
    try:
        entries = _decode(decode_base64(header.strip())) if header.strip() else None
    except (binascii.Error, ValueError):
        return {}
    # a bare host comes last, so that it wins over a URL of the same host
    addresses = sorted(entries or {}, key=lambda address: registry_host(address) == address)
    found = {registry_host(each): _credentials((entries or {})[each]) for each in addresses}
    return {host: auth for host, auth in found.items() if auth is not None}


def registry_host(address: str) -> str:
    """The host, with its port, of a registry as configurations name it: `https://host/v1/`."""
    host = address.removeprefix("https://").removeprefix("http://").partition("/")[0]
    return DEFAULT_DOMAIN if host in _HUB_NAMES else host


def _credentials(fields: Mapping[str, object]) -> AuthConfig | None:
    """Names of fields are read in any case: docker-py writes `IdentityToken`."""
    try:
        return msgspec.convert({key.lower(): value for key, value in fields.items()}, AuthConfig)
    except msgspec.ValidationError:
        return None

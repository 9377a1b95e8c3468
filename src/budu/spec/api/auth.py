"""Credentials for registries.

Source: Engine API 1.51, AuthConfig and SystemAuth; moby 28.3, api/types/registry.
"""

from __future__ import annotations

import msgspec

from budu.spec.api.fields import TEXT, Body


class AuthConfig(msgspec.Struct, frozen=True, kw_only=True, rename="lower", omit_defaults=True):
    """Credentials: user and password, or a token. Also the JSON inside X-Registry-Auth."""

    username: str = ""
    password: str = ""
    auth: str = ""
    email: str = ""
    serveraddress: str = ""
    identitytoken: str = ""
    registrytoken: str = ""

    def __repr__(self) -> str:
        """Without secrets: records end up in logs."""
        return f"AuthConfig(username={self.username!r}, serveraddress={self.serveraddress!r})"


class AuthResponse(Body, frozen=True, kw_only=True):
    """Answer to a log-in."""

    identity_token: str = TEXT
    status: str = TEXT

"""Calls of a network or IPAM plugin, whose complaints become sentences of ours.

Source: moby 28.3, libnetwork/drivers/remote and libnetwork/ipams/remote (the mark "remote: ").
"""

from __future__ import annotations

from typing import TypeVar

from budu.base.errors import Hint, Internal
from budu.plugin.client import PluginClient, Reply, is_refusal
from budu.plugin.registry import IPAM_DRIVER, NETWORK_DRIVER

R = TypeVar("R", bound=Reply)


class RemoteCalls:
    """The calls of one kind, `NETWORK_DRIVER` or `IPAM_DRIVER`, of one plugin."""

    def __init__(self, client: PluginClient, kind: str) -> None:
        self._client = client
        self._kind = kind

    async def __call__(
        self,
        method: str,
        arguments: object,
        reply: type[R],
        *,
        long: bool = False,
        optional: bool = False,
    ) -> R:
        """The plugin's answer; `long` and `optional` as `PluginClient.call`.

        Raises: Internal with the plugin's own words, Unavailable, DeadlineExceeded.
        """
        try:
            return await self._client.call(
                f"{self._kind}.{method}", arguments, reply, long=long, optional=optional
            )
        except Internal as error:
            raise _as_remote(error) from error

    def broken(self, words: str) -> Internal:
        """The error about an answer that cannot be."""
        return Internal(words, hint=Hint("plugin.broken", name=self._client.name))


def _as_remote(error: Internal) -> Internal:
    """The plugin's own words after Docker's mark of who speaks."""
    if not is_refusal(error) or error.message.startswith((NETWORK_DRIVER, IPAM_DRIVER)):
        return error
    return Internal(f"remote: {error.message}", hint=error.hint, reference=error.reference)

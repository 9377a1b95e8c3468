"""The way to registries and back: pulls, pushes, downloads, sign-in."""

from __future__ import annotations

import os
from dataclasses import dataclass

from budu.daemon.options import Options
from budu.daemon.rooms.storage import Storage
from budu.distribution.auth import Credentials
from budu.distribution.client import Registries
from budu.distribution.download import Downloads
from budu.distribution.hosts import HostsConfig, hosts_config, proxies_from_environment
from budu.distribution.login import login
from budu.distribution.pull import Puller
from budu.distribution.push import Pusher
from budu.distribution.signatures import SignaturePolicy
from budu.spec.api.auth import AuthConfig


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """What `build_distribution` gives."""

    hosts: HostsConfig
    """Where registries are reached, and how far they are trusted."""
    registries: Registries
    """The registries themselves."""
    puller: Puller
    """Fetches images."""
    pusher: Pusher
    """Sends them."""
    downloads: Downloads
    """Fetches plain files."""

    async def sign_in(self, auth: AuthConfig) -> tuple[str, str]:
        """Docker's status sentence and an identity token. Raises: Unauthenticated, Unavailable."""
        result = await login(self.registries, _credentials(auth))
        return result.status, result.identity_token


def build_distribution(options: Options, storage: Storage) -> Distribution:
    """One client of registries for pulls, pushes and questions."""
    hosts = hosts_config(
        mirrors=options.registry_mirrors,
        insecure_registries=options.insecure_registries,
        proxies=proxies_from_environment(os.environ),
        certs_dirs=(str(options.registry_config), "/etc/docker/certs.d"),
    )
    registries = Registries(hosts)
    return Distribution(
        hosts=hosts,
        registries=registries,
        puller=Puller(
            registries,
            storage.content,
            storage.layers,
            leases=storage.leases,
            unnamed=storage.images.unnamed,
            max_downloads=options.max_concurrent_downloads,
            policy=SignaturePolicy(options.signature_policy),
        ),
        pusher=Pusher(registries, storage.blobs, max_uploads=options.max_concurrent_uploads),
        downloads=Downloads(hosts),
    )


def _credentials(auth: AuthConfig) -> Credentials:
    """What the API got, as the registry client wants it."""
    return Credentials(
        username=auth.username,
        password=auth.password,
        identity_token=auth.identitytoken,
        registry_token=auth.registrytoken,
        server_address=auth.serveraddress,
    )

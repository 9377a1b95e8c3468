"""What a hub process is made of: the objects that handlers of every edge are given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from budu.hub.accounts.credentials import Credentials
from budu.hub.accounts.passwords import Passwords
from budu.hub.accounts.signer import Signer
from budu.hub.accounts.throttle import Throttle
from budu.hub.blobs.contract import BlobStore
from budu.hub.database import Database
from budu.hub.options import Options
from budu.hub.registry.sweep import Swept
from budu.hub.repositories.catalog import Catalog
from budu.hub.repositories.deliveries import Deliveries
from budu.hub.repositories.unpacked import Unpacking
from budu.hub.sealing import Seal


@dataclass(frozen=True, kw_only=True)
class Services:
    """The services of one process. Made by `compose`."""

    options: Options
    database: Database
    passwords: Passwords
    signer: Signer
    seal: Seal
    """For secrets that the database keeps."""
    credentials: Credentials
    throttle: Throttle
    blobs: BlobStore
    catalog: Catalog
    sweep: Callable[[], Awaitable[Swept]]
    """Collects garbage now."""
    unpacking: Unpacking
    """Measures what layers take unpacked."""
    deliveries: Deliveries
    """Sends to webhooks."""

"""`tlsVerify=false`: trust that a client gives registries for one request. Our own parameter."""

from __future__ import annotations

from contextlib import AbstractContextManager

from budu.api.http.request import Request
from budu.distribution.trust import trusting


def trust_of(request: Request) -> AbstractContextManager[None]:
    """What is asked of registries inside is trusted as the request wants it."""
    return trusting(blindly=not request.query.flag("tlsVerify", default=True))

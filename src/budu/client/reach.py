"""Why an engine does not answer, found by looking. Loaded only when one does not."""

from __future__ import annotations

import errno
import os

from budu.base.errors import Hint, PermissionDenied, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.base.errors import BuduError
    from budu.client.endpoint import Endpoint


def unreachable(endpoint: Endpoint, error: OSError) -> BuduError:
    """The error for a person: Docker's sentence, and what was found here."""
    address = endpoint.address
    if error.errno in (errno.EACCES, errno.EPERM) and endpoint.is_unix:
        return PermissionDenied(
            f"permission denied while trying to connect to the Docker daemon socket at {address}",
            hint=Hint("client.socket-denied", path=endpoint.path, owner=_owner(endpoint.path)),
        )
    return Unavailable(
        f"Cannot connect to the Docker daemon at {address}. Is the docker daemon running?",
        hint=_cause(endpoint, error),
    )


def _cause(endpoint: Endpoint, error: OSError) -> Hint | None:
    source = endpoint.source or "budu"
    if endpoint.is_unix:
        absent = not os.path.exists(endpoint.path)
        key = "client.socket-absent" if absent else "client.socket-refused"
        return Hint(key, path=endpoint.path, source=source)
    if type(error).__name__ == "gaierror":
        return Hint("client.host-unknown", host=endpoint.host, source=source)
    if error.errno == errno.ECONNREFUSED:
        host, port = endpoint.host, endpoint.port
        return Hint("client.host-refused", host=host, port=port, source=source)
    return Hint("client.plain", text=str(error.strerror or error))


def _owner(path: str) -> str:
    try:
        status = os.stat(path)
    except OSError:
        return "?"
    return f"uid {status.st_uid}, gid {status.st_gid}, mode {status.st_mode & 0o777:o}"

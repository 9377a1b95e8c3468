"""The container list as JSON, whose rows are kept until what they show changes.

A list is asked for far more often than containers change. A row depends on the container's record,
which a change replaces, on what image and network names mean, and, in its status, on the time.
Neighbours: `views.containers` makes the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from budu.api.codec import encode
from budu.api.views.containers import container_row, status_until
from budu.engine.containers.model import Container

_SPARE_ROWS = 256

Lookup = Callable[[str], str]
"""From a name to the id it means now; empty when it means nothing."""


class _Row(msgspec.Struct, frozen=True):
    container: Container
    until_ns: int
    json: bytes


class ContainerRows:
    """The rows that lists have shown lately."""

    def __init__(self, *, image_id: Lookup, network_id: Lookup) -> None:
        self._image_id = image_id
        self._network_id = network_id
        self._rows: dict[str, _Row] = {}
        self._images: dict[str, str] = {}
        self._networks: dict[str, str] = {}
        self._shown: Sequence[Container] = ()
        self._until_ns = 0
        self._body = b""

    def render(self, containers: Sequence[Container], *, now_ns: int) -> bytes:
        """The list of `containers`, without sizes, as the body of an answer."""
        self._forget_renamed()
        if now_ns >= self._until_ns or containers != self._shown:
            rows = [self._row(container, now_ns) for container in containers]
            self._shown = containers
            self._until_ns = min((row.until_ns for row in rows), default=now_ns)
            self._forget_removed(len(rows))
            self._body = b"[%b]\n" % b",".join([row.json for row in rows])
        return self._body

    def _row(self, container: Container, now_ns: int) -> _Row:
        row = self._rows.get(container.id)
        if row is None or row.container is not container or now_ns >= row.until_ns:
            row = self._rows[container.id] = self._render(container, now_ns)
        return row

    def _render(self, container: Container, now_ns: int) -> _Row:
        row = container_row(
            container,
            image_id=self._look_image_up(container.image_name),
            network_id=self._look_network_up,
            now_ns=now_ns,
            sizes=None,
        )
        return _Row(container, status_until(container, now_ns=now_ns), encode(row)[:-1])

    def _look_image_up(self, name: str) -> str:
        id_ = self._images[name] = self._image_id(name)
        return id_

    def _look_network_up(self, name: str) -> str:
        id_ = self._networks[name] = self._network_id(name)
        return id_

    def _forget_renamed(self) -> None:
        """Drops everything once a name that a row was made with means something else."""
        if any(self._image_id(name) != id_ for name, id_ in self._images.items()) or any(
            self._network_id(name) != id_ for name, id_ in self._networks.items()
        ):
            self._until_ns = 0
            self._rows.clear()
            self._images.clear()
            self._networks.clear()

    def _forget_removed(self, shown: int) -> None:
        """Drops everything once most of it must be of containers that are gone."""
        if len(self._rows) > 2 * shown + _SPARE_ROWS:
            self._rows.clear()

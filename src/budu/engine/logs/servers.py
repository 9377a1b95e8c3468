"""The log servers of containers that are about to run: reached before the program is.

As with Docker, a container whose log server cannot be reached is not started; a server that goes
away later stops nothing (docs/decisions/0007). The connection that was made is the one that the
forwarder uses. Neighbours: `engine.containers.start`, `engine.logs.service`.
"""

from __future__ import annotations

from budu.base.errors import BuduError, Hint, Internal
from budu.engine.containers.model import Container
from budu.engine.logs.source import log_source
from budu.engine.paths import EnginePaths
from budu.logs.driver import find_driver
from budu.logs.sinks import Sink

_PREFIX = "failed to initialize logging driver: "


class LogServers:
    """Sinks between a start and the forwarder that takes them."""

    def __init__(self, paths: EnginePaths) -> None:
        self._paths = paths
        self._ready: dict[str, Sink] = {}

    async def reach(self, container: Container) -> None:
        """Make the container's sink, and connect it.

        Raises: Internal, in Docker's words, when the server cannot be reached.
        """
        await self.drop(container.id)
        try:
            sink = self._make(container)
            if sink is not None:
                await sink.connect()
                self._ready[container.id] = sink
        except BuduError as error:
            cause = error.message.removeprefix(_PREFIX)
            raise Internal(
                f"failed to create task for container: {_PREFIX}{cause}",
                hint=Hint("logs.server-away", driver=container.log_driver),
            ) from error

    async def drop(self, id_: str) -> None:
        """Close what was made for a start that came to nothing."""
        sink = self._ready.pop(id_, None)
        if sink is not None:
            await sink.close()

    def take(self, container: Container) -> Sink | None:
        """The container's sink, connected when it was just started; None when it has none.

        Raises: BuduError for what only shows when it is used, as a certificate.
        """
        return self._ready.pop(container.id, None) or self._make(container)

    def _make(self, container: Container) -> Sink | None:
        driver = find_driver(container.log_driver)
        if not driver.forwards:
            return None
        json_log = self._paths.container(container.id).json_log
        return driver.sink(log_source(container), str(json_log))

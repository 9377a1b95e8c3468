"""Links are removed by a thread of its own: the kernel waits for RCU there, 15 ms and more each.

Who needs the link's name again waits for it with `wait`; who answers for its absence, with
`settled`. A link that an engine's end leaves here is swept away by the next engine.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from concurrent.futures import Future, ThreadPoolExecutor, wait

from budu.linux.netlink import route
from budu.linux.netlink.wire import NETLINK_ROUTE, Connection

log = logging.getLogger(__name__)


class LinkRemover:
    """Removes links of the network namespace in which it is made."""

    def __init__(self) -> None:
        """Raises: OSError when netlink is not available."""
        self._connection = Connection(NETLINK_ROUTE)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="links")
        self._going: dict[str, Future[None]] = {}

    @property
    def port(self) -> int:
        """The netlink port from which its removals come."""
        return self._connection.port

    def remove(self, name: str) -> None:
        """Begin to remove a link; one that is gone is fine."""
        if name in self._going:
            return
        going = self._executor.submit(self._delete, name)
        self._going[name] = going
        if going.done():
            del self._going[name]

    def wait(self, name: str) -> None:
        """Block until a link that is being removed is gone."""
        self._tidy()
        going = self._going.pop(name, None)
        if going is not None:
            wait([going])

    async def settled(self) -> None:
        """Wait until everything that was to be removed up to now is gone."""
        self._tidy()
        going = [asyncio.wrap_future(each) for each in self._going.values()]
        if going:
            await asyncio.wait(going)
        self._tidy()

    def close(self) -> None:
        """Finish, and end the thread."""
        self._executor.shutdown()
        self._connection.close()

    def _tidy(self) -> None:
        self._going = {name: each for name, each in self._going.items() if not each.done()}

    def _delete(self, name: str) -> None:
        try:
            self._connection.execute(route.delete_link(name))
        except OSError as error:
            if error.errno != errno.ENODEV:
                log.warning("link %s could not be removed: %s", name, error.strerror)

"""Links are removed by a thread of its own: the kernel waits for RCU there, 15 ms and more each.

Who needs the link's name again waits for it with `wait`; who answers for its absence, with
`settled`. Both wait for the kernel's announcement that the link is gone, which comes after 15 of
the 35 ms that the call takes (measured): nobody finds the link from then on, and its name is free.
A link that an engine's end leaves here is swept away by the next engine.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import select
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor, wait
from contextlib import closing, suppress

from budu.linux.netlink import route
from budu.linux.netlink.wire import NETLINK_ROUTE, Connection

_GLANCE_MS = 50
"""How long one hears nothing before one looks whether the call has ended."""

log = logging.getLogger(__name__)


class LinkRemover:
    """Removes links of the network namespace in which it is made."""

    def __init__(self) -> None:
        """Raises: OSError when netlink is not available."""
        self._connection = Connection(NETLINK_ROUTE)
        self._removing = ThreadPoolExecutor(1, thread_name_prefix="links")
        self._hearing = ThreadPoolExecutor(1, thread_name_prefix="links-gone")
        self._going: dict[str, Future[None]] = {}

    @property
    def port(self) -> int:
        """The netlink port from which its removals come."""
        return self._connection.port

    def remove(self, name: str) -> None:
        """Begin to remove a link; one that is gone is fine."""
        self._tidy()
        if name in self._going:
            return
        announcements = Connection(NETLINK_ROUTE)
        announcements.subscribe(route.RTNLGRP_LINK)
        going: Future[None] = Future()
        self._going[name] = going
        self._hearing.submit(hear, name, announcements, going)
        self._removing.submit(self._delete, name, going)

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
        """Finish, and end the threads."""
        self._removing.shutdown()
        self._hearing.shutdown()
        self._connection.close()

    def _tidy(self) -> None:
        self._going = {name: each for name, each in self._going.items() if not each.done()}

    def _delete(self, name: str, going: Future[None]) -> None:
        try:
            self._connection.execute(route.delete_link(name))
        except OSError as error:
            if error.errno != errno.ENODEV:
                log.warning("link %s could not be removed: %s", name, error.strerror)
        finally:
            _settle(going)


def hear(name: str, announcements: Connection, going: Future[None]) -> None:
    """Settle `going` when it is announced that the link is gone; until somebody else has.

    `announcements` is subscribed to those of links and is closed at the end.
    """
    poll = select.poll()
    poll.register(announcements, select.POLLIN)
    with closing(announcements):
        while not going.done():
            poll.poll(_GLANCE_MS)
            heard = announcements.notifications()
            if heard is None:  # some were lost: the call's end counts
                return
            if name in map(route.gone_link, heard):
                _settle(going)


def _settle(going: Future[None]) -> None:
    """Whoever is later of the two threads finds it done."""
    with suppress(InvalidStateError):
        going.set_result(None)

"""Others' changes to our links and our table, heard from the kernel while the engine runs.

A change is waited out for a moment, because those who flush a firewall seldom stop at one command;
then `repair` looks and puts back. What this engine changes itself is not listened to.

Source: linux/rtnetlink.h (RTNLGRP_*); linux/netfilter/nfnetlink.h (NFNLGRP_NFTABLES).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from budu.base.errors import BuduError
from budu.linux.netlink import route
from budu.linux.netlink.wire import (
    NETLINK_NETFILTER,
    NETLINK_ROUTE,
    Connection,
    Reply,
    as_text,
    attributes,
)

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, TimerHandle

RTNLGRP_IPV4_IFADDR = 5
RTNLGRP_IPV6_IFADDR = 9
NFNLGRP_NFTABLES = 7

_NFT_CHANGES = frozenset({2, 3, 5, 8, 11, 14})
"""NFT_MSG_DELTABLE, -CHAIN, -RULE, -SET and -SETELEM, and NFT_MSG_NEWCHAIN: others' firewalls."""

_NFT_FOREIGN_CHANGES = frozenset({2, 3, 5, 8})
"""Those that matter in tables of others: their forward chains let our bridges through."""

_NFTA_TABLE_NAME = 1  # the same number in all of these messages
_NFGENMSG_BYTES = 4
_PATIENCE_S = 0.2
_FOREIGN_PATIENCE_S = 2.0
_LONGEST_PATIENCE_S = 30.0

log = logging.getLogger(__name__)


class Watch:
    """Listens until `close`. `is_ours` tells whether a link of this name must be there.

    `table` is our table's name. What happens in other tables can wait: some programs write theirs
    anew all the time.
    """

    def __init__(
        self,
        is_ours: Callable[[str], bool],
        repair: Callable[[], list[str]],
        *,
        table: str,
        own_ports: set[int],
        report: Callable[[str], None],
    ) -> None:
        self._is_ours = is_ours
        self._repair = repair
        self._table = table
        self._own_ports = own_ports
        self._report = report
        self._resources = ExitStack()
        self._timer: TimerHandle | None = None
        self._loop: AbstractEventLoop
        self._patience_s = _PATIENCE_S

    def start(self, loop: AbstractEventLoop) -> None:
        """Begin to listen in the loop's thread. Raises: OSError."""
        self._loop = loop
        groups = (route.RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR)
        self._listen(NETLINK_ROUTE, groups, self._patience_of_route)
        self._listen(NETLINK_NETFILTER, (NFNLGRP_NFTABLES,), self._patience_of_table)

    def close(self) -> None:
        """Stop listening."""
        if self._timer is not None:
            self._timer.cancel()
        self._resources.close()

    def _listen(
        self, protocol: int, groups: tuple[int, ...], patience_of: Callable[[Reply], float]
    ) -> None:
        connection = Connection(protocol)
        self._resources.callback(connection.close)
        connection.subscribe(*groups)

        def read() -> None:
            found = connection.notifications()
            if found is None:
                self._schedule(_PATIENCE_S)
            elif patiences := [each for each in map(patience_of, found) if each]:
                self._schedule(min(patiences))

        self._loop.add_reader(connection.fileno(), read)
        self._resources.callback(self._loop.remove_reader, connection.fileno())

    def _patience_of_route(self, reply: Reply) -> float:
        """Seconds to wait before a repair; 0 when there is nothing to repair."""
        if reply.port in self._own_ports:
            return 0
        if reply.kind in (route.RTM_NEWADDR, route.RTM_DELADDR):
            address = route.parse_address(reply)
            matters = address is not None and not address.address.startswith("fe80:")
            return _PATIENCE_S if matters else 0
        if reply.kind not in (route.RTM_NEWLINK, route.RTM_DELLINK):
            return 0
        link = route.parse_link(reply)
        if reply.kind == route.RTM_NEWLINK and link.is_up and (link.master or link.kind):
            return 0
        return _PATIENCE_S if self._is_ours(link.name) else 0

    def _patience_of_table(self, reply: Reply) -> float:
        kind = reply.kind & 0xFF
        if reply.port in self._own_ports or kind not in _NFT_CHANGES:
            return 0
        found = attributes(reply.body, _NFGENMSG_BYTES).get(_NFTA_TABLE_NAME, b"")
        if as_text(found) == self._table:
            return _PATIENCE_S
        return _FOREIGN_PATIENCE_S if kind in _NFT_FOREIGN_CHANGES else 0

    def _schedule(self, patience_s: float) -> None:
        """Repair after a while, or sooner than was planned."""
        when = self._loop.time() + max(patience_s, self._patience_s)
        if self._timer is not None:
            if self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._run)

    def _run(self) -> None:
        """Repair; somebody who removes again and again is answered ever more slowly."""
        self._timer = None
        try:
            done = self._repair()
        except (BuduError, OSError) as error:
            log.warning("networks could not be repaired: %s", error)
            return
        for each in done:
            self._report(f"{each} was removed by another program and is put back")
        slower = min(self._patience_s * 2, _LONGEST_PATIENCE_S)
        self._patience_s = slower if done else _PATIENCE_S

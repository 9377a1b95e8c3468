"""Links that go: when they are gone for everybody, and that nobody waits longer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from network_lab import PATIENCE_S, UP_MAC, Lab, link_index, link_names

from budu.linux.netlink import route
from budu.linux.netlink.wire import NETLINK_ROUTE, Connection
from budu.network.remover import LinkRemover, hear

pytestmark = pytest.mark.host


@pytest.fixture
def connection(lab: Lab) -> Iterator[Connection]:
    made = Connection(NETLINK_ROUTE)
    yield made
    made.close()


@pytest.fixture
def remover(lab: Lab) -> Iterator[LinkRemover]:
    made = LinkRemover()
    yield made
    made.close()


def make(connection: Connection, name: str) -> None:
    connection.execute(route.create_bridge(name, mac=UP_MAC))
    connection.execute(route.set_link(link_index(connection, name), up=True))


def test_a_settled_link_is_gone_and_its_name_is_free(
    connection: Connection, remover: LinkRemover
) -> None:
    for _ in range(5):
        make(connection, "again0")
        remover.remove("again0")
        asyncio.run(remover.settled())
        assert "again0" not in link_names()


def test_a_link_that_is_waited_for_can_be_made_anew(
    connection: Connection, remover: LinkRemover
) -> None:
    make(connection, "again0")
    remover.remove("again0")
    remover.wait("again0")
    make(connection, "again0")
    assert "again0" in link_names()


def test_a_link_that_is_not_there_is_settled(lab: Lab, remover: LinkRemover) -> None:
    remover.remove("never0")
    asyncio.run(remover.settled())


def test_the_announcement_counts_not_the_end_of_the_call(connection: Connection) -> None:
    """The kernel answers who asked for the removal much later than the link is gone."""
    for name in ("here0", "other0"):
        make(connection, name)
    announcements = Connection(NETLINK_ROUTE)
    announcements.subscribe(route.RTNLGRP_LINK)
    going: Future[None] = Future()
    with ThreadPoolExecutor(1) as threads:
        heard = threads.submit(hear, "here0", announcements, going)
        connection.execute(route.delete_link("other0"))
        assert not going.done()
        connection.execute(route.delete_link("here0"))
        heard.result(PATIENCE_S)
    assert going.done()

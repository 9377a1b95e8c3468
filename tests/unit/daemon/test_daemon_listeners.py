"""From addresses to listeners."""

from __future__ import annotations

from pathlib import Path

import pytest

from budu.api.listeners import Listener, TcpListener, UnixListener
from budu.base.errors import InvalidArgument
from budu.daemon.listeners import make_listeners
from budu.daemon.options import Options


def listeners(*hosts: str) -> list[Listener]:
    options = Options(
        data_root=Path("/d"), exec_root=Path("/x"), hosts=hosts, pidfile=Path("/x/budu.pid")
    )
    return make_listeners(options)


def test_every_address_gets_its_listener() -> None:
    kinds = [type(each) for each in listeners("unix:///x/a.sock", "tcp://127.0.0.1:2375")]
    assert kinds == [UnixListener, TcpListener]


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1", "tcp://127.0.0.1:", "tcp://h:http", "tcp://h:65536"]
)
def test_address_without_a_port_is_refused(address: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        listeners(address)
    assert caught.value.message == f"invalid bind address ({address}): a port is needed"

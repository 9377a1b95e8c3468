"""The resolver's two sockets inside a sandbox, and the rules that lead port 53 to them.

A container may run a name server of its own at port 53 of every address, so ours listen at a port
of the kernel's choice. Rules of the sandbox write that port over 53 in what is sent to 127.0.0.11,
and 53 over it in what comes back. They translate without a memory: a rule of type nat would have
the kernel track every connection of the container (300 ns a packet, measured). Sockets and rules
take 120 microseconds (measured). The namespace takes the rules along when it goes.
Source: moby, libnetwork/resolver_unix.go (the idea); man 2 setns.
"""

from __future__ import annotations

import errno
import os
import socket

from budu.linux.namespaces import CLONE_NEWNET, open_namespace, setns
from budu.linux.netlink import nft_rules as nft
from budu.linux.netlink.nftables import commit
from budu.linux.netlink.wire import NETLINK_NETFILTER, Connection, Message

ADDRESS = "127.0.0.11"
"""Where containers find the resolver."""
PORT = 53

_TABLE = "budu_names"
_CHAIN = "output"
_PACKED = socket.inet_aton(ADDRESS)
_BACKLOG = 64
_TRIES = 16
# Offsets in the IPv4 header, and in those of tcp and udp.
_SOURCE_ADDRESS, _DESTINATION_ADDRESS = 12, 16
_SOURCE_PORT, _DESTINATION_PORT = 0, 2


def open_sockets(netns_fd: int) -> tuple[socket.socket, socket.socket]:
    """The udp and the listening tcp socket, both non-blocking; the caller's to close.

    The loopback link must be up. What an earlier call made is replaced.

    Raises: OSError with the kernel's words; nothing is left behind then.
    """
    home = open_namespace("thread-self", CLONE_NEWNET)
    try:
        setns(netns_fd, CLONE_NEWNET)
        try:
            datagrams, listener = _bound_pair()
            try:
                _redirect(listener.getsockname()[1])
            except BaseException:
                datagrams.close()
                listener.close()
                raise
            return datagrams, listener
        finally:
            setns(home, CLONE_NEWNET)
    finally:
        os.close(home)


def _bound_pair() -> tuple[socket.socket, socket.socket]:
    """Two sockets at the same port."""
    for _ in range(_TRIES):
        datagrams = _bound(socket.SOCK_DGRAM, 0)
        try:
            listener = _bound(socket.SOCK_STREAM, datagrams.getsockname()[1])
        except OSError as error:
            datagrams.close()
            if error.errno != errno.EADDRINUSE:
                raise
            continue
        return datagrams, listener
    raise OSError(errno.EADDRINUSE, "no port is free for udp and tcp at once")


def _bound(kind: int, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        made.bind((ADDRESS, port))
        if kind == socket.SOCK_STREAM:
            made.listen(_BACKLOG)
    except OSError:
        made.close()
        raise
    return made


def _redirect(port: int) -> None:
    """Make the rules, in place of those that are there, in the namespace of this thread.

    A table is only replaced where there is one: after a batch that deletes anything the kernel
    waits 10 milliseconds when the socket is closed (nf_tables, nft_rcv_nl_event).
    """
    connection = Connection(NETLINK_NETFILTER)
    try:
        try:
            commit(connection, [nft.new_table(_TABLE, exclusive=True), *_rules(port)])
        except FileExistsError:
            old = (nft.delete_table(_TABLE), nft.new_table(_TABLE))
            commit(connection, [*old, *_rules(port)])
    finally:
        connection.close()


def _rules(port: int) -> tuple[Message, ...]:
    """What the table consists of: a rule for questions and one for answers."""
    chain = nft.new_chain(
        _TABLE, _CHAIN, kind="filter", hook=nft.NF_INET_LOCAL_OUT, priority=nft.NF_IP_PRI_RAW
    )
    question = _rewriting(_DESTINATION_ADDRESS, _DESTINATION_PORT, old=PORT, new=port)
    answer = _rewriting(_SOURCE_ADDRESS, _SOURCE_PORT, old=port, new=PORT)
    return chain, question, answer


def _rewriting(address_offset: int, port_offset: int, *, old: int, new: int) -> Message:
    """The rule that writes another port over one at the resolver's address."""
    return nft.append_rule(
        _TABLE,
        _CHAIN,
        nft.header_equals(nft.NETWORK_HEADER, address_offset, _PACKED),
        nft.header_equals(nft.TRANSPORT_HEADER, port_offset, old.to_bytes(2, "big")),
        nft.write_port(port_offset, new),
        nft.leave_untracked(),
    )

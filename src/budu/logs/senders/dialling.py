"""Why a log server cannot be reached, in the words that Docker has for it.

Neighbours: `logs.senders.sockets` connects. Source: Go, net.OpError; Docker, the log drivers' New.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl


def path_error(network: str, path: str, error: OSError) -> str:
    """`dial unix /dev/log: connect: no such file or directory`."""
    return f"dial {network} {path}: connect: {_reason(error)}"


async def address_error(network: str, host: str, port: int, error: OSError) -> str:
    """`dial tcp 192.0.2.1:514: connect: connection refused`, and the like."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"tls: failed to verify certificate: x509: {_certificate_error(error)}"
    if isinstance(error, ssl.SSLError):
        return f"tls: {(error.reason or str(error)).lower().replace('_', ' ')}"
    if isinstance(error, socket.gaierror):
        return f"dial {network}: lookup {host}: no such host"
    place = await _address(host, port)
    if isinstance(error, TimeoutError) and error.errno is None:
        return f"dial {network} {place}: i/o timeout"
    return f"dial {network} {place}: connect: {_reason(error)}"


async def _address(host: str, port: int) -> str:
    """The address that was tried last, as Go writes it."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    address = str(found[-1][4][0])
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _certificate_error(error: ssl.SSLCertVerificationError) -> str:
    signed_by_unknown = (18, 19, 20, 21)  # x509_vfy.h: X509_V_ERR_…_ISSUER_CERT and the like
    if error.verify_code in signed_by_unknown:
        return "certificate signed by unknown authority"
    return str(error.verify_message).lower()


def _reason(error: OSError) -> str:
    """The error's own words. asyncio packs those of several addresses into one text."""
    if error.errno is not None:
        return os.strerror(error.errno).lower()
    return str(error).rpartition("] ")[2].lower()

"""What requests and answers may ask of the connection that carries them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from budu.api.http.limits import Limits

if TYPE_CHECKING:
    from budu.api.http.hijack import HijackedStream
    from budu.api.http.response import StreamResponse


class Wire(Protocol):
    """The sending side of a connection and its changes of mode. See `protocol.HttpConnection`."""

    limits: Limits
    """The bounds of this connection."""

    def send(self, data: bytes) -> None:
        """Hands bytes to the socket; nothing happens when the client is gone."""

    async def drain(self) -> None:
        """Waits until the client has taken enough to send more. No deadline: a paused terminal
        may stop reading for hours.

        Raises: ClientGone.
        """

    async def taken(self, *, within_s: float) -> None:
        """Waits until the client has read everything sent, where the kernel can tell."""

    def send_eof(self) -> None:
        """Half-closes: no more bytes will be sent."""

    def hang_up(self) -> None:
        """Closes the connection once everything sent has left."""

    def abort(self) -> None:
        """Cuts the connection, so that the client sees a broken answer and not a short one."""

    def send_continue(self) -> None:
        """Tells a client that waits with its body to go on."""

    def expect_body_within(self, seconds: float) -> None:
        """Gives the body a deadline, after which its reader gets a fault 408."""

    def cancel_when_client_leaves(self) -> None:
        """From now on the handler is cancelled as soon as nobody waits for its answer."""

    def begin_stream(
        self, status: int, *, content_type: str, headers: Mapping[str, str]
    ) -> StreamResponse:
        """Sends the head of an answer whose body follows piece by piece."""

    def hijack(self, content_type: str, *, headers: Mapping[str, str]) -> HijackedStream:
        """Leaves HTTP: sends 101 or 200 and hands both directions over."""

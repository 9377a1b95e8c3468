"""The bytes of answers: status line, headers, framing, and the body where it is there. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from budu.api.http.head import RequestHead
from budu.api.http.hijack import RAW_STREAM
from budu.api.http.limits import HttpFault
from budu.api.http.response import (
    Response,
    has_body,
    render_head,
    render_header,
    render_lines,
)

_CLOSE = b"Connection: close\r\n"
_KEEP_ALIVE = b"Connection: keep-alive\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n"


def whole_answer(head: RequestHead, response: Response, *, fixed: bytes, keeps: bool) -> bytes:
    """A whole answer to `head`; `keeps` tells whether another request may follow."""
    framing = b""
    if carries := has_body(response.status):
        framing = b"Content-Length: %d\r\n" % len(response.body)
    if not keeps:
        framing += _CLOSE
    elif head.http_1_0:
        framing += _KEEP_ALIVE
    body = response.body if carries and head.method != "HEAD" else b""
    return render_head(
        response.status, fixed=fixed, lines=response.lines, framing=framing, body=body
    )


def stream_head(
    head: RequestHead,
    status: int,
    *,
    content_type: str,
    headers: Mapping[str, str],
    fixed: bytes,
    keeps: bool,
) -> bytes:
    """The head of an answer that is written piece by piece: in chunks, but not for HTTP/1.0."""
    framing = b"" if head.http_1_0 else _CHUNKED
    if head.http_1_0 or not keeps:
        framing += _CLOSE
    lines = render_lines(content_type, headers)
    return render_head(status, fixed=fixed, lines=lines, framing=framing)


def hijack_head(
    head: RequestHead, content_type: str, *, headers: Mapping[str, str], fixed: bytes
) -> bytes:
    """What is said before a connection leaves HTTP: 101 to those that asked to, else 200."""
    if not head.is_upgrade:
        return render_head(200, fixed=fixed, lines=render_lines(RAW_STREAM, headers))
    framing = b"Connection: Upgrade\r\n" + render_header("Upgrade", head.headers["upgrade"])
    lines = render_lines(content_type, headers)
    return render_head(101, fixed=fixed, lines=lines, framing=framing)


def refusal(fault: HttpFault, *, fixed: bytes) -> bytes:
    """The answer to a fault outside of any request, the last of its connection."""
    response = Response.json({"message": fault.message}, status=fault.status)
    framing = b"Content-Length: %d\r\n%b" % (len(response.body), _CLOSE)
    return render_head(
        fault.status, fixed=fixed, lines=response.lines, framing=framing, body=response.body
    )

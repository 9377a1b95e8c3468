"""An HTTP/1.1 server connection that can be taken over: no routes, no Docker documents.

`protocol.HttpConnection` is the asyncio protocol of one client; `intake`, `head` and `framing` cut
its bytes into requests; a handler gets a `request.Request` and gives back a `response.Response`, a
`response.StreamResponse` or, after `Request.hijack`, a `hijack.HijackedStream`; `answers` renders
what `outlet` sends.
"""

"""The built page, held in memory: its files, its index for every address that is no file, and
headers that let the page do nothing but what it is made for.

The folder is read once, so no path of a request ever reaches the disk. Source: W3C, Content
Security Policy Level 3; OWASP, Secure Headers Project; RFC 9110, "Conditional Requests".
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:;"
    " font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""On every answer of the hub."""

_INDEX = "index.html"
_HASHED = "assets/"
_FOREVER = "public, max-age=31536000, immutable"
_TEXT = ("text/", "application/javascript", "application/json", "image/svg+xml")
_NO_PAGE = """<!doctype html><meta charset="utf-8"><title>Hub</title>
<p>The registry works; its page was not built: <code>npm ci && npm run build</code> in web/hub.</p>
<p>레지스트리는 동작합니다. 웹 페이지가 빌드되지 않았습니다: web/hub 에서
<code>npm ci && npm run build</code>.</p>
"""


@dataclass(frozen=True)
class File:
    """A file of the page."""

    body: bytes
    packed: bytes | None
    """The same by gzip, where that is shorter."""
    content_type: str
    etag: str
    cache: str


def default_folder() -> Path:
    """Where the page is: installed with the package, or built in the source tree."""
    installed = Path(__file__).parent / "page"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "web" / "hub" / "dist"


class Site:
    """Serves the page."""

    def __init__(self, folder: Path) -> None:
        self._files = _read(folder)

    def add_routes(self, app: web.Application) -> None:
        """Serve everything that nobody else serves; add it last."""
        app.router.add_get("/{path:.*}", self._get)

    async def _get(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        file = self._files.get(path)
        if file is None and path.startswith(_HASHED):
            raise web.HTTPNotFound
        if file is None:
            file = self._files[_INDEX]
        headers = {"ETag": file.etag, "Cache-Control": file.cache, "Vary": "Accept-Encoding"}
        if file.etag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        body = file.body
        if file.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            body, headers["Content-Encoding"] = file.packed, "gzip"
        return web.Response(body=body, headers={**headers, "Content-Type": file.content_type})


def _read(folder: Path) -> dict[str, File]:
    files = {_INDEX: _file(_INDEX, _NO_PAGE.encode())}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_file() and not path.is_symlink():
            name = path.relative_to(folder).as_posix()
            files[name] = _file(name, path.read_bytes())
    return files


def _file(name: str, body: bytes) -> File:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    is_text = kind.startswith(_TEXT)
    packed = gzip.compress(body, mtime=0) if is_text else None
    return File(
        body=body,
        packed=packed if packed and len(packed) < len(body) else None,
        content_type=f"{kind}; charset=utf-8" if is_text else kind,
        etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        cache=_FOREVER if name.startswith(_HASHED) else "no-cache",
    )


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """A signal of aiohttp's: puts `HEADERS` on every answer."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)

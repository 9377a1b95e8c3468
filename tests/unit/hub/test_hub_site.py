"""The page: files, the way back to its index, and what headers forbid."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from budu.hub.site import Site, add_headers


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """A page with a script, and a file beside it that is nobody's business."""
    page = tmp_path / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<title>Hub</title>")
    (page / "assets" / "app-1234.js").write_text("let a = 1;\n" * 100)
    (tmp_path / "secret.txt").write_text("secret")
    (page / "link.txt").symlink_to(tmp_path / "secret.txt")
    app = web.Application()
    app.on_response_prepare.append(add_headers)
    Site(page).add_routes(app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def get(url: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    from yarl import URL

    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.get(URL(url, encoded=True), headers=headers) as response,
    ):
        return response.status, response.headers.copy(), await response.read()


async def test_every_address_of_the_page_is_its_index(url: str) -> None:
    for path in ("/", "/explore", "/r/library/httpd", "/r/ann/web/tags/2.4", "/r/ann/web.js"):
        status, headers, body = await get(url + path)
        assert (status, body) == (200, b"<title>Hub</title>"), path
        assert headers["Cache-Control"] == "no-cache"


async def test_the_page_may_do_little(url: str) -> None:
    _, headers, _ = await get(url + "/")
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_assets_are_kept_and_packed(url: str) -> None:
    status, headers, body = await get(url + "/assets/app-1234.js", **{"Accept-Encoding": "gzip"})
    assert status == 200
    assert "immutable" in headers["Cache-Control"]
    assert headers["Content-Type"].startswith("text/javascript")
    assert gzip.decompress(body).startswith(b"let a")
    again, _, nothing = await get(url + "/assets/app-1234.js", **{"If-None-Match": headers["ETag"]})
    assert (again, nothing) == (304, b"")


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/assets/..%2f..%2fsecret.txt",
     "/link.txt", "/assets/none.js", "/%00.js", "//etc/passwd.txt"],
)  # fmt: skip
async def test_nothing_else_is_read(url: str, path: str) -> None:
    status, _, body = await get(url + path)
    if path.startswith("/assets/"):
        assert status == 404
    else:  # an address of the page, whatever it looks like
        assert (status, body) == (200, b"<title>Hub</title>")

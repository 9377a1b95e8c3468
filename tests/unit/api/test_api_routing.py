"""Operations are found by method, path and version; errors become Docker's answers."""

from __future__ import annotations

import logging

import pytest
from api_wire import serve
from hypothesis import given
from hypothesis import strategies as st

from budu.api.errors import STATUSES, error_document, status_of
from budu.api.http.protocol import Reply
from budu.api.http.query import Query
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.routing import Route, Router, route, route_json
from budu.api.versions import MAX_VERSION, ApiVersion
from budu.base import errors
from budu.base.errors import Hint, InvalidArgument, NotFound
from budu.spec.api.fields import TEXT, Body

PATHS = [
    ("GET", "/containers/json"),
    ("GET", "/containers/{id}/json"),
    ("POST", "/containers/create"),
    ("POST", "/containers/{id}/start"),
    ("POST", "/containers/{id}/attach"),
    ("GET", "/containers/{id}/attach/ws"),
    ("DELETE", "/containers/{id}"),
    ("GET", "/images/json"),
    ("GET", "/images/{name:.*}/json"),
    ("GET", "/images/{name:.*}/get"),
    ("GET", "/images/get"),
    ("DELETE", "/images/{name:.*}"),
    ("GET", "/_ping"),
    ("HEAD", "/_ping"),
]


async def tell(request: Request) -> Reply:
    return Response.json({"params": dict(request.params), "version": str(request.version)})


def table() -> Router:
    return Router(route(method, path, tell, operation=path) for method, path in PATHS)


@pytest.mark.parametrize(
    ("method", "path", "template", "params"),
    [
        ("GET", "/containers/json", "/containers/json", {}),
        ("GET", "/containers/web/json", "/containers/{id}/json", {"id": "web"}),
        ("GET", "/containers/json/json", "/containers/{id}/json", {"id": "json"}),
        ("GET", "/containers/a/attach/ws", "/containers/{id}/attach/ws", {"id": "a"}),
        ("DELETE", "/containers/create", "/containers/{id}", {"id": "create"}),
        ("GET", "/images/httpd/json", "/images/{name:.*}/json", {"name": "httpd"}),
        ("GET", "/images/r:5/a/b:1/json", "/images/{name:.*}/json", {"name": "r:5/a/b:1"}),
        ("GET", "/images/a/get/json", "/images/{name:.*}/json", {"name": "a/get"}),
        ("DELETE", "/images/a/json", "/images/{name:.*}", {"name": "a/json"}),
        ("GET", "/images/get", "/images/get", {}),
    ],
)
def test_path_leads_to_its_operation(
    method: str, path: str, template: str, params: dict[str, str]
) -> None:
    found, given_params = table().find(method, path, MAX_VERSION)
    assert (found.path, given_params) == (template, params)


@pytest.mark.parametrize("path", ["/", "/nothing", "/containers//json", "/images//json"])
def test_unknown_path_is_not_found(path: str) -> None:
    with pytest.raises(NotFound, match="page not found"):
        table().find("GET", path, MAX_VERSION)


@given(st.lists(st.text("abc/{}.:é", min_size=1), min_size=1, max_size=4))
def test_image_name_may_be_anything(parts: list[str]) -> None:
    name = "/".join(parts)
    found, params = table().find("DELETE", f"/images/{name}", MAX_VERSION)
    assert (found.operation, params["name"]) == ("/images/{name:.*}", name)


def test_versions_of_an_operation_stand_side_by_side() -> None:
    old = route("GET", "/df", tell, operation="Old", until=ApiVersion(1, 44))
    new = route("GET", "/df", tell, operation="New", since=ApiVersion(1, 45))
    router = Router([old, new])
    assert router.find("GET", "/df", ApiVersion(1, 44))[0] is old
    assert router.find("GET", "/df", ApiVersion(1, 45))[0] is new


def test_two_operations_must_not_share_a_version() -> None:
    one = route("GET", "/df", tell, operation="One")
    other = route("GET", "/df", tell, operation="Other", since=ApiVersion(1, 45))
    with pytest.raises(ValueError, match="two routes for GET /df"):
        Router([one, other])


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        (
            "/v1.24/_ping",
            400,
            "client version 1.24 is too old. Minimum supported API version is 1.40, please "
            "upgrade your client to a newer version",
        ),
        (
            "/v1.99/_ping",
            400,
            "client version 1.99 is too new. Maximum supported API version is 1.51",
        ),
        ("/v1.1.1/_ping", 400, "invalid API version '1.1.1': must be MAJOR.MINOR"),
        ("/v1.47/nothing", 404, "page not found"),
        ("/volumes", 404, "page not found"),
        ("*", 400, "invalid request path"),
        ("/containers/a%00b/json", 400, "invalid request path"),
    ],
)
async def test_wrong_paths_get_dockers_sentences(path: str, status: int, message: str) -> None:
    async with serve(table()) as site:
        answer = await (await site.connect()).get(path)
    assert (answer.status, answer.message) == (status, message)


@pytest.mark.parametrize(
    ("path", "version"), [("/v1.40", "1.40"), ("/v1.51", "1.51"), ("", "1.51")]
)
async def test_version_prefix_is_understood(path: str, version: str) -> None:
    async with serve(table()) as site:
        answer = await (await site.connect()).get(f"{path}/containers/a%20b/json")
    assert answer.json == {"params": {"id": "a b"}, "version": version}


@pytest.mark.parametrize("path", ["/v1.51/containers//web/start", "/containers/%2Fweb/start"])
async def test_a_containers_name_may_have_its_slash(path: str) -> None:
    async with serve(table()) as site:
        client = await site.connect()
        answer = await client.ask(f"POST {path} HTTP/1.1\r\n\r\n".encode())
    assert answer.json["params"] == {"id": "web"}


async def test_whole_url_as_target_is_understood() -> None:
    async with serve(table()) as site:
        answer = await (await site.connect()).get("http://docker/v1.41/containers/json?all=1")
    assert answer.json["version"] == "1.41"


async def test_wrong_method_is_405_with_the_right_ones() -> None:
    async with serve(table()) as site:
        client = await site.connect()
        answer = await client.ask(b"PUT /containers/a HTTP/1.1\r\n\r\n")
        assert (answer.status, answer.headers["allow"]) == (405, "DELETE")
        answer = await client.ask(b"POST /_ping HTTP/1.1\r\n\r\n")
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_options_is_answered_everywhere() -> None:
    async with serve(table()) as site:
        answer = await (await site.connect()).ask(b"OPTIONS /any HTTP/1.1\r\n\r\n")
    assert (answer.status, answer.body) == (200, b"")


class Config(Body, frozen=True, kw_only=True):
    image: str = TEXT
    env: list[str] | None = None


async def create(_: Request, body: Config) -> Reply:
    return Response.json({"image": body.image}, status=201)


def json_routes() -> list[Route]:
    needs = route_json("POST", "/needs", create, operation="Needs", body=Config, body_required=True)
    return [route_json("POST", "/takes", create, operation="Takes", body=Config), needs]


@pytest.mark.parametrize(
    ("path", "content_type", "body", "status", "text"),
    [
        ("/takes", "application/json", b'{"Image":"a"}', 201, '{"image":"a"}\n'),
        ("/takes", "application/json; charset=utf-8", b'{"Image":"a","X":1}', 201, '"a"'),
        ("/takes", "application/json", b'{"Env":null}', 201, '{"image":""}\n'),
        ("/takes", "", b"", 201, '{"image":""}\n'),
        ("/needs", "", b"", 400, "invalid JSON: got EOF while reading request body"),
        ("/takes", "application/json", b"  ", 400, "invalid JSON: got EOF"),
        ("/takes", "application/json", b'{"Image":', 400, "invalid JSON: "),
        ("/takes", "application/json", b'{"Image":7}', 400, "$.Image"),
        ("/takes", "application/json", b"[]", 400, "invalid JSON: "),
        ("/takes", "application/json", b'{"Image":"\xff"}', 400, "invalid JSON: "),
        ("/takes", "application/json", b"[" * 100_000, 400, "invalid JSON: "),
        ("/takes", "application/json", b"{} {}", 400, "unexpected content after JSON"),
        ("/takes", "", b"{}", 400, "malformed Content-Type header (): mime: no media type"),
        (
            "/takes",
            "text/plain",
            b"{}",
            400,
            "unsupported Content-Type header (text/plain): must be 'application/json'",
        ),
    ],
)
async def test_json_body_is_decoded_or_refused(
    path: str, content_type: str, body: bytes, status: int, text: str
) -> None:
    header = f"Content-Type: {content_type}\r\n" if content_type else ""
    head = f"POST {path} HTTP/1.1\r\n{header}Content-Length: {len(body)}\r\n\r\n"
    async with serve(Router(json_routes())) as site:
        answer = await (await site.connect()).ask(head.encode() + body)
    assert answer.status == status
    assert text in (answer.message if status == 400 else answer.body.decode())


async def fail(request: Request) -> Reply:
    kind: type[errors.BuduError] = getattr(errors, request.query.text("kind"))
    raise kind("It broke", hint=Hint("logs.known-drivers", drivers="json-file"))


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("Accept-Language: ko-KR,ko;q=0.9,en;q=0.8", "사용할 수 있는 로그 드라이버: json-file"),
        ("Accept-Language: en;q=0.9, ko;q=0.1", "Log drivers here: json-file"),
        ("Accept-Language: fr, ko;q=0.1", "사용할 수 있는"),
        ("Accept-Language: fr", "Log drivers here: json-file"),
        ("Accept-Language: ko;q=x", "Log drivers here: json-file"),
        ("X: y", "Log drivers here: json-file"),
    ],
)
async def test_hint_is_in_the_language_of_the_client(header: str, hint: str) -> None:
    router = Router([route("GET", "/fail", fail, operation="Fail")])
    async with serve(router) as site:
        answer = await (await site.connect()).get("/fail?kind=NotFound", header)
    assert (answer.status, answer.message) == (404, "It broke")
    assert answer.json["code"] == "not-found"
    assert answer.json["hint"].startswith(hint)


async def test_not_modified_has_no_body() -> None:
    router = Router([route("GET", "/fail", fail, operation="Fail")])
    async with serve(router) as site:
        client = await site.connect()
        assert (await client.get("/fail?kind=NotModified")).status == 304
        assert (await client.get("/fail?kind=Conflict")).status == 409


def test_every_error_class_has_a_status() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    ours = {kind for kind in kinds if issubclass(kind, errors.BuduError)} - {errors.BuduError}
    assert set(STATUSES) == ours


def test_subclasses_share_status_and_code() -> None:
    class NoSuchImage(NotFound):
        """A finer class."""

    assert status_of(NoSuchImage("x")) == 404
    assert error_document(NoSuchImage("x"), "en")["code"] == "not-found"


async def test_unexpected_error_is_500_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def crash(_: Request) -> Reply:
        return Response.text({}["secret"])

    async with serve(Router([route("GET", "/crash", crash, operation="Crash")])) as site:
        client = await site.connect()
        with caplog.at_level(logging.ERROR):
            answer = await client.get("/crash")
        assert (answer.status, answer.json["code"]) == (500, "internal")
        assert "secret" not in answer.message
        assert len(caplog.records) == 1
        assert caplog.records[0].exc_info is not None
        assert (await client.get("/nothing")).status == 404


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", True), ("true", True), ("True", True), ("yes", True)]
    + [(text, False) for text in ("0", "false", "False", "", "no", "none", " 0 ")],
)
def test_flag_is_read_as_docker_reads_it(text: str, value: bool) -> None:
    assert Query(f"all={text.replace(' ', '%20')}").flag("all") is value


def test_flag_that_is_absent_has_its_default() -> None:
    assert Query("a=1").flag("b", default=True)
    assert not Query("").flag("b")


@pytest.mark.parametrize(
    ("text", "value"), [("", None), ("7", 7), ("-1", -1), ("%2B3", 3), ("007", 7)]
)
def test_integer_is_read(text: str, value: int | None) -> None:
    assert Query(f"t={text}").integer("t") == value


@pytest.mark.parametrize("text", ["x", "1.5", "%EF%BC%91", "99999999999999999999", "9" * 19, "-"])
def test_integer_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"strconv\.Atoi: parsing"):
        Query(f"t={text}").integer("t")


def test_first_of_repeated_parameters_counts() -> None:
    query = Query("a=1&a=2&b=x%20y+z")
    assert (query.text("a"), query.all("a"), query.text("b")) == ("1", ["1", "2"], "x y z")


def test_route_tells_its_body() -> None:
    assert [one.body for one in json_routes()] == [Config, Config]

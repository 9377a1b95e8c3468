"""Calls, errors and queries of a session."""

from __future__ import annotations

import json

import pytest
from tests.fakes.scripted_http import ScriptedServer, answer

from budu.base import errors
from budu.client.endpoint import Endpoint
from budu.client.errors import error_of, stream_error
from budu.client.query import encode, quote
from budu.client.session import Session


def session_of(server: ScriptedServer, **how: str) -> Session:
    return Session(Endpoint(f"unix://{server.path}", "test", path=server.path), **how)


def test_a_call_names_its_path_and_query() -> None:
    with ScriptedServer(answer(b"[]")) as server:
        listed = session_of(server).list_containers(everything=True, filters={"name": ["a b"]})
        assert listed == []
        line = server.requests[0].partition(b"\r\n")[0]
        assert line == (
            b"GET /containers/json?all=1&filters=%7B%22name%22%3A%5B%22a%20b%22%5D%7D HTTP/1.1"
        )


def test_api_version_and_language_are_sent_when_set() -> None:
    with ScriptedServer(answer(b"{}")) as server:
        session_of(server, api_version="1.41", language="ko").version()
        assert server.requests[0].startswith(b"GET /v1.41/version ")
        assert b"\r\nAccept-Language: ko\r\n" in server.requests[0]


def test_an_error_comes_back_as_the_class_that_the_engine_raised() -> None:
    body = json.dumps({"message": "No such container: a", "hint": "look at budu ps"}).encode()
    server = ScriptedServer(answer(body, status="404 Not Found"))
    with server, pytest.raises(errors.NotFound) as caught:
        session_of(server).start_container("a")
    assert caught.value.message == "Error response from daemon: No such container: a"
    assert caught.value.hint == errors.Hint("client.plain", text="look at budu ps")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (409, "", errors.Conflict),
        (409, "already-exists", errors.AlreadyExists),
        (500, "", errors.Internal),
        (500, "unavailable", errors.Unavailable),
        (500, "resource-exhausted", errors.ResourceExhausted),
        (501, "not-implemented-here", errors.NotImplementedHere),
        (418, "", errors.Internal),
    ],
)
def test_status_and_code_select_the_class(status: int, code: str, kind: type) -> None:
    body = json.dumps({"message": "m", "code": code}).encode()
    assert type(error_of(status, body)) is kind


def test_every_class_that_the_engine_names_comes_back() -> None:
    from budu.api.errors import STATUSES, code_of

    for kind, status in STATUSES.items():
        body = json.dumps({"message": "m", "code": code_of(kind("m"))}).encode()
        assert type(error_of(status, body)) is kind


def test_an_error_that_is_not_json_keeps_its_text() -> None:
    assert error_of(502, b"bad gateway\n").message == "Error response from daemon: bad gateway"


def test_an_error_inside_a_stream_keeps_class_and_hint() -> None:
    detail = {"message": "manifest unknown", "kind": "not-found", "hint": "try latest"}
    error = stream_error({"error": "manifest unknown", "errorDetail": detail})
    assert isinstance(error, errors.NotFound)
    assert error.hint == errors.Hint("client.plain", text="try latest")


def test_nothing_to_do_is_told_apart() -> None:
    with ScriptedServer(answer(status="304 Not Modified")) as server:
        assert session_of(server).stop_container("a") is False


def test_pull_streams_messages() -> None:
    lines = b'{"status":"a"}\r\n{"status":"b"}\r\n'
    with ScriptedServer(answer(lines)) as server:
        session = session_of(server)
        messages = list(session.pull_image("h:5000/x", tag="1", auth="abc"))
        assert messages == [{"status": "a"}, {"status": "b"}]
        assert b"POST /images/create?fromImage=h%3A5000%2Fx&tag=1 " in server.requests[0]
        assert b"\r\nX-Registry-Auth: abc\r\n" in server.requests[0]


def test_image_names_keep_their_slashes_in_paths() -> None:
    with ScriptedServer(answer(b"{}")) as server:
        session_of(server).inspect_image("h:5000/a b")
        assert server.requests[0].startswith(b"GET /images/h:5000/a%20b/json ")


def test_a_missing_socket_is_named_with_who_chose_it() -> None:
    session = Session(Endpoint("unix:///no/such.sock", "BUDU_HOST", path="/no/such.sock"))
    with pytest.raises(errors.Unavailable, match="Is the docker daemon running") as caught:
        session.version()
    hint = caught.value.hint
    assert hint is not None
    assert (hint.key, hint.values["source"]) == ("client.socket-absent", "BUDU_HOST")


def test_quote_keeps_only_unreserved_letters() -> None:
    assert quote("a/b:c~d e\u00e9") == "a%2Fb%3Ac~d%20e%C3%A9"
    assert quote("a/b:c", safe="/") == "a/b%3Ac"


def test_query_values() -> None:
    query = {"a": None, "b": False, "c": True, "d": 5, "e": ["x", "y"], "f": {"k": ["v"]}, "g": ""}
    assert encode(query) == "c=1&d=5&e=x&e=y&f=%7B%22k%22%3A%5B%22v%22%5D%7D&g="

"""Registry refusals and failed requests in Docker's words."""

import json
import re
from pathlib import Path

import pytest

import budu.distribution
from budu.base import errors as tree
from budu.base.texts.distribution import TEXTS
from budu.distribution.auth import Challenge
from budu.distribution.diagnose import has_default_route, name_servers, request_error
from budu.distribution.errors import (
    RequestFailed,
    Step,
    parse_refusal,
    refusal_error,
    schema1_error,
)
from budu.spec.reference import parse_reference

REFERENCE = parse_reference("httpd:2.4")


def body(code: str, message: str = "") -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


@pytest.mark.parametrize(
    ("status", "content", "kind", "sentence"),
    [
        (
            404,
            body("MANIFEST_UNKNOWN", "manifest unknown"),
            tree.NotFound,
            "manifest for httpd:2.4 not found: manifest unknown: manifest unknown",
        ),
        (
            404,
            body("NAME_UNKNOWN", "repository name not known to registry"),
            tree.NotFound,
            "repository httpd not found: name unknown: repository name not known to registry",
        ),
        (
            403,
            body("DENIED"),
            tree.NotFound,
            "pull access denied for httpd, repository does not exist or may require "
            "'docker login': denied: requested access to the resource is denied",
        ),
        (
            401,
            body("UNAUTHORIZED", "authentication required"),
            tree.Unauthenticated,
            "unauthorized: authentication required",
        ),
        (401, b"<html>", tree.Unauthenticated, "unauthorized: authentication required"),
        (
            401,
            b'{"details":"incorrect username or password"}',
            tree.Unauthenticated,
            "unauthorized: incorrect username or password",
        ),
        (
            429,
            body("TOOMANYREQUESTS", "You have reached your pull rate limit."),
            tree.ResourceExhausted,
            "toomanyrequests: You have reached your pull rate limit.",
        ),
        (429, b"", tree.ResourceExhausted, "toomanyrequests: too many requests"),
        (
            500,
            b"oops",
            tree.Unavailable,
            "received unexpected HTTP status: 500 Reason",
        ),
        (503, body("UNAVAILABLE"), tree.Unavailable, "unavailable: service unavailable"),
        (
            404,
            b"page not found",
            tree.NotFound,
            'error parsing HTTP 404 response body: invalid JSON: "page not found"',
        ),
        (400, body("NAME_INVALID"), tree.InvalidArgument, "name invalid: invalid repository name"),
        (418, body("TEAPOT", "short and stout"), tree.Unavailable, "teapot: short and stout"),
    ],
)
def test_refusals(status: int, content: bytes, kind: type, sentence: str) -> None:
    error = refusal_error(parse_refusal(status, "Reason", body=content), REFERENCE)
    assert type(error) is kind
    assert error.message == sentence


def test_insufficient_scope_counts_more_than_the_body() -> None:
    """Docker Hub answers 401 UNAUTHORIZED for a repository that does not exist."""
    challenge = Challenge(scheme="bearer", parameters={"error": "insufficient_scope"})
    refusal = parse_refusal(401, "", body=body("UNAUTHORIZED"), challenges=[challenge])
    error = refusal_error(refusal, REFERENCE)
    assert error.message.startswith("pull access denied for httpd, repository does not exist")
    assert error.hint == tree.Hint("distribution.access-denied", name="httpd", registry="docker.io")


def test_a_long_foreign_body_is_cut() -> None:
    refusal = parse_refusal(404, "", body=b"x" * 10_000)
    assert len(refusal.sentence) < 700


@pytest.mark.parametrize(
    ("step", "cause", "key"),
    [
        (Step.ROUTE, "refused", "distribution.connection-refused"),
        (Step.ROUTE, "timeout", "distribution.connect-timeout"),
        (Step.TLS, "unknown-authority", "distribution.certificate-unknown"),
        (Step.TLS, "expired", "distribution.certificate-expired"),
        (Step.TLS, "host-mismatch", "distribution.certificate-name"),
        (Step.TLS, "plain-http", "distribution.plain-http"),
        (Step.TLS, "handshake", "distribution.tls-failed"),
        (Step.HTTP, "cut-off", "distribution.cut-off"),
    ],
)
def test_the_hint_names_the_step_that_failed(step: Step, cause: str, key: str) -> None:
    failure = RequestFailed(
        step, "words", method="GET", url="https://reg.example:5000/v2/", cause=cause
    )
    error = request_error(failure)
    assert error.message == 'Get "https://reg.example:5000/v2/": words'
    assert error.hint is not None
    assert error.hint.key == key


def test_every_hint_has_a_text_and_finds_its_values() -> None:
    for step in Step:
        for cause in ("unknown", "name-server-silent", "refused", "unreachable", "expired", "x"):
            failure = RequestFailed(step, "w", method="GET", url="https://a/v2/", cause=cause)
            hint = request_error(failure).hint
            assert hint is not None
            for text in TEXTS[hint.key]:
                assert "{" not in text.format(**hint.values)


def test_the_catalogue_has_exactly_the_keys_that_are_used() -> None:
    folder = Path(budu.distribution.__file__).parent
    source = "".join(path.read_text() for path in folder.glob("*.py"))
    assert set(re.findall(r'"(distribution\.[a-z-]+)"', source)) == set(TEXTS)


def test_both_languages_use_the_same_values() -> None:
    for key, (english, korean) in TEXTS.items():
        names = [set(re.findall(r"{(\w+)}", text)) for text in (english, korean)]
        assert names[0] == names[1], key


def test_name_servers_are_read_from_resolv_conf() -> None:
    text = "# nameserver 9.9.9.9\nnameserver 10.0.0.1\nsearch x\nnameserver fe80::1%eth0\n"
    assert name_servers(text) == ["10.0.0.1", "fe80::1%eth0"]


IPV4 = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
IPV6_LO = (
    "00000000000000000000000000000000 00 "
    + "0" * 32
    + " 00 "
    + "0" * 32
    + (" ffffffff 00000001 00000000 00200200       lo\n")
)


@pytest.mark.parametrize(
    ("tables", "found"),
    [
        ([IPV4 + "eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"], True),
        ([IPV4 + "eth0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n"], False),
        ([IPV4, IPV6_LO], False),
        ([IPV4, IPV6_LO.replace("      lo", "    eth0")], True),
        ([], False),
    ],
)
def test_default_route_is_found(tables: list[str], found: bool) -> None:
    assert has_default_route(tables) is found


def test_schema1_is_refused_in_dockers_words() -> None:
    assert schema1_error(REFERENCE).message == (
        "Docker Image Format v1 and Docker Image manifest version 2, schema 1 support has been "
        "removed. Suggest the author of docker.io/library/httpd:2.4 to upgrade the image to the "
        "OCI Format or Docker Image manifest v2, schema 2. More information at "
        "https://docs.docker.com/go/deprecated-image-specs/"
    )

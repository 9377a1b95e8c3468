"""Challenges, credentials and tokens as values."""

import base64
import json

import pytest

from budu.base.errors import InvalidArgument
from budu.distribution.auth import (
    ANONYMOUS,
    Challenge,
    Credentials,
    TokenCache,
    TokenReply,
    decode_registry_auth,
    parse_challenges,
    parse_token_reply,
)

HUB = (
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",'
    'scope="repository:library/httpd:pull,push",error="insufficient_scope"'
)


def test_bearer_challenge_keeps_commas_inside_quotes() -> None:
    (challenge,) = parse_challenges([HUB])
    assert challenge.scheme == "bearer"
    assert challenge.parameters == {
        "realm": "https://auth.docker.io/token",
        "service": "registry.docker.io",
        "scope": "repository:library/httpd:pull,push",
        "error": "insufficient_scope",
    }


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Basic realm="Registry Realm"', [("basic", {"realm": "Registry Realm"})]),
        ("Basic realm=plain", [("basic", {"realm": "plain"})]),
        ("BEARER Realm = \"r\" , Service='s'", [("bearer", {"realm": "r", "service": "'s'"})]),
        (r'Basic realm="a \"b\""', [("basic", {"realm": 'a "b"'})]),
        (
            'Bearer realm="r", Basic realm="b"',
            [("bearer", {"realm": "r"}), ("basic", {"realm": "b"})],
        ),
        ("Negotiate", [("negotiate", {})]),
        ("", []),
        (",,,", []),
    ],
)
def test_parse_challenges(header: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    found = [(c.scheme, c.parameters) for c in parse_challenges([header])]
    assert found == expected


def test_several_headers_are_several_challenges() -> None:
    found = parse_challenges(['Bearer realm="r"', "Basic realm=b"])
    assert found[1] == Challenge(scheme="basic", parameters={"realm": "b"})


def encoded(fields: object, *, safe: bool = True, padded: bool = True) -> str:
    data = json.dumps(fields).encode()
    text = (base64.urlsafe_b64encode if safe else base64.b64encode)(data).decode()
    return text if padded else text.rstrip("=")


FIELDS = {"username": "ann", "password": "päss?>~~", "serveraddress": "quay.io"}


@pytest.mark.parametrize("safe", [True, False])
@pytest.mark.parametrize("padded", [True, False])
def test_registry_auth_is_read_in_every_base64(safe: bool, padded: bool) -> None:
    found = decode_registry_auth(encoded(FIELDS, safe=safe, padded=padded))
    assert (found.username, found.password) == ("ann", "päss?>~~")
    assert found.server_address == "quay.io"


def test_registry_auth_reads_the_combined_field_and_any_case() -> None:
    pair = base64.b64encode(b"ann:se:cret").decode()
    assert decode_registry_auth(encoded({"auth": pair})).password == "se:cret"
    assert decode_registry_auth(encoded({"IdentityToken": "x"})).identity_token == "x"


@pytest.mark.parametrize("header", ["", "e30=", "e30", encoded(None)])
def test_empty_registry_auth_is_anonymous(header: str) -> None:
    assert decode_registry_auth(header).is_anonymous


@pytest.mark.parametrize("header", ["%%%", "bm90IGpzb24=", encoded([1]), encoded({"auth": "eA=="})])
def test_malformed_registry_auth_is_refused(header: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid X-Registry-Auth header"):
        decode_registry_auth(header)


def test_secrets_stay_out_of_repr() -> None:
    text = repr(Credentials(username="ann", password="s3cret", identity_token="t0ken"))
    assert "s3cret" not in text
    assert "t0ken" not in text


def test_basic_header() -> None:
    assert Credentials(username="ann", password="b").basic == "Basic YW5uOmI="


def test_fingerprints_tell_identities_apart() -> None:
    one = Credentials(username="ann", password="a")
    assert one.fingerprint != Credentials(username="ann", password="b").fingerprint
    assert one.fingerprint != ANONYMOUS.fingerprint


@pytest.mark.parametrize(
    ("body", "value", "lifetime_s"),
    [
        (b'{"token":"t","expires_in":300}', "t", 300),
        (b'{"access_token":"a"}', "a", 60),
        (b'{"token":"t","access_token":"a","expires_in":5}', "t", 60),
    ],
)
def test_token_reply(body: bytes, value: str, lifetime_s: float) -> None:
    reply = parse_token_reply(body)
    assert (reply.value, reply.lifetime_s) == (value, lifetime_s)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"no", b"\xff"])
def test_a_reply_without_a_token_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidArgument):
        parse_token_reply(body)


def test_tokens_expire_a_little_early() -> None:
    now = [1000.0]
    cache = TokenCache(lambda: now[0])
    cache.put(("k",), TokenReply(value="t", lifetime_s=60))
    now[0] = 1049
    assert cache.get(("k",)) == "t"
    now[0] = 1050
    assert cache.get(("k",)) is None


def test_a_dropped_token_is_gone() -> None:
    cache = TokenCache()
    cache.put(("k",), TokenReply(value="t", lifetime_s=60))
    cache.drop(("k",))
    assert cache.get(("k",)) is None

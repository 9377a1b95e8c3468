"""Names, passwords, scopes and tokens of accounts."""

from __future__ import annotations

import jwt
import pytest

from budu.base.errors import InvalidArgument, Unauthenticated
from budu.base.messages import accepted_language
from budu.hub.access import Role
from budu.hub.accounts import names
from budu.hub.accounts.credentials import split_basic
from budu.hub.accounts.passwords import check_password, hash_password, matches
from budu.hub.accounts.scopes import Scope, allowed_actions, parse_scopes
from budu.hub.accounts.signer import Proof, Signer
from budu.hub.accounts.throttle import PER_NAME, PER_PAIR, WINDOW_S, Throttle, TooManyAttempts
from budu.hub.options import ScryptCost
from budu.hub.sentences import Sentence

CHEAP = ScryptCost(n=16, r=1, p=1)


@pytest.mark.parametrize("name", ["alice", "a1", "my-team", "x.y_z", "a" * 39])
def test_good_names(name: str) -> None:
    assert names.check_account(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "a", "a" * 40, "Alice", "-a", "a-", "a--b", "a/b", "../x", "a b", "a\n", "admin", "v2",
     "repositories", "<script>", "홍길동", "a\0b", "' or 1=1"],
)  # fmt: skip
def test_bad_names(name: str) -> None:
    with pytest.raises(InvalidArgument):
        names.check_account(name)


@pytest.mark.parametrize("name", ["a/b", "..", "a..b", "A", "a\n", "%2e%2e", "", "a" * 129])
def test_bad_repository_names(name: str) -> None:
    with pytest.raises(InvalidArgument):
        names.check_repository(name)


def test_a_password_is_known_again_and_no_other() -> None:
    stored = hash_password("correct horse", CHEAP)
    assert stored.startswith("scrypt$n=16,r=1,p=1$")
    assert "correct" not in stored
    assert matches("correct horse", stored)
    assert not matches("correct horsf", stored)
    assert hash_password("correct horse", CHEAP) != stored


@pytest.mark.parametrize("password", ["", "short", "a" * 257, "LongName1"])
def test_bad_passwords(password: str) -> None:
    with pytest.raises(InvalidArgument):
        check_password(password, name="longname1")


def test_guesses_are_slowed_down_and_forgotten() -> None:
    throttle = Throttle()
    for second in range(PER_PAIR):
        throttle.attempt("bob", "1.2.3.4", now=second)
    with pytest.raises(TooManyAttempts) as refused:
        throttle.attempt("bob", "1.2.3.4", now=10)
    assert 0 < refused.value.retry_after_s <= WINDOW_S
    throttle.attempt("ann", "1.2.3.4", now=10)
    throttle.attempt("bob", "5.6.7.8", now=10)
    throttle.attempt("bob", "1.2.3.4", now=WINDOW_S + PER_PAIR)


def test_guesses_from_many_addresses_are_slowed_down_too() -> None:
    throttle = Throttle()
    for number in range(PER_NAME):
        throttle.attempt("bob", f"10.0.0.{number}", now=0)
    with pytest.raises(TooManyAttempts):
        throttle.attempt("bob", "1.2.3.4", now=1)
    throttle.attempt("ann", "1.2.3.4", now=1)


def test_what_succeeds_uses_nothing_up() -> None:
    throttle = Throttle()
    for second in range(2 * PER_NAME):
        throttle.attempt("ann", "1.2.3.4", now=second / 10)
        throttle.succeeded("ann", "1.2.3.4", began=second / 10)


def test_scopes() -> None:
    assert parse_scopes(["repository:library/httpd:pull,push repository(plugin):a/b:pull"]) == (
        Scope("repository", "library/httpd", ("pull", "push")),
        Scope("repository", "a/b", ("pull",)),
    )
    assert parse_scopes(["repository:localhost:5000/a/b:pull"]) == (
        Scope("repository", "localhost:5000/a/b", ("pull",)),
    )
    assert parse_scopes(["nonsense", "a:b", "repository::pull"]) == ()


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.NONE, ()),
        (Role.READER, ("pull",)),
        (Role.WRITER, ("pull", "push")),
        (Role.OWNER, ("pull", "push", "delete")),
    ],
)
def test_a_role_allows_actions(role: Role, allowed: tuple[str, ...]) -> None:
    assert allowed_actions(("*",), role) == allowed
    assert allowed_actions(("delete", "pull", "push", "fly"), role) == allowed


def test_a_token_says_what_it_was_told_and_nothing_forged() -> None:
    signer = Signer("k" * 64, "hub")
    proof = Proof(7, "ann", limit=Role.WRITER, password_mark="abc")
    claims = signer.read(signer.access_token(proof, service="s", access={"a/b": ("pull",)}))
    assert (claims.proof, claims.access, claims.is_refresh) == (proof, {"a/b": ("pull",)}, False)
    forged = jwt.encode({"uid": 1, "exp": 1 << 40, "iat": 0, "aud": "s"}, "", algorithm="none")
    other = Signer("x" * 64, "hub").access_token(proof, service="s", access=None)
    old = signer.access_token(proof, service="s", access=None, life_s=-3600)
    for token in (forged, other, old, "", "a.b.c"):
        with pytest.raises(Unauthenticated):
            signer.read(token)


def test_basic() -> None:
    for value in ("!!!", "/////w=="):
        with pytest.raises(Unauthenticated):
            split_basic(value)
    assert split_basic("YW5uOnB3OjE=") == ("ann", "pw:1")


def test_sentences_have_both_languages() -> None:
    sentence = Sentence("hub.name-taken", name="x")
    assert (str(sentence), sentence.in_language("ko")) == (
        "x is taken.",
        "x 은(는) 이미 쓰이고 있습니다.",
    )
    assert accepted_language("en;q=0.5, ko-KR;q=0.9") == "ko"
    assert accepted_language("fr, *") == "en"

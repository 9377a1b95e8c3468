"""The pure parts of repositories: orders, documents, retention, addresses, webhooks."""

from __future__ import annotations

import pytest

from budu.base.errors import InvalidArgument
from budu.hub.repositories import documents
from budu.hub.repositories.addresses import check_url, is_public
from budu.hub.repositories.documents import Config, Manifest, Part, Step, command_of
from budu.hub.repositories.retention import Rule, Rules, check, victims
from budu.hub.repositories.tag_details import kind_of
from budu.hub.repositories.tags import Image, Tag, ordered
from budu.hub.repositories.webhooks import signature
from budu.hub.tag_patterns import is_immutable

DAY_S = 86400.0
NOW = 1000 * DAY_S


def tag(name: str, age: float = 0.0, *, pulled: float | None = None, size: int = 1) -> Tag:
    """A tag pushed so many days ago."""
    image = Image("sha256:" + "0" * 64, "linux/amd64", size)
    at = None if pulled is None else NOW - pulled * DAY_S
    return Tag(name, image.digest, "", NOW - age * DAY_S, "ann", at, (image,))


TAGS = [
    tag("2.9", 4, size=5),
    tag("2.10", 3, pulled=0.5),
    tag("latest", 1),
    tag("2.1", 9, pulled=2),
]


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("name", ["2.1", "2.9", "2.10", "latest"]),
        ("pushed", ["latest", "2.10", "2.9", "2.1"]),
        ("pulled", ["2.10", "2.1", "2.9", "latest"]),
        ("size", ["2.9", "2.1", "2.10", "latest"]),
    ],
)
def test_orders_of_tags(sort: str, names: list[str]) -> None:
    assert [each.name for each in ordered(TAGS, query="", sort=sort)] == names


def test_tags_are_found_by_parts_and_patterns() -> None:
    assert [each.name for each in ordered(TAGS, query="2.1", sort="name")] == ["2.1", "2.10"]
    assert [each.name for each in ordered(TAGS, query="*.9", sort="name")] == ["2.9"]


@pytest.mark.parametrize(
    ("rules", "gone"),
    [
        (Rules(rules=(Rule(keep_last=2),)), ["2.1", "2.9"]),
        (Rules(rules=(Rule(older_than_days=3),)), ["2.1", "2.9"]),
        (Rules(rules=(Rule(older_than_days=3, by_pulls=True),)), ["2.9"]),
        (Rules(rules=(Rule(keep_last=3, older_than_days=3),)), ["2.1"]),
        (Rules(rules=(Rule(keep_last=0),), protected=("lat*", "2.1")), ["2.9", "2.10"]),
        (Rules(rules=(Rule(pattern="2.1*", keep_last=1),)), ["2.1"]),
        (Rules(rules=(Rule(pattern="x*", keep_last=0), Rule(keep_last=3))), ["2.1"]),
        (Rules(), []),
    ],
)
def test_what_rules_let_go(rules: Rules, gone: list[str]) -> None:
    assert [each.tag.name for each in victims(TAGS, check(rules), immutable=(), now=NOW)] == gone


def test_immutable_tags_never_go() -> None:
    found = victims(TAGS, Rules(rules=(Rule(keep_last=0),)), immutable=("2.*",), now=NOW)
    assert [each.tag.name for each in found] == ["latest"]
    assert is_immutable("v1", "latest, v*")
    assert not is_immutable("V1", "latest, v*")
    assert not is_immutable("v1", "")


@pytest.mark.parametrize(
    "rules",
    [
        Rules(rules=(Rule(),)),
        Rules(rules=(Rule(keep_last=-1),)),
        Rules(rules=(Rule(pattern=" ", keep_last=1),)),
        Rules(rules=(Rule(keep_last=1),) * 21),
        Rules(protected=("",)),
    ],
)
def test_senseless_rules_are_refused(rules: Rules) -> None:
    with pytest.raises(InvalidArgument):
        check(rules)


@pytest.mark.parametrize(
    ("written", "command"),
    [
        ('/bin/sh -c #(nop)  CMD ["sh"]', 'CMD ["sh"]'),
        ("/bin/sh -c #(nop) COPY file:abc in / ", "COPY file:abc in /"),
        ("/bin/sh -c apt-get update", "RUN apt-get update"),
        ("RUN /bin/sh -c apt-get update # buildkit", "RUN apt-get update"),
        ("COPY a b # buildkit", "COPY a b"),
        ("|1 A=2 /bin/sh -c make", "RUN make"),
        ("RUN |1 A=2 /bin/sh -c make # buildkit", "RUN make"),
        ('ENTRYPOINT ["httpd"]', 'ENTRYPOINT ["httpd"]'),
        ("", ""),
    ],
)
def test_instructions_of_history(written: str, command: str) -> None:
    assert command_of(written) == command


def test_layers_meet_their_steps() -> None:
    manifest = Manifest(layers=tuple(Part(digest=name, size=7) for name in "abc"))
    steps = (Step(created_by="ADD x /"), Step(created_by="ENV A=1", empty_layer=True))
    config = Config(os="linux", history=(*steps, Step(created_by="RUN x")))
    shown = documents.shown_layers(manifest, config)
    assert [(each.command, each.digest) for each in shown] == [
        ("ADD x /", "a"),
        ("ENV A=1", None),
        ("RUN x", "b"),
        ("", "c"),
    ]
    assert documents.dockerfile(shown, config) == "FROM scratch\nADD x /\nENV A=1\nRUN x\n"
    assert documents.dockerfile(shown, None) == ""


def test_broken_documents_show_nothing() -> None:
    for payload in (b"", b"{", b"[]", b'{"layers": 5}', b"\xff\xfe"):
        assert documents.read_manifest(payload) == Manifest()
        assert documents.read_config(payload) is None
    assert documents.read_config(b"{}") is None


@pytest.mark.parametrize(
    ("kind", "artifact", "tag_name"),
    [
        ("signature", "application/vnd.dev.cosign.artifact.sig.v1+json", ""),
        ("signature", "", "sha256-abc.sig"),
        ("attestation", "application/vnd.in-toto+json", ""),
        ("sbom", "application/spdx+json", ""),
        ("sbom", "", "sha256-abc.sbom"),
        ("other", "application/x", ""),
    ],
)
def test_kinds_of_referrers(kind: str, artifact: str, tag_name: str) -> None:
    assert kind_of(artifact, tag=tag_name) == kind


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "::1",
     "100.64.0.1", "::ffff:127.0.0.1", "fe80::1", "fe80::1%eth0", "fd00::1", "224.0.0.1",
     "64:ff9b::7f00:1", "2002:7f00:1::", "255.255.255.255", "nonsense", ""],
)  # fmt: skip
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    ["", "ftp://example.com", "http://", "//example.com", "http://u:p@example.com", "javascript:x",
     "http://127.0.0.1/", "http://[::1]:80/", "http://2130706433/", "http://0x7f.1/",
     "http://127.1/", "http://exa mple.com", "http://example.com/\n", "https://e.com:99999/",
     "http://" + "a" * 2000, "http://예제.한국/", "http://[::ffff:10.0.0.1]/"],
)  # fmt: skip
def test_urls_that_webhooks_must_not_have(url: str) -> None:
    with pytest.raises(InvalidArgument):
        check_url(url, allows_private=False)


def test_urls_that_they_may() -> None:
    assert check_url("https://example.com:8443/h?x=1", allows_private=False)
    assert check_url("http://127.0.0.1:8080/", allows_private=True)


def test_a_signature_is_an_hmac_of_the_body() -> None:
    # openssl dgst -sha256 -hmac key <<< data
    assert signature("key", b"The quick brown fox jumps over the lazy dog") == (
        "sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
    )

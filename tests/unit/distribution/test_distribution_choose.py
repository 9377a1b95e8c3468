"""Choice of a manifest, near tags, retry pauses."""

import pytest

from budu.base.errors import NotFound
from budu.distribution.choose import choose_manifest, is_attestation
from budu.distribution.known_names import near_names
from budu.distribution.retry import RetryPolicy, retry_after_s
from budu.distribution.tags import near_tags
from budu.spec.image import Descriptor, Index
from budu.spec.platform import Platform, parse_platform


def entry(name: str, platform: str | None) -> Descriptor:
    return Descriptor(
        digest=name, size=1, platform=_platform(platform) if platform is not None else None
    )


def _platform(text: str) -> Platform:
    os_name, architecture, *variant = text.split("/")
    return Platform(os=os_name, architecture=architecture, variant="".join(variant))


ATTESTATION = Descriptor(
    digest="attestation",
    size=1,
    platform=Platform(os="linux", architecture="amd64"),
    annotations={"vnd.docker.reference.type": "attestation-manifest"},
)


def choose(entries: list[Descriptor], wanted: str) -> str:
    index = Index(manifests=tuple(entries))
    return choose_manifest(index, parse_platform(wanted), reference="app:1").digest


def test_the_platforms_own_entry_is_chosen() -> None:
    entries = [entry("a", "linux/arm64/v8"), entry("b", "linux/amd64"), entry("c", "linux/386")]
    assert choose(entries, "linux/amd64") == "b"
    assert choose(entries, "linux/arm64") == "a"


def test_arm_takes_the_highest_variant_it_runs() -> None:
    entries = [
        entry("v5", "linux/arm/v5"),
        entry("v7", "linux/arm/v7"),
        entry("v6", "linux/arm/v6"),
    ]
    assert choose(entries, "linux/arm/v7") == "v7"
    assert choose(entries[:1] + entries[2:], "linux/arm/v7") == "v6"
    assert choose(entries, "linux/arm/v6") == "v6"


def test_the_first_of_equals_is_chosen() -> None:
    assert choose([entry("a", "linux/amd64"), entry("b", "linux/amd64")], "linux/amd64") == "a"


def test_attestations_are_never_chosen() -> None:
    unknown = entry("u", "unknown/unknown")
    assert is_attestation(ATTESTATION)
    assert is_attestation(unknown)
    assert choose([ATTESTATION, unknown, entry("a", "linux/amd64")], "linux/amd64") == "a"


def test_a_lone_entry_without_platform_is_taken() -> None:
    assert choose([ATTESTATION, entry("a", None)], "linux/amd64") == "a"


def test_no_match_is_dockers_sentence_and_names_what_there_is() -> None:
    with pytest.raises(NotFound) as caught:
        choose([entry("a", "linux/amd64"), entry("w", "windows/amd64")], "linux/arm64")
    assert caught.value.message == (
        "no matching manifest for linux/arm64/v8 in the manifest list entries: "
        "no match for platform in manifest: not found"
    )
    assert caught.value.hint is not None
    assert caught.value.hint.values["offered"] == "linux/amd64, windows/amd64"


def test_an_empty_index_has_no_match() -> None:
    with pytest.raises(NotFound):
        choose([ATTESTATION], "linux/amd64")


TAGS = ["2", "2.2", "2.4", "2.4.62", "2.4-alpine", "latest", "alpine", "trixie", "bookworm"]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("2.5", "2.4"),
        ("lastest", "latest"),
        ("2.4.26", "2.4.62"),
        ("2.4-alpin", "2.4-alpine"),
        ("3.9", "latest"),
    ],
)
def test_near_tags(typed: str, first: str) -> None:
    assert near_tags(typed, TAGS)[0] == first


def test_near_tags_are_few_and_of_the_same_line() -> None:
    found = near_tags("2.9", TAGS)
    assert 0 < len(found) <= 5
    assert all(name.startswith("2") for name in found)
    assert near_tags("x", []) == []


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("library/busybx", ["library/busybox"]),
        ("library/nothing", []),
        ("busybx", ["busybox"]),
        ("team/busybox", ["library/busybox", "busybox"]),
        ("foregn", ["library/foreign"]),
        ("mine/foregn", ["library/foreign"]),
        ("apache", ["httpd"]),
        ("mine/apache", ["httpd"]),
    ],
)
def test_near_names_are_sought_beside_it_first(typed: str, near: list[str]) -> None:
    known = ["library/app", "library/busybox", "library/foreign", "busybox", "httpd"]
    assert near_names(typed, known) == near


def test_pauses_double_up_to_the_cap() -> None:
    policy = RetryPolicy(base_s=1, cap_s=5)
    assert [policy.pause_s(n) for n in (1, 2, 3, 4)] == [1, 2, 4, 5]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        (" 0 ", 0),
        ("", None),
        ("soon", None),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0),
    ],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    assert retry_after_s(text, now=10.0) == seconds

"""References, digests and platforms as people type them: what is understood, and Docker's words for
what is not."""

from __future__ import annotations

import pytest

from budu.base.errors import InvalidArgument
from budu.base.messages import render
from budu.spec.digest import Digest
from budu.spec.platform import host_platform, parse_platform
from budu.spec.reference import parse_reference


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Upper", "library/Upper"),
        ("mine/Upper:1", "mine/Upper"),
        ("HOST/Upper", "Upper"),
    ],
)
def test_capitals_are_named_as_docker_names_them(text: str, shown: str) -> None:
    sentence = rf"^invalid reference format: repository name \({shown}\) must be lowercase$"
    with pytest.raises(InvalidArgument, match=sentence):
        parse_reference(text)


@pytest.mark.parametrize("digits", [63, 65, 128])
def test_malformed_digest_is_no_reference(digits: int) -> None:
    with pytest.raises(InvalidArgument, match=r"^invalid reference format$"):
        parse_reference("busybox@sha256:" + "a" * digits)


@pytest.mark.parametrize(("algorithm", "digits"), [("sha512", 128), ("blake3", 64)])
def test_digest_of_another_algorithm_is_told_as_such(algorithm: str, digits: int) -> None:
    text = f"{algorithm}:{'a' * digits}"
    for read in (Digest, lambda digest: parse_reference(f"busybox@{digest}")):
        with pytest.raises(InvalidArgument, match=f"^unsupported digest algorithm: {algorithm}"):
            read(text)
    with pytest.raises(InvalidArgument) as caught:
        Digest(text)
    assert caught.value.hint is not None
    assert algorithm in render(caught.value.hint, "en")
    with pytest.raises(InvalidArgument, match="invalid checksum digest format"):
        Digest(text[:-1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linux/amd64", "linux/amd64"),
        ("linux/aarch64", "linux/arm64"),
        ("Linux/ARM/7", "linux/arm/v7"),
        ("arm64", "linux/arm64"),
        ("macos/arm64", "darwin/arm64"),
        ("linux/nobody-knows", "linux/nobody-knows"),
        ("linux", str(host_platform())),
        ("windows", f"windows/{host_platform().architecture}"),
    ],
)
def test_platforms(text: str, expected: str) -> None:
    assert str(parse_platform(text)) == expected


def test_version_of_a_system() -> None:
    platform = parse_platform("windows(10.0.17763)/amd64")
    assert (str(platform), platform.os_version) == ("windows/amd64", "10.0.17763")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("nope", '"nope": unknown operating system or architecture: invalid argument'),
        ("a/b/c/d", '"a/b/c/d": cannot parse platform specifier: invalid argument'),
        ("a/b/c/d/e", '"d/e" is an invalid component of "a/b/c/d/e": platform specifier component '
                      'must match "^[A-Za-z0-9_.-]+$": invalid argument'),
        ("linux/*", '"linux/*": wildcards not yet supported: invalid argument'),
        ("linux/", '"" is an invalid component of "linux/": platform specifier component must '
                   'match "^[A-Za-z0-9_.-]+$": invalid argument'),
        ("/amd64", '"" is an invalid OS component of "/amd64": OSAndVersion specifier component '
                   'must match "^([A-Za-z0-9_.-]+)(?:\\\\(([A-Za-z0-9_.-]*)\\\\))?$": '
                   "invalid argument"),
    ],
)  # fmt: skip
def test_platforms_that_are_none(text: str, sentence: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_platform(text)
    assert caught.value.message == sentence

"""Addresses of repositories, and what comes from URLs."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pytest
from tests.support.layers import archive, layer_of, members

from budu.base.errors import DataLoss, InvalidArgument
from budu.build.copying import MADE_NS
from budu.build.git_address import GitSource, parse_git
from budu.build.remotes import file_name, is_url, modified_ns, receive_remote, store_file

REPOSITORY = "https://example.org/o/r.git"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (REPOSITORY, GitSource(remote=REPOSITORY)),
        (f"{REPOSITORY}#v1", GitSource(remote=REPOSITORY, ref="v1")),
        (f"{REPOSITORY}#v1:a/b", GitSource(remote=REPOSITORY, ref="v1", subdir="a/b")),
        (f"{REPOSITORY}#:a", GitSource(remote=REPOSITORY, subdir="a")),
        ("git://h/r", GitSource(remote="git://h/r")),
        ("ssh://git@h:22/r", GitSource(remote="ssh://git@h:22/r")),
        ("git@h.org:o/r.git#x", GitSource(remote="git@h.org:o/r.git", ref="x")),
        (f"{REPOSITORY}?tag=v1", GitSource(remote=REPOSITORY, ref="refs/tags/v1")),
        (
            f"{REPOSITORY}?branch=b&subdir=d&commit=cafe123&keep-git-dir=1&submodules=false",
            GitSource(
                remote=REPOSITORY,
                ref="refs/heads/b",
                subdir="d",
                checksum="cafe123",
                keeps_git=True,
                submodules=False,
            ),
        ),
    ],
)
def test_address_of_a_repository(text, expected):
    assert parse_git(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/file.tar.gz",
        "https://example.org/r.git/file",
        "file:///srv/r.git",
        "ext::sh -c id",
        "ssh://-oProxyCommand=id/r",
        "git@-oProxyCommand=id:r",
        "/srv/r.git",
        "./r.git",
        "github.com/o/r",
        "",
    ],
)
def test_what_is_no_address_of_a_repository(text):
    assert parse_git(text) is None


def test_a_context_may_be_named_as_docker_always_did():
    expected = GitSource(remote="https://github.com/o/r", ref="x")
    assert parse_git("github.com/o/r#x", is_context=True) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"{REPOSITORY}#-x", "invalid refspec: -x"),
        (f"{REPOSITORY}?what=x", 'unexpected query "what"'),
        (f"{REPOSITORY}?ref=a#b", 'ref conflicts: "b" vs "a"'),
        (f"{REPOSITORY}?submodules=x", 'invalid submodules value: "x"'),
        (f"{REPOSITORY}#a\nb", "invalid Git address"),
    ],
)
def test_addresses_that_say_too_much(text, sentence):
    with pytest.raises(InvalidArgument) as refusal:
        parse_git(text)
    assert refusal.value.message.startswith(sentence)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://h/a/b.tar.gz?x=/c#d", "b.tar.gz"),
        ("http://h/a%20b", "a b"),
        ("http://h", "__unnamed__"),
        ("http://h/", "__unnamed__"),
        ("http://h/a/..", "__unnamed__"),
        ("http://h/a%2F..%2F..%2Fb", "b"),
        ("http://h/%00", "__unnamed__"),
    ],
)
def test_name_of_a_download(url, name):
    assert file_name(url) == name


def test_only_http_is_downloaded():
    assert is_url("https://h/x")
    assert not is_url("ftp://h/x")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1_445_412_480 * 10**9),
        ("", MADE_NS),
        ("yesterday", MADE_NS),
        ("Wed, 21 Oct 1915 07:28:00 GMT", 0),
    ],
)
def test_time_of_a_download(header, expected):
    assert modified_ns(header) == expected


def test_a_download_is_a_source_for_root_alone(tmp_path: Path):
    with store_file(iter((b"ab", b"cd")), tmp_path / "d", name="f", mtime_ns=5 * 10**9) as context:
        made = members(layer_of(context.path, None, "f", to="/x"))["x"]
        assert (made.size, made.mode, made.uid, made.mtime) == (4, 0o600, 0, 5)


def test_a_download_has_to_be_what_the_checksum_says(tmp_path: Path):
    good = f"sha512:{hashlib.sha512(b'data').hexdigest()}"
    store_file(iter((b"data",)), tmp_path / "d", name="f", mtime_ns=0, checksum=good).close()
    bad = f"sha256:{hashlib.sha256(b'else').hexdigest()}"
    found = f"sha256:{hashlib.sha256(b'data').hexdigest()}"
    with pytest.raises(DataLoss) as refusal:
        store_file(iter((b"data",)), tmp_path / "d", name="f", mtime_ns=0, checksum=bad)
    assert refusal.value.message == f"digest mismatch {found}: {bad}"
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("text", ["sha256:00", "md5:00", "00", "sha256:" + "X" * 64])
def test_what_is_no_checksum_is_refused_before_anything_is_read(text, tmp_path: Path):
    def untouched():
        raise AssertionError
        yield b""

    with pytest.raises(InvalidArgument, match="invalid checksum digest format"):
        store_file(untouched(), tmp_path / "d", name="f", mtime_ns=0, checksum=text)


@pytest.mark.parametrize(
    "content_type", ["text/plain; charset=utf-8", "application/octet-stream", ""]
)
def test_a_text_is_a_dockerfile(content_type, tmp_path: Path):
    with receive_remote(
        iter((b"FROM ", b"scratch")), tmp_path / "c", url="http://h", content_type=content_type
    ) as context:
        assert os.listdir(context.path) == ["Dockerfile"]
        assert context.read("Dockerfile") == b"FROM scratch"


@pytest.mark.parametrize(
    ("content_type", "pack"),
    [
        ("application/x-tar", bytes),
        ("application/gzip", gzip.compress),
        ("application/octet-stream", gzip.compress),
        ("application/octet-stream", bytes),
        ("text/plain", bytes),
        ("", bytes),
    ],
)
def test_an_archive_is_a_context(content_type, pack, tmp_path: Path):
    body = pack(archive(("Dockerfile", b"FROM x")))
    with receive_remote(
        iter((body[:7], body[7:])), tmp_path / "c", url="http://h", content_type=content_type
    ) as context:
        assert context.read("Dockerfile") == b"FROM x"


@pytest.mark.parametrize(
    ("body", "content_type", "sentence"),
    [
        (b"", "text/plain", "empty response"),
        (b"<html>", "text/html", 'unsupported Content-Type "text/html"'),
    ],
)
def test_what_is_no_context_is_refused(body, content_type, sentence, tmp_path: Path):
    with pytest.raises(InvalidArgument) as refusal:
        receive_remote(iter((body,)), tmp_path / "c", url="http://h/x", content_type=content_type)
    expected = f"error detecting content type for remote http://h/x: {sentence}"
    assert refusal.value.message == expected
    assert not (tmp_path / "c").exists()


def test_a_dockerfile_without_end_is_ended(tmp_path: Path):
    with pytest.raises(Exception, match="write /Dockerfile: more than"):
        receive_remote(
            (b"a" * (1 << 20) for _ in range(1000)), tmp_path / "c", url="", content_type=""
        )
    assert not (tmp_path / "c").exists()

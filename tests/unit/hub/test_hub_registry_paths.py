"""What stands in a registry's URLs and headers, whatever a client sends."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from budu.base.errors import BuduError
from budu.hub.registry.blobs import read_range
from budu.hub.registry.documents import media_type_of, read_manifest
from budu.hub.registry.errors import ManifestInvalid, NameInvalid, PathUnknown
from budu.hub.registry.paths import Kind, Target, parse_path
from budu.hub.tag_patterns import is_immutable

WORDS = st.sampled_from(
    ["a", "blobs", "uploads", "manifests", "tags", "list", "referrers", "_catalog", "..", "", "A"]
)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/v2", Target(Kind.ROOT)),
        ("/v2/", Target(Kind.ROOT)),
        ("/v2/_catalog", Target(Kind.CATALOG)),
        ("/v2/httpd/tags/list", Target(Kind.TAGS, "library/httpd")),
        ("/v2/a/b/c/manifests/1.0", Target(Kind.MANIFEST, "a/b/c", "1.0")),
        ("/v2/a/blobs/blobs/sha256:x", Target(Kind.BLOB, "a/blobs", "sha256:x")),
        ("/v2/a/b/blobs/uploads", Target(Kind.UPLOADS, "a/b")),
        ("/v2/a/b/blobs/uploads/", Target(Kind.UPLOADS, "a/b")),
        ("/v2/a/b/blobs/uploads/1f", Target(Kind.UPLOAD, "a/b", "1f")),
        ("/v2/a/tags/list/tags/list", Target(Kind.TAGS, "a/tags/list")),
        ("/v2/a/b/referrers/sha256:x", Target(Kind.REFERRERS, "a/b", "sha256:x")),
    ],
)
def test_paths(path: str, target: Target) -> None:
    assert parse_path(path) == target


@given(st.lists(WORDS | st.text(max_size=5), max_size=7))
def test_every_path_is_read_or_refused(words: list[str]) -> None:
    try:
        target = parse_path("/v2/" + "/".join(words))
    except (PathUnknown, NameInvalid):
        return
    assert ".." not in target.name.split("/")
    assert not target.name.startswith("/")


@given(st.text(max_size=30), st.integers(0, 100))
@example("bytes=-0", 10)
@example("bytes=5-", 0)
def test_every_range_is_inside(header: str, size: int) -> None:
    start, end = read_range(header, size)
    assert 0 <= start <= size
    assert end <= size


@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 10))
def test_ranges_are_cut_to_the_blob(first: int, last: int, size: int) -> None:
    start, end = read_range(f"bytes={first}-{last}", size)
    whole = bytes(range(size))
    expected = whole if last < first else whole[first : last + 1]
    assert whole[start:end] == expected


@given(st.binary(max_size=200), st.text(max_size=20))
def test_every_manifest_is_read_or_refused(body: bytes, kind: str) -> None:
    try:
        read_manifest(media_type_of(kind), body)
    except ManifestInvalid as error:
        assert isinstance(error, BuduError)


@pytest.mark.parametrize(
    ("patterns", "tag", "immutable"),
    [("", "1", False), ("*", "1", True), ("v*, stable", "stable", True), ("v*", "V1", False)],
)
def test_immutable_tags(patterns: str, tag: str, immutable: bool) -> None:
    assert is_immutable(tag, patterns) is immutable

"""From what a person typed to an image, and its history."""

from collections.abc import Sequence
from typing import ClassVar

import pytest

from budu.base.errors import InvalidArgument, NotFound
from budu.image.history import MISSING, history_rows, unix_seconds
from budu.image.model import ImageRecord
from budu.image.resolve import resolve_image
from budu.spec.digest import Digest
from budu.spec.image import History, ImageConfig
from budu.spec.platform import Platform


def image(hex_start: str, **names: tuple[str, ...]) -> ImageRecord:
    return ImageRecord(
        id=Digest.from_hex(hex_start.ljust(64, "0")),
        manifest_digest="sha256:" + "d" * 64,
        size=1,
        platform=Platform(os="linux", architecture="amd64"),
        diff_ids=(),
        **names,
    )


HTTPD = image("abc1")
DEAD = image("dead")
BEEF = image("deadbeef")
PINNED = "sha256:" + "1" * 64


class Images:
    """Three images, two of them with names."""

    names: ClassVar = {
        "docker.io/library/httpd:latest": HTTPD,
        f"docker.io/library/httpd@{PINNED}": HTTPD,
        "docker.io/library/abc1:latest": DEAD,
    }
    all = (HTTPD, DEAD, BEEF)

    def by_id(self, image_id: Digest) -> ImageRecord | None:
        return next((i for i in self.all if i.id == image_id), None)

    def by_name(self, name: str) -> ImageRecord | None:
        return self.names.get(name)

    def by_id_prefix(self, hex_prefix: str) -> Sequence[ImageRecord]:
        return [i for i in self.all if i.digest.hex.startswith(hex_prefix)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("httpd", HTTPD),
        ("httpd:latest", HTTPD),
        ("docker.io/library/httpd", HTTPD),
        (f"httpd@{PINNED}", HTTPD),
        (f"httpd:other@{PINNED}", HTTPD),
        (HTTPD.id, HTTPD),
        (HTTPD.digest.hex, HTTPD),
        ("abc", HTTPD),
        ("sha256:abc", HTTPD),
        ("abc1", DEAD),
        ("deadb", BEEF),
    ],
)
def test_images_are_found(text: str, expected: ImageRecord) -> None:
    assert resolve_image(text, Images()) == expected


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("nginx", "nginx:latest"),
        ("nginx:1", "nginx:1"),
        ("quay.io/a/b", "quay.io/a/b:latest"),
        ("dead", "dead:latest"),
        ("fff", "fff:latest"),
        (f"nginx@{PINNED}", f"nginx@{PINNED}"),
        ("sha256:" + "9" * 64, "sha256:" + "9" * 64),
        ("9" * 64, "sha256:" + "9" * 64),
    ],
)
def test_a_missing_image_is_named_as_docker_names_it(text: str, named: str) -> None:
    with pytest.raises(NotFound) as caught:
        resolve_image(text, Images())
    assert caught.value.message == f"No such image: {named}"


@pytest.mark.parametrize("text", ["", "UPPER", "a b", ":tag", "a@b"])
def test_a_malformed_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid reference format"):
        resolve_image(text, Images())


def test_a_record_knows_its_short_id_and_whether_it_dangles() -> None:
    assert HTTPD.short_id == "abc100000000"
    assert HTTPD.is_dangling
    assert not image("1", repo_tags=("a:1",)).is_dangling


CONFIG = ImageConfig(
    history=(
        History(created="2024-01-01T00:00:00Z", created_by="ADD rootfs"),
        History(created="2024-01-02T00:00:00.123456789+01:00", created_by="ENV", empty_layer=True),
        History(created_by="RUN make", comment="buildkit"),
    )
)


def test_history_is_newest_first_and_sized_by_layer() -> None:
    named = image("1", repo_tags=("a:1",))
    rows = history_rows(named, CONFIG, layer_sizes=[100, 7])
    assert [(row.created_by, row.size) for row in rows] == [
        ("RUN make", 7),
        ("ENV", 0),
        ("ADD rootfs", 100),
    ]
    assert [row.id for row in rows] == [named.id, MISSING, MISSING]
    assert [row.tags for row in rows] == [("a:1",), None, None]
    assert rows[0].comment == "buildkit"
    assert [row.created for row in rows] == [0, 1704150000, 1704067200]


def test_history_of_more_layers_than_there_are_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="too many non-empty layers in History section"):
        history_rows(HTTPD, CONFIG, layer_sizes=[100])


def test_an_image_without_history_has_no_rows() -> None:
    assert history_rows(HTTPD, ImageConfig(), layer_sizes=[1]) == ()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1970-01-01T00:00:05Z", 5), ("1970-01-01T00:00:05", 5), (None, 0), ("", 0), ("soon", 0)],
)
def test_unix_seconds(text: str | None, seconds: int) -> None:
    assert unix_seconds(text) == seconds

"""One config in several packings: each name keeps the documents that it stood for."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from budu.engine.database import Database
from budu.engine.images.platforms import siblings
from budu.engine.images.repository import ImageRepository
from budu.engine.images.storage import blobs_of
from budu.image.model import ImageRecord
from budu.spec.digest import Digest
from budu.spec.image import Descriptor
from budu.spec.platform import Platform
from budu.spec.reference import parse_reference

CONFIG = Digest.of(b"config")
OLD, NEW = (parse_reference(f"docker.io/library/web:{tag}") for tag in ("old", "new"))


def form(name: str, *, index: str = "") -> ImageRecord:
    digest = str(Digest.of(name.encode()))
    return ImageRecord(
        id=str(CONFIG),
        manifest_digest=digest,
        index_digest=str(Digest.of(index.encode())) if index else "",
        size=1,
        platform=Platform(os="linux", architecture="amd64"),
        diff_ids=(str(Digest.of(b"layer")),),
        layers=(Descriptor(digest=str(Digest.of(name.encode() + b" layer")), size=1),),
    )


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "db")


@pytest.fixture
def images(database: Database) -> ImageRepository:
    images = ImageRepository(database)
    images.put(form("one"), [OLD])
    images.put(form("two"), [NEW])
    return images


def targets(images: ImageRepository) -> dict[str, str]:
    names = (OLD, NEW)
    found = {str(each): images.by_name(str(each)) for each in names}
    return {name: image.form.target for name, image in found.items() if image is not None}


ONE, TWO = form("one").form.target, form("two").form.target


def test_each_name_keeps_its_form_over_a_restart(
    images: ImageRepository, database: Database
) -> None:
    assert targets(images) == targets(ImageRepository(database)) == {str(OLD): ONE, str(NEW): TWO}
    (image,) = images.all()
    assert image.repo_tags == ("web:new", "web:old")
    assert {ONE, TWO} <= blobs_of(image)
    assert [each.digest for each in image.packed_layer(str(Digest.of(b"layer")))] == [
        form(name).layers[0].digest for name in ("two", "one")
    ]


def test_a_form_goes_with_its_last_name(images: ImageRepository, database: Database) -> None:
    images.remove_name(NEW)
    (image,) = images.all()
    assert (image.form.target, image.others) == (ONE, ())
    (again,) = ImageRepository(database).all()
    assert again == image


def test_digests_of_a_form_whose_last_tag_went(images: ImageRepository) -> None:
    named = images.get("web:old")
    digest = OLD.with_digest(Digest(ONE))
    images.put(named, [digest])
    assert images.orphaned_digests(named, OLD.name) == []
    images.remove_name(OLD)
    assert images.orphaned_digests(named, OLD.name) == [digest]
    assert images.orphaned_digests(named, "docker.io/library/other") == []
    assert images.orphaned_digests(images.get("web:new"), OLD.name) == []


def test_a_name_that_moves_takes_its_form_along(images: ImageRepository) -> None:
    named = images.get("web:old")
    images.put(named, [NEW])
    assert targets(images) == {str(OLD): ONE, str(NEW): ONE}
    (image,) = images.all()
    assert image.others == ()


def test_a_name_that_another_image_takes(images: ImageRepository) -> None:
    other = msgspec.structs.replace(form("three"), id=str(Digest.of(b"other config")))
    images.put(other, [OLD])
    image = images.by_id(CONFIG)
    assert image is not None
    assert (image.form.target, image.others) == (TWO, ())


def test_platforms_are_found_in_every_form(images: ImageRepository) -> None:
    images.put(form("child", index="index"), [OLD])
    images.put(form("two"), [NEW])
    other = msgspec.structs.replace(form("arm", index="index"), id=str(Digest.of(b"arm")))
    images.put(other, [])
    found = siblings(other, images.all())
    assert [each.manifest_digest for each in found] == [
        other.manifest_digest,
        form("child").manifest_digest,
    ]

"""The database, and the records of containers and images in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.support.records import a_container, an_image

from budu.base.errors import AlreadyExists, Internal, InvalidArgument, NotFound
from budu.engine.containers.model import Status
from budu.engine.containers.repository import ContainerRepository
from budu.engine.database import MIGRATIONS, Database
from budu.engine.images.repository import ImageRepository
from budu.spec.digest import Digest
from budu.spec.reference import parse_reference

Reopen = Callable[[], Database]


@pytest.fixture
def reopen(tmp_path: Path) -> Iterator[Reopen]:
    """Opens the same file, as the next engine would."""
    opened: list[Database] = []

    def open_again() -> Database:
        opened.append(Database(tmp_path / "budu.db"))
        return opened[-1]

    yield open_again
    for database in opened:
        database.close()


@pytest.fixture
def database(reopen: Reopen) -> Database:
    return reopen()


def keys(database: Database) -> list[str]:
    return [key for (key,) in database.execute("SELECT key FROM settings ORDER BY key")]


def put(connection: sqlite3.Connection, key: str) -> None:
    connection.execute("INSERT INTO settings (key, value) VALUES (?, '')", (key,))


def test_schema_is_made_once(reopen: Reopen) -> None:
    reopen().execute("INSERT INTO settings (key, value) VALUES ('a', '1')")
    assert keys(reopen()) == ["a"]


def test_newer_schema_is_refused(reopen: Reopen) -> None:
    reopen().execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(Internal):
        reopen()


def test_transaction_is_all_or_nothing(database: Database) -> None:
    with pytest.raises(ValueError, match="stop"), database.transaction() as connection:
        put(connection, "a")
        raise ValueError("stop")
    assert keys(database) == []


def test_inner_transaction_joins_the_outer(database: Database) -> None:
    with pytest.raises(ValueError, match="stop"), database.transaction():
        with database.transaction() as connection:
            put(connection, "a")
        raise ValueError("stop")
    assert keys(database) == []


def test_transaction_is_kept(reopen: Reopen) -> None:
    with reopen().transaction() as connection:
        put(connection, "a")
    assert keys(reopen()) == ["a"]


WEB, DB = a_container("web"), a_container("db")


@pytest.fixture
def containers(database: Database) -> ContainerRepository:
    repository = ContainerRepository(database)
    repository.add(WEB)
    repository.add(DB)
    return repository


@pytest.mark.parametrize("ref", [WEB.id, WEB.short_id, WEB.id[:5], "web", "/web"])
def test_container_is_found_by(ref: str, containers: ContainerRepository) -> None:
    assert containers.get(ref) is WEB


@pytest.mark.parametrize("ref", ["we", "nobody", ""])
def test_container_is_not_found_by(ref: str, containers: ContainerRepository) -> None:
    with pytest.raises(NotFound) as caught:
        containers.get(ref)
    assert caught.value.message == f"No such container: {ref}"


def test_name_goes_before_an_id_prefix(containers: ContainerRepository) -> None:
    named = a_container(WEB.id[:4])
    containers.add(named)
    assert containers.get(WEB.id[:4]) is named


def test_prefix_of_two_ids_is_ambiguous(containers: ContainerRepository) -> None:
    twin = msgspec.structs.replace(a_container("twin"), id=WEB.id[:6] + "0" * 58)
    containers.add(twin)
    with pytest.raises(InvalidArgument) as caught:
        containers.get(WEB.id[:6])
    assert caught.value.message == f"Multiple IDs found with provided prefix: {WEB.id[:6]}"


def test_taken_name_is_refused(containers: ContainerRepository) -> None:
    with pytest.raises(AlreadyExists) as caught:
        containers.add(msgspec.structs.replace(a_container("other"), name="web"))
    assert caught.value.message == (
        f'Conflict. The container name "/web" is already in use by container "{WEB.id}". '
        "You have to remove (or rename) that container to be able to reuse that name."
    )


def test_renamed_container_leaves_its_old_name(containers: ContainerRepository) -> None:
    containers.update(msgspec.structs.replace(WEB, name="www"))
    assert containers.name_taken_by("web") is None
    assert containers.get("www").id == WEB.id


def test_rename_to_a_taken_name_changes_nothing(containers: ContainerRepository) -> None:
    with pytest.raises(AlreadyExists):
        containers.update(msgspec.structs.replace(WEB, name="db"))
    assert containers.get("web") is WEB


def test_next_engine_finds_every_container(containers: ContainerRepository, reopen: Reopen) -> None:
    changed = containers.update(msgspec.structs.replace(WEB, status=Status.EXITED, exit_code=3))
    containers.remove(DB)
    assert list(ContainerRepository(reopen()).all()) == [changed]


def test_what_is_not_stored_is_not_remembered(
    containers: ContainerRepository, database: Database
) -> None:
    before = {each.id: each for each in containers.all()}
    with pytest.raises(RuntimeError), containers.transaction():
        containers.update(msgspec.structs.replace(WEB, name="other"))
        containers.update(msgspec.structs.replace(WEB, name="other", status=Status.REMOVING))
        containers.remove(DB)
        containers.add(msgspec.structs.replace(DB, id="f" * 64))
        raise RuntimeError
    assert {each.id: each for each in containers.all()} == before
    assert containers.name_taken_by("other") is None
    assert (containers.get("web"), containers.get("db")) == (WEB, DB)


def test_room_is_taken_once(database: Database, tmp_path: Path) -> None:
    database.take_room()
    log = tmp_path / "budu.db-wal"
    assert log.stat().st_blocks * 512 >= 5 << 20
    (free,) = database.execute("PRAGMA freelist_count").fetchone()
    assert free >= 256
    database.take_room()
    assert database.execute("PRAGMA freelist_count").fetchone() == (free,)


def test_room_in_the_log_harms_no_record(
    containers: ContainerRepository, database: Database, reopen: Reopen
) -> None:
    database.take_room()
    stored = [containers.update(msgspec.structs.replace(e, error="x")) for e in containers.all()]
    found = ContainerRepository(reopen())
    assert {each.id: each for each in found.all()} == {each.id: each for each in stored}


BUSYBOX, PG = an_image("busybox"), an_image("pg")
TAG, OTHER = parse_reference("busybox:1"), parse_reference("localhost:5000/busybox:1")
PINNED = TAG.with_digest(Digest.of(b"index"))


@pytest.fixture
def images(database: Database) -> ImageRepository:
    repository = ImageRepository(database)
    repository.put(BUSYBOX, [TAG, OTHER, PINNED])
    return repository


def test_image_carries_its_names(images: ImageRepository) -> None:
    image = images.get("busybox:1")
    assert image.repo_tags == ("busybox:1", "localhost:5000/busybox:1")
    assert image.repo_digests == (PINNED.familiar,)


def test_image_is_found_by_the_beginning_of_its_id(images: ImageRepository) -> None:
    assert images.get(BUSYBOX.short_id).id == BUSYBOX.id


def test_name_moves_to_the_newer_image(images: ImageRepository) -> None:
    images.put(PG, [TAG])
    assert images.get("busybox:1").id == PG.id
    assert images.get(BUSYBOX.id).repo_tags == ("localhost:5000/busybox:1",)


def test_removed_name_leaves_the_image(images: ImageRepository) -> None:
    images.remove_name(TAG)
    assert images.get(BUSYBOX.id).repo_tags == ("localhost:5000/busybox:1",)
    assert images.by_name(str(TAG)) is None


def test_removed_image_leaves_no_name(images: ImageRepository) -> None:
    images.remove(BUSYBOX.id)
    assert len(images) == 0
    with pytest.raises(NotFound):
        images.get("busybox:1")


def test_next_engine_finds_every_image_and_name(images: ImageRepository, reopen: Reopen) -> None:
    images.put(PG, [OTHER])
    again = ImageRepository(reopen())
    assert sorted(again.all(), key=lambda each: each.id) == sorted(
        images.all(), key=lambda each: each.id
    )
    assert again.names(PG.id) == [OTHER]

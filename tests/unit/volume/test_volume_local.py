"""The local driver's directories."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from budu.base.errors import InvalidArgument
from budu.volume.copy_up import fill_directory
from budu.volume.local import LocalVolumes, check_name


def made(volumes: LocalVolumes, name: str = "data") -> Path:
    """Where the files of a new volume are."""
    volumes.make(name)
    return volumes.data_path(name)


@pytest.mark.parametrize("name", ["data", "a1", "A.b_c-d", "0" * 64])
def test_name_is_accepted(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["", "-a", ".a", "a/b", "a b", "ä1", "a1\n", "../x"])
def test_name_with_other_characters_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_name(name)
    assert caught.value.message == (
        f'"{name}" includes invalid characters for a local volume name, only '
        '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use '
        "absolute path"
    )


def test_name_of_one_character_is_too_short() -> None:
    with pytest.raises(InvalidArgument, match=r"^volume name is too short"):
        check_name("a")


def test_volume_is_open_to_its_container_and_its_folder_is_not(tmp_path: Path) -> None:
    path = made(LocalVolumes(tmp_path))
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)]
    assert modes == [0o755, 0o701]


def test_creating_again_keeps_the_files(tmp_path: Path) -> None:
    volumes = LocalVolumes(tmp_path)
    (made(volumes) / "file").touch()
    assert (made(volumes) / "file").exists()


def test_removed_volume_leaves_nothing(tmp_path: Path) -> None:
    volumes = LocalVolumes(tmp_path)
    (made(volumes) / "folder").mkdir()
    volumes.delete("data")
    assert list(tmp_path.iterdir()) == []


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    LocalVolumes(tmp_path).delete("data")


def test_next_engine_deletes_what_a_removal_left(tmp_path: Path) -> None:
    (tmp_path / ".removed-data-0123" / "_data").mkdir(parents=True)
    (made(LocalVolumes(tmp_path), "other") / "file").touch()
    assert [each.name for each in tmp_path.iterdir()] == ["other"]


def fill(volumes: LocalVolumes, name: str, source: Path) -> None:
    fd = os.open(source, os.O_RDONLY)
    try:
        fill_directory(str(volumes.data_path(name)), fd)
    finally:
        os.close(fd)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """What an image has at the mount point."""
    folder = tmp_path / "image"
    folder.mkdir()
    (folder / "index.html").write_text("hello")
    return folder


def test_empty_volume_is_filled(tmp_path: Path, image: Path) -> None:
    volumes = LocalVolumes(tmp_path / "volumes")
    path = made(volumes)
    fill(volumes, "data", image)
    assert (path / "index.html").read_text() == "hello"


def test_volume_with_files_is_left_alone(tmp_path: Path, image: Path) -> None:
    volumes = LocalVolumes(tmp_path / "volumes")
    (made(volumes) / "own").touch()
    fill(volumes, "data", image)
    assert os.listdir(volumes.data_path("data")) == ["own"]


def test_file_at_the_mount_point_is_not_copied(tmp_path: Path, image: Path) -> None:
    volumes = LocalVolumes(tmp_path / "volumes")
    made(volumes)
    fill(volumes, "data", image / "index.html")
    assert os.listdir(volumes.data_path("data")) == []

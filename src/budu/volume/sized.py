"""Local volumes with a limit: a project quota where the file system has one, else an image file.

An image file is a sparse ext4 file beside `_data`, mounted there while a container uses it. Until
its first mount it is called `image.new`, so that a creation that was broken off can be told from a
volume with data. Why: docs/decisions/0013. Blocking.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from budu.base.errors import Hint, InvalidArgument, NotImplementedHere, ResourceExhausted
from budu.linux.loop import attach_loop, find_loop, loop_path, update_capacity
from budu.linux.mount import MS_NOATIME, mount
from budu.linux.quota import (
    get_usage,
    has_project_quota,
    is_project_free,
    set_limit,
    set_project,
)

LEAST_IMAGE = 4 << 20
"""Bytes of the smallest image file that holds a file system with some room."""
_FIRST_PROJECT = 1 << 20
_IMAGE, _NEW_IMAGE = "image", "image.new"
_PROGRAM_DEADLINE_S = 120


def quotas_work(root: Path) -> bool:
    """Whether the file system of `root` limits directories by itself."""
    directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return has_project_quota(directory)
    finally:
        os.close(directory)


def limit_directory(data: Path, size: int, project: int, taken: set[int]) -> int:
    """Limit what is in a directory by quota; the project id, a new one for `project` 0."""
    directory = os.open(data, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if not project:
            project = _FIRST_PROJECT
            while project in taken or not is_project_free(directory, project):
                project += 1
            set_project(directory, project)
        used, _ = get_usage(directory, project)
        if size and used > size:
            raise ResourceExhausted(f"volume holds {used} bytes, more than the new size {size}")
        set_limit(directory, project, size)
    finally:
        os.close(directory)
    return project


def make_image(folder: Path, size: int) -> None:
    """Make the image file of a new volume, when it is not there.

    Raises: InvalidArgument for a size too small; NotImplementedHere without mke2fs;
    ResourceExhausted when the disk is full. Nothing is left then.
    """
    image = folder / _NEW_IMAGE
    if image.exists() or (folder / _IMAGE).exists():
        return
    if size < LEAST_IMAGE:
        raise InvalidArgument(f"volume size {size} is below the least, {LEAST_IMAGE} bytes")
    try:
        with image.open("xb") as file:
            file.truncate(size)
        _run("mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", str(image))
    except BaseException:
        image.unlink(missing_ok=True)
        raise


def has_image(folder: Path) -> bool:
    """Whether a volume's data is in an image file that was mounted once or more."""
    return (folder / _IMAGE).exists()


def has_new_image(folder: Path) -> bool:
    """Whether a volume has an image file that was never mounted."""
    return (folder / _NEW_IMAGE).exists()


def image_path(folder: Path) -> Path | None:
    """The image file that a volume's data is in, mounted once or never; None without one."""
    found = [each for each in (folder / _IMAGE, folder / _NEW_IMAGE) if each.exists()]
    return found[0] if found else None


def drop_new_image(folder: Path) -> None:
    """Delete an image file that was never mounted."""
    (folder / _NEW_IMAGE).unlink(missing_ok=True)


def mount_image(folder: Path, target: Path) -> None:
    """Mount a volume's image file. Raises: OSError."""
    is_new = has_new_image(folder)
    if is_new:
        (folder / _NEW_IMAGE).rename(folder / _IMAGE)
    device = attach_loop(str(folder / _IMAGE))
    try:
        mount(loop_path(device), str(target), "ext4", MS_NOATIME)
    finally:
        os.close(device)
    with suppress(OSError):  # holds something: that is the user's then
        (target / "lost+found").rmdir()


def grow_image(folder: Path, size: int, *, is_mounted: bool) -> None:
    """Give an image file more room, mounted or not.

    Raises: InvalidArgument when it would shrink; ResourceExhausted when the program refuses (in a
    mounted one the kernel wants CAP_SYS_RESOURCE); the file has its old size then.
    """
    image = folder / (_NEW_IMAGE if has_new_image(folder) else _IMAGE)
    before = image.stat().st_size
    if size < before:
        raise InvalidArgument("a volume in an image file can grow, not shrink")
    os.truncate(image, size)
    try:
        if is_mounted:
            _grow_mounted(str(image.resolve()))
        else:
            _run("e2fsck", "-f", "-p", str(image), accepted=1)
            _run("resize2fs", str(image))
    except BaseException:
        os.truncate(image, before)
        raise


def _grow_mounted(image: str) -> None:
    found = find_loop(image)
    device = os.open(found, os.O_RDWR | os.O_CLOEXEC)
    try:
        update_capacity(device)
        _run("resize2fs", found)
    finally:
        os.close(device)


def _run(program: str, *arguments: str, accepted: int = 0) -> None:
    """Run a program of e2fsprogs; statuses up to `accepted` are good."""
    try:
        done = subprocess.run(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROGRAM_DEADLINE_S,
            env={
                **os.environ,
                "LC_ALL": "C",
                "PATH": os.environ.get("PATH", "") + ":/sbin:/usr/sbin",
            },
            check=False,
        )
    except FileNotFoundError as error:
        raise NotImplementedHere(
            "quota size requested but no quota support",
            hint=Hint("volume.no-quota", program=program),
        ) from error
    if done.returncode > accepted:
        text = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ResourceExhausted(f"{program} failed: {text or done.returncode}")

"""Finds out by trying which layers and which overlay this kernel can do.

Version numbers lie (distributions patch, containers forbid), so a tiny layer with two files is
built, mounted and stacked for real below the store's own root, best way first.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import msgspec

from budu.archive.faults import os_errors
from budu.base.errors import Hint, Internal
from budu.linux.mount import MNT_DETACH, umount2
from budu.snapshot.erofs.form import ErofsForm, ErofsLayers
from budu.snapshot.erofs.image import build_index
from budu.snapshot.erofs.tree import LayerTree
from budu.snapshot.extracted import ExtractedLayers
from budu.snapshot.layers import LayerStore
from budu.snapshot.overlay import OverlayOptions, OverlayStyle, mount_overlay
from budu.snapshot.stored import TAR

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """What the kernel does for this process.

    `erofs`: file-backed EROFS works as overlay's lower. `attached`: only when it is mounted
    somewhere. `userxattr`: overlay works only with attributes in the `user.` namespace.
    """

    style: OverlayStyle
    erofs: bool
    attached: bool
    userxattr: bool

    @property
    def summary(self) -> str:
        """One line for the log and `info`."""
        layers = "erofs" + (" (attached)" if self.attached else "") if self.erofs else "extracted"
        return f"layers={layers} overlay={self.style.value} userxattr={self.userxattr}"


def probe(root: str | Path) -> Abilities:
    """Tries everything below `root`, which has to exist, and leaves nothing behind.

    Raises: Internal when not even a plain overlay can be mounted there.
    """
    with os_errors(f"mkdir {root}"):
        place = Path(tempfile.mkdtemp(prefix="probe-", dir=root))
    try:
        return _probe_in(place)
    finally:
        mounts = place / "mounts" / "layer"
        with suppress(OSError):
            umount2(str(mounts), MNT_DETACH)
        shutil.rmtree(place)


def choose_layer_store(root: str | Path, abilities: Abilities | None = None) -> LayerStore:
    """The best layer store that works here, opened at `root` (created when missing)."""
    tmp = Path(root) / "tmp"  # a killed probe's remains are swept from there
    with os_errors(f"mkdir {root}"):
        tmp.mkdir(mode=0o700, parents=True, exist_ok=True)
    abilities = abilities or probe(tmp)
    if abilities.erofs:
        return ErofsLayers(root, attached=abilities.attached)
    return ExtractedLayers(root, rootless=abilities.userxattr)


def _probe_in(place: Path) -> Abilities:
    plain = place / "plain"
    plain.mkdir()
    style, userxattr = _probe_overlay(place, plain)
    erofs, attached = False, False
    if not userxattr:
        for attached in (False, True):
            erofs = _can_stack_erofs(place, style, attached=attached)
            if erofs:
                break
    return Abilities(style=style, erofs=erofs, attached=erofs and attached, userxattr=userxattr)


def _probe_overlay(place: Path, lower: Path) -> tuple[OverlayStyle, bool]:
    reasons = []
    for userxattr in (False, True):
        for style in OverlayStyle:
            try:
                fd = os.open(lower, _DIRECTORY)
                try:
                    _stack(place, fd, style=style, userxattr=userxattr)
                finally:
                    os.close(fd)
            except OSError as error:
                reasons.append(f"{style.value}: {error.strerror}")
                continue
            return style, userxattr
    raise Internal(
        f"failed to mount overlay: {'; '.join(dict.fromkeys(reasons))}",
        hint=Hint("snapshot.no-overlay", root=place.parent),
    )


def _can_stack_erofs(place: Path, style: OverlayStyle, *, attached: bool) -> bool:
    layer = place / "layer"
    if not layer.exists():
        layer.mkdir()
        (layer / TAR).write_bytes(bytes(1024))
        (layer / "index.erofs").write_bytes(build_index(LayerTree().root, tar_size=1024))
    form = ErofsForm(mounts=place / "mounts" if attached else None)
    try:
        fd = form.open_lower(layer)
        try:
            _stack(place, fd, style=style, userxattr=False)
        finally:
            os.close(fd)
    except OSError:
        return False
    return True


def _stack(place: Path, lower: int, *, style: OverlayStyle, userxattr: bool) -> None:
    """Mounts an overlay over `lower` and writes into it."""
    upper, work = place / "upper", place / "work"
    for directory in (upper, work):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
    opened = [os.open(upper, _DIRECTORY), os.open(work, _DIRECTORY)]
    try:
        options = OverlayOptions((lower,), upper=opened[0], work=opened[1], userxattr=userxattr)
        opened.append(mount_overlay(options, style))
        os.mkdir("written", dir_fd=opened[2])
    finally:
        for fd in opened:
            os.close(fd)

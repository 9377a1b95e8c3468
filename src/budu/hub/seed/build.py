"""Makes images of recipes: each instruction that touches files becomes a layer.

A layer lies in the cache under the hash of everything that made it: the layers below, the
instruction and the files that it copies. `FOLDER/KEY/{tree,layer.tar.gz,layer.json}`; a folder
without `layer.json` was not finished. Needs root, debootstrap and Debian's mirror.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec

from budu.archive.write import pack
from budu.base.errors import Internal, InvalidArgument
from budu.hub.seed import rootfs
from budu.hub.seed.dockerfile import CONFIG_WORDS, Instruction, Stage
from budu.hub.seed.image import Image, Layer
from budu.hub.seed.layers import EPOCH_S, pack_layer, tidy
from budu.hub.seed.library import Recipe
from budu.hub.seed.room import APT_CONFIG, Plan

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
Say = Callable[[str], object]


class Builder:
    """Builds recipes in order; images it has built serve as bases of later ones."""

    def __init__(self, cache: Path, say: Say) -> None:
        """`cache`: the folder of the layers. `say` is told what takes long."""
        self._cache = cache
        self._say = say
        self._images: dict[str, Image] = {}

    def build(self, recipe: Recipe) -> Image:
        """The image of a recipe; what it needs must have been built by this builder.

        Raises: InvalidArgument for a recipe that is wrong, Internal when a command fails.
        """
        stages: dict[str, Image] = {}
        image = Image()
        for stage in recipe.stages:
            image = self._base(stage, stages)
            for instruction in stage.instructions:
                image = self._apply(image, instruction, recipe, stages)
            stages[stage.name] = image
        self._images[recipe.name] = image
        return image

    def _base(self, stage: Stage, stages: dict[str, Image]) -> Image:
        if stage.base == "scratch":
            return Image()
        return self._image(stage.base, stages)

    def _image(self, name: str, stages: dict[str, Image]) -> Image:
        image = stages.get(name) or self._images.get(name)
        if image is None:
            raise InvalidArgument(f"{name}: no such stage or image of the library")
        return image

    def _apply(
        self, image: Image, instruction: Instruction, recipe: Recipe, stages: dict[str, Image]
    ) -> Image:
        if instruction.word in CONFIG_WORDS:
            return image.with_setting(instruction)
        self._say(f"{recipe.name}: {instruction.source[:90]}")
        if instruction.word == "RUN":
            return image.with_layer(self._run(image, instruction), instruction.source)
        if instruction.word == "ADD" and recipe.metadata.rootfs:
            return image.with_layer(self._root_file_system(recipe), instruction.source)
        layer = self._copy(image, instruction, recipe.folder, stages)
        return image.with_layer(layer, instruction.source)

    def _root_file_system(self, recipe: Recipe) -> Layer:
        key = _key("rootfs", rootfs.fingerprint(), recipe.metadata.rootfs)
        return self._cached(key, lambda tree: rootfs.make(tree, self._cache / "apt"))

    def _run(self, image: Image, instruction: Instruction) -> Layer:
        key = _key(*(layer.digest for layer in image.layers), str(image.config), instruction.source)
        command = [*_shell(instruction)]
        uses_network = "apt-get" in instruction.text
        return self._cached(
            key,
            lambda tree: self._enter(image, tree, command=command, uses_network=uses_network),
        )

    def _copy(
        self, image: Image, instruction: Instruction, folder: Path, stages: dict[str, Image]
    ) -> Layer:
        *sources, target = instruction.words()
        if target.startswith("/"):
            target = target[1:]
        else:
            target = posixpath.join(image.work_folder(), target)[1:]
        with tempfile.TemporaryDirectory(prefix="seed-") as scratch:
            staged = Path(scratch) / "tree"
            above = staged / target
            for source in sources:
                found = self._source(source, instruction.flags.get("from"), folder, stages)
                _place(found, above, into=target.endswith("/") or len(sources) > 1 or target == "")
            if mode := instruction.flags.get("chmod"):
                for path in _files(above):
                    path.chmod(int(mode, 8))
            archive = Path(scratch) / "copied.tar"
            _tar(staged, archive)
            content = hashlib.sha256(archive.read_bytes()).hexdigest()
            key = _key(*(layer.digest for layer in image.layers), instruction.source, content)
            return self._cached(key, lambda tree: self._enter(image, tree, archive=str(archive)))

    def _source(
        self, source: str, stage: str | None, folder: Path, stages: dict[str, Image]
    ) -> Path:
        """Where a file or folder of COPY lies; of a stage it is taken as one layer has it."""
        trees = [folder]
        if stage is not None:
            image = self._image(stage, stages)
            trees = [Path(layer.tree) for layer in reversed(image.layers)]
        for tree in trees:
            if (found := tree / source.lstrip("/")).exists():
                return found
        raise InvalidArgument(f"COPY {source}: no such file in {stage or folder}")

    def _cached(self, key: str, make: Callable[[Path], object]) -> Layer:
        folder = self._cache / key
        record, tree, packed = (folder / name for name in ("layer.json", "tree", "layer.tar.gz"))
        if record.exists():
            layer = msgspec.json.decode(record.read_bytes(), type=Layer)
            return replace(layer, path=str(packed), tree=str(tree))  # the cache may have moved
        shutil.rmtree(folder, ignore_errors=True)
        tree.mkdir(parents=True)
        make(tree)
        tidy(tree)
        layer = pack_layer(tree, packed)
        record.write_bytes(msgspec.json.encode(layer))
        return layer

    def _enter(
        self,
        image: Image,
        tree: Path,
        *,
        command: list[str] | None = None,
        archive: str = "",
        uses_network: bool = False,
    ) -> None:
        """Change `tree` in a room of its own."""
        with tempfile.TemporaryDirectory(prefix="room-", dir=tree.parent) as scratch:
            work, merged = Path(scratch) / "work", Path(scratch) / "merged"
            work.mkdir()
            merged.mkdir()
            plan = Plan(
                lower=[layer.tree for layer in reversed(image.layers)],
                upper=str(tree),
                work=str(work),
                merged=str(merged),
                cache=str(self._cache / "apt"),
                archive=archive,
                command=command or [],
                environment=_environment(image),
                folder=image.work_folder(),
            )
            path = Path(scratch) / "plan.json"
            path.write_bytes(msgspec.json.encode(plan))
            _unshare(path, uses_network=uses_network)


def _unshare(plan: Path, *, uses_network: bool) -> None:
    namespaces = ["--mount", "--propagation=private", "--pid", "--fork", "--ipc", "--uts"]
    if not uses_network:
        namespaces.append("--net")
    command = ["unshare", *namespaces, sys.executable, "-m", "budu.hub.seed.room", str(plan)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise Internal(f"a command of the recipe failed:\n{(done.stdout + done.stderr)[-3000:]}")


def _environment(image: Image) -> dict[str, str]:
    fixed = {
        "PATH": PATH,
        "HOME": "/root",
        "LC_ALL": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
        "SOURCE_DATE_EPOCH": str(EPOCH_S),
        "PYTHONHASHSEED": "0",
        "APT_CONFIG": APT_CONFIG,
    }
    proxies = {
        name: os.environ[name] for name in ("http_proxy", "https_proxy") if name in os.environ
    }
    return {**fixed, **proxies, **image.environment()}


def _shell(instruction: Instruction) -> list[str]:
    if instruction.text.startswith("["):
        return instruction.words()
    return ["/bin/sh", "-e", "-c", instruction.text]


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _place(source: Path, target: Path, *, into: bool) -> None:
    """Copy a file or a folder's content, as COPY does."""
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        return
    if into:
        target = target / source.name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)


def _files(top: Path) -> list[Path]:
    if not top.is_dir():
        return [top]
    return [path for path in top.rglob("*") if path.is_file() and not path.is_symlink()]


def _tar(tree: Path, archive: Path) -> None:
    """The staged files of root's with fixed dates."""
    for path in tree.rglob("*"):
        os.chown(path, 0, 0, follow_symlinks=False)
    tidy(tree)
    with archive.open("wb") as file:
        pack(str(tree), file.write)

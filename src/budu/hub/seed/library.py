"""Reads `hub/library/NAME/`: the recipe, its texts and what the hub shows of it.

Dockerfile        how it is made
overview.md       what it is and how it is used; overview.ko.md in Korean
metadata.yaml     summary, summaryKo, tags, categories, synonyms; `rootfs: debootstrap` for the
                  image that all others stand on: its context has `rootfs.tar`, too
everything else   what COPY may take
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec
import yaml

from budu.base.errors import InvalidArgument, NotFound
from budu.hub.seed import rootfs
from budu.hub.seed.dockerfile import images_below

LIBRARY = Path(__file__).resolve().parents[4] / "hub" / "library"
TEXTS = frozenset(("overview.md", "overview.ko.md", "metadata.yaml"))


class Metadata(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `metadata.yaml` says."""

    summary: str
    summary_ko: str = msgspec.field(name="summaryKo")
    tags: tuple[str, ...]
    """The first is `latest`."""
    categories: tuple[str, ...] = ()
    """Slugs of the hub's categories."""
    synonyms: tuple[str, ...] = ()
    """Words that search takes for the name."""
    rootfs: str = ""


@dataclass(frozen=True)
class Recipe:
    """One image of the library."""

    name: str
    folder: Path
    needs: tuple[str, ...]
    """The images of the library that it stands on or takes files from."""
    metadata: Metadata
    overview: str
    overview_ko: str
    fingerprint: str
    """Of everything that goes into the image and into those below it, texts aside; hex."""


def read_recipe(name: str, library: Path = LIBRARY, *, above: tuple[str, ...] = ()) -> Recipe:
    """The recipe of an image; `above` are those that led to it.

    Raises: NotFound, InvalidArgument (also for recipes that need each other).
    """
    if name in above:
        raise InvalidArgument(f"{' → '.join((*above, name))}: recipes need each other")
    folder = library / name
    if not (folder / "Dockerfile").is_file():
        raise NotFound(f"no recipe for {name} in {library}")
    try:
        document = yaml.safe_load((folder / "metadata.yaml").read_text())
        metadata = msgspec.convert(document, Metadata)
    except (msgspec.ValidationError, yaml.YAMLError) as error:
        raise InvalidArgument(f"{folder / 'metadata.yaml'}: {error}") from error
    needs = tuple(images_below((folder / "Dockerfile").read_text()))
    way = (*above, name)
    below = [read_recipe(each, library, above=way).fingerprint for each in needs]
    if metadata.rootfs:
        below.append(rootfs.fingerprint())
    return Recipe(
        name=name,
        folder=folder,
        needs=needs,
        metadata=metadata,
        overview=(folder / "overview.md").read_text(),
        overview_ko=(folder / "overview.ko.md").read_text(),
        fingerprint=_fingerprint(folder, below),
    )


def names(library: Path = LIBRARY) -> list[str]:
    """All images of the library."""
    return sorted(path.parent.name for path in library.glob("*/Dockerfile"))


def in_order(wanted: list[str], library: Path = LIBRARY) -> list[Recipe]:
    """The recipes wanted and those they stand on, each after what it needs."""
    ordered: dict[str, Recipe] = {}

    def add(name: str) -> None:
        recipe = read_recipe(name, library)
        for needed in recipe.needs:
            add(needed)
        ordered.setdefault(name, recipe)

    for name in wanted:
        add(name)
    return list(ordered.values())


def _fingerprint(folder: Path, below: list[str]) -> str:
    total = hashlib.sha256("\0".join(below).encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in TEXTS:
            name = path.relative_to(folder).as_posix()
            total.update(f"{name}\0{path.stat().st_mode & 0o777:o}\0".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()

"""What layers add, change, remove and waste; how two images differ. Pure over lists of members.

A byte is wasted when a higher layer covers or removes the file that it belongs to: it is stored and
fetched, and nobody sees it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from budu.archive import whiteouts
from budu.archive.paths import clean_path
from budu.archive.tar import TarEntry, TarKind

ADDED, CHANGED, REMOVED = "added", "changed", "removed"


class FileFact(msgspec.Struct, frozen=True, kw_only=True):
    """One path of an image as the highest layer has it."""

    kind: str
    """`file`, `directory`, `symlink`, … as `TarKind` names it."""
    size: int = 0
    mode: int = 0
    owner: tuple[int, int] = (0, 0)
    link: bytes = b""
    layer: int = 0
    """Number of the layer, 0 for the lowest."""
    offset: int = 0
    """Where the content is in that layer's tar."""


class PathChange(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What a layer did to a path."""

    path: str
    kind: str
    """`added`, `changed` or `removed`."""
    size: int = 0
    """Bytes that the layer holds for it."""
    wasted: int = 0
    """Bytes of lower layers that nobody sees since."""


class LayerReport(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """One layer's part in an image."""

    diff_id: str
    size: int
    created_by: str = ""
    added: int = 0
    changed: int = 0
    removed: int = 0
    wasted: int = 0
    """Bytes of lower layers that this one hides."""
    files: tuple[PathChange, ...] = ()
    """The largest changes first."""


class ImageReport(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """All layers, lowest first."""

    size: int
    wasted: int
    layers: tuple[LayerReport, ...]


Tree = dict[bytes, FileFact]


def explore(layers: Sequence[tuple[LayerReport, Iterable[TarEntry]]], *, files: int) -> ImageReport:
    """The report over layers, lowest first; each keeps its `files` largest changes."""
    tree: Tree = {}
    reports = []
    for number, (layer, entries) in enumerate(layers):
        changes = list(apply_layer(tree, entries, number=number))
        counts = {kind: 0 for kind in (ADDED, CHANGED, REMOVED)}
        for change in changes:
            counts[change.kind] += 1
        largest = sorted(changes, key=lambda each: (-each.size - each.wasted, each.path))
        reports.append(
            msgspec.structs.replace(
                layer,
                **counts,
                wasted=sum(change.wasted for change in changes),
                files=tuple(largest[:files]),
            )
        )
    return ImageReport(
        size=sum(each.size for each in reports),
        wasted=sum(each.wasted for each in reports),
        layers=tuple(reports),
    )


def apply_layer(tree: Tree, entries: Iterable[TarEntry], *, number: int) -> Iterator[PathChange]:
    """Lay a layer over `tree`; what that changed. Directories that only reappear do not count."""
    for entry in entries:
        path = clean_path(entry.path)
        folder, _, name = path.rpartition(b"/")
        if name == whiteouts.OPAQUE:
            yield from _clear(tree, folder, number)
            continue
        if whiteouts.is_whiteout(name):
            gone = whiteouts.removed_name(name)
            if gone is not None:
                yield from _remove(tree, b"/".join(part for part in (folder, gone) if part))
            continue
        if path:
            yield from _put(tree, path, _fact(entry, tree, number))


def _put(tree: Tree, path: bytes, fact: FileFact) -> Iterator[PathChange]:
    before = tree.get(path)
    tree[path] = fact
    if before is None:
        yield PathChange(path=_shown(path), kind=ADDED, size=fact.size)
        return
    if before.layer == fact.layer:
        return
    if before.kind == fact.kind == "directory":
        if (before.mode, before.owner) != (fact.mode, fact.owner):
            yield PathChange(path=_shown(path), kind=CHANGED)
        return
    yield PathChange(path=_shown(path), kind=CHANGED, size=fact.size, wasted=before.size)


def _remove(tree: Tree, path: bytes) -> Iterator[PathChange]:
    """A path and all below it."""
    below = path + b"/"
    gone = [each for each in tree if each == path or each.startswith(below)]
    wasted = sum(tree[each].size for each in gone)
    for each in gone:
        del tree[each]
    if gone:
        yield PathChange(path=_shown(path), kind=REMOVED, wasted=wasted)


def _clear(tree: Tree, folder: bytes, number: int) -> Iterator[PathChange]:
    """What lower layers have in a folder."""
    below = folder + b"/" if folder else b""
    for path in [each for each in tree if each.startswith(below) and each != folder]:
        if path in tree and tree[path].layer != number:
            yield from _remove(tree, path)


def _fact(entry: TarEntry, tree: Tree, number: int) -> FileFact:
    if entry.kind is TarKind.HARD_LINK:
        target = tree.get(clean_path(entry.link))
        if target is not None:
            return msgspec.structs.replace(target, size=0, layer=number)
    return FileFact(
        kind=entry.kind.name.lower(),
        size=entry.stored_size,
        mode=entry.mode,
        owner=(entry.uid, entry.gid),
        link=entry.link,
        layer=number,
        offset=entry.offset,
    )


def differences(
    first: Mapping[bytes, FileFact],
    second: Mapping[bytes, FileFact],
    *,
    same_content: Mapping[bytes, bool],
) -> list[PathChange]:
    """How the second tree differs, by path. `same_content` answers for files that look alike."""
    found = []
    for path in sorted(first.keys() | second.keys()):
        old, new = first.get(path), second.get(path)
        if old is None and new is not None:
            found.append(PathChange(path=_shown(path), kind=ADDED, size=new.size))
        elif new is None and old is not None:
            found.append(PathChange(path=_shown(path), kind=REMOVED, wasted=old.size))
        elif old is not None and new is not None and not _same(old, new, same_content.get(path)):
            change = PathChange(path=_shown(path), kind=CHANGED, size=new.size, wasted=old.size)
            found.append(change)
    return found


def look_alike(old: FileFact, new: FileFact) -> bool:
    """Whether only the content can tell two files apart."""
    return _form(old) == _form(new) and old.kind == "file"


def _same(old: FileFact, new: FileFact, same_content: bool | None) -> bool:
    return _form(old) == _form(new) and same_content is not False


def _form(fact: FileFact) -> tuple[object, ...]:
    return fact.kind, fact.size, fact.mode, fact.owner, fact.link


def _shown(path: bytes) -> str:
    return "/" + path.decode(errors="replace")

"""What layers add, change, remove and waste; how two images differ."""

import io
import tarfile
import tempfile
from collections.abc import Iterator

from budu.archive.tar import FileSource, TarEntry, TarReader
from budu.image.explore import ImageReport, LayerReport, Tree, apply_layer, differences, explore


def members(files: dict[str, bytes], *, mode: int = 0o644) -> list[TarEntry]:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, data in files.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(data), mode
            if path.endswith("/"):
                info.type = tarfile.DIRTYPE
            tar.addfile(info, io.BytesIO(data))
    with tempfile.TemporaryFile() as file:
        file.write(out.getvalue())
        file.flush()
        return list(TarReader(FileSource(file.fileno())))


def report(*layers: dict[str, bytes], files: int = 10) -> ImageReport:
    def rows() -> Iterator[tuple[LayerReport, list[TarEntry]]]:
        for number, each in enumerate(layers):
            size = sum(map(len, each.values()))
            yield LayerReport(diff_id=f"sha256:{number}", size=size), members(each)

    return explore(list(rows()), files=files)


def tree(*layers: dict[str, bytes], mode: int = 0o644) -> Tree:
    found: Tree = {}
    for number, each in enumerate(layers):
        list(apply_layer(found, members(each, mode=mode), number=number))
    return found


def test_counts_and_waste_of_a_covered_file() -> None:
    found = report({"a": b"12345", "b": b"1"}, {"a": b"123"})
    low, high = found.layers
    assert (low.added, low.changed, low.removed, low.wasted) == (2, 0, 0, 0)
    assert (high.added, high.changed, high.removed, high.wasted) == (0, 1, 0, 5)
    assert (found.size, found.wasted) == (9, 5)


def test_removed_folder_wastes_all_that_was_in_it() -> None:
    found = report({"d/": b"", "d/x": b"12", "d/e/y": b"345"}, {".wh.d": b""})
    assert [(each.path, each.kind, each.wasted) for each in found.layers[1].files] == [
        ("/d", "removed", 5)
    ]


def test_opaque_folder_hides_lower_files_only() -> None:
    found = report({"d/": b"", "d/x": b"12"}, {"d/": b"", "d/y": b"3", "d/.wh..wh..opq": b""})
    assert found.layers[1].wasted == 2
    shown = tree({"d/": b"", "d/x": b"12"}, {"d/": b"", "d/y": b"3", "d/.wh..wh..opq": b""})
    assert set(shown) == {b"d", b"d/y"}


def test_folder_that_reappears_is_no_change() -> None:
    assert report({"d/": b""}, {"d/": b"", "d/x": b"1"}).layers[1].changed == 0


def test_largest_changes_come_first_and_are_bounded() -> None:
    found = report({"small": b"1", "large": b"123456", "middle": b"123"}, files=2)
    assert [each.path for each in found.layers[0].files] == ["/large", "/middle"]


def test_differences_of_two_trees() -> None:
    old, new = tree({"a": b"1", "b": b"22", "c": b"3"}), tree({"b": b"333", "c": b"3", "d": b"4"})
    found = [(each.path, each.kind) for each in differences(old, new, same_content={})]
    assert found == [("/a", "removed"), ("/b", "changed"), ("/d", "added")]


def test_same_size_other_content_is_a_difference() -> None:
    old, new = tree({"a": b"1"}), tree({"a": b"2"})
    assert differences(old, new, same_content={b"a": True}) == []
    (change,) = differences(old, new, same_content={b"a": False})
    assert change.kind == "changed"


def test_other_permissions_are_a_difference() -> None:
    (change,) = differences(tree({"a": b"1"}), tree({"a": b"1"}, mode=0o755), same_content={})
    assert (change.path, change.kind) == ("/a", "changed")

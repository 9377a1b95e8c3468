"""Every layer store makes the same tree of a tar, GNU tar's where that has an opinion."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layer_tools import describe_tree, directory, hard_link, make_tar, member, symlink

from budu.base.errors import BuduError, DataLoss, InvalidArgument, NotFound
from budu.content.memory import MemoryContent
from budu.snapshot.choose import Abilities, choose_layer_store, probe
from budu.snapshot.container import ContainerSnapshots
from budu.snapshot.erofs.form import INDEX, ErofsLayers
from budu.snapshot.extracted import TREE, ExtractedLayers
from budu.snapshot.layers import LayerStore
from budu.snapshot.overlay import OverlayStyle
from budu.snapshot.unpack import LayerUnpacker
from budu.spec.digest import Digest

pytestmark = pytest.mark.host

CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")
ACL = bytes.fromhex(
    "0200000001000600ffffffff020004000100000004000400ffffffff10000600ffffffff20000400ffffffff"
)
GNU_OPTIONS = ("--xattrs", "--xattrs-include=*", "--numeric-owner", "--same-owner", "-p")

PLAIN_TARS = {
    "empty": [],
    "modes and owners": [
        directory("./", mode=0o755),
        directory("tmp", mode=0o1777),
        directory("home", mode=0o2750, uid=1000, gid=1001),
        member("home/setuid", b"x", mode=0o4755, uid=1000, gid=50, mtime=1),
        member("home/none", b"", mode=0),
        member("home/big ids", b"y" * 513, uid=3_000_000_000, gid=2_999_999),
    ],
    "sizes": [
        member(f"f{size}", os.urandom(size), mtime=size)
        for size in (0, 1, 511, 512, 513, 4095, 4096, 4097, 100_000, 1 << 20)
    ],
    "links": [
        directory("d"),
        member("d/file", b"shared", mtime=7),
        hard_link("d/hard", "./d/file"),
        hard_link("harder", "/d/hard"),
        symlink("relative", "d/file", mtime=8),
        symlink("absolute", "/nowhere", uid=5, gid=6),
        hard_link("hard to link", "relative"),
        *[symlink(f"long{n}", "t" * n) for n in (100, 250, 300, 447, 448, 449, 600, 4095)],
    ],
    "nodes": [
        directory("dev"),
        member("dev/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
        member("dev/big", type=tarfile.BLKTYPE, devmajor=259, devminor=70_000, mode=0o660, gid=6),
        member("dev/pipe", type=tarfile.FIFOTYPE, mode=0o644, mtime=3),
    ],
    "names": [
        directory("n" * 255),
        member("n" * 255 + "/" + "m" * 255, b"x"),
        member("/".join(["deep"] * 60) + "/end", b"x"),
        member("ünïcödé 이름 \\ \" '", b"x"),
        member("tab\tand\nnewline", b"x"),
        member("raw \udcff\udc80", b"x"),
    ],
    "many names": [member(f"dir/{number:05}-{'x' * (number % 90)}", b"x") for number in range(700)],
    "attributes": [
        directory("d", xattrs={"user.dir": b"1", "trusted.t": b"2"}),
        member("d/ping", b"elf", xattrs={"security.capability": CAPABILITY}, mode=0o755),
        member("d/acl", b"x", xattrs={"system.posix_acl_access": ACL}, mode=0o664),
        member("d/user", b"x", xattrs={"user.no": b"", "user.o": b"a=b\nc", "user.x": b"v" * 2000}),
        symlink("s", "d", xattrs={"trusted.on.link": b"yes"}),
    ],
    "implied directories": [member("a/b/c/file", b"x"), member("a/d", b"y")],
    "repeated": [
        member("f", b"old"),
        member("f", b"newer", mode=0o600),
        directory("d", mode=0o700),
        member("d/keep", b"x"),
        directory("d", mode=0o711, mtime=44),
        symlink("s", "d"),
        member("s", b"no longer a link"),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def abilities(tmp_path_factory) -> Abilities:
    return probe(tmp_path_factory.mktemp("probe"))


EROFS_FORMS = [pytest.param(form, marks=pytest.mark.erofs) for form in ("erofs", "erofs attached")]


@pytest.fixture(params=[*EROFS_FORMS, "extracted"])
def store(request, tmp_path):
    if request.param == "extracted":
        store: LayerStore = ExtractedLayers(tmp_path / "layers")
    else:
        store = ErofsLayers(tmp_path / "layers", attached=request.param != "erofs")
    yield store
    store.close()


def add(store: LayerStore, tar: bytes, *, size: int = 100_000) -> Digest:
    writer = store.begin(Digest.of(tar))
    try:
        for at in range(0, len(tar), size):
            writer.write(tar[at : at + size])
        return writer.commit().diff_id
    finally:
        writer.abort()


def look(store: LayerStore, diff_id: Digest, **options) -> dict[str, tuple]:
    return describe_tree(f"/proc/self/fd/{store.lower(diff_id)}", **options)


def gnu_tree(tar: bytes, place: Path, **options) -> dict[str, tuple]:
    place.mkdir()
    subprocess.run(["tar", "-x", *GNU_OPTIONS, "-C", place], input=tar, check=True)
    return describe_tree(str(place), **options)


def is_listed(tar: bytes):
    """Whether nobody but the clock gave a directory its time."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        names = {os.path.normpath(info.name.strip("/")) for info in opened}
    return lambda path, mode: stat.S_ISDIR(mode) and (path or ".") not in names


# Trees


# GNU's format has no place for attributes.
TREES = [("pax", name) for name in PLAIN_TARS]
TREES += [("gnu", name) for name in PLAIN_TARS if name != "attributes"]
FORMATS = {"pax": tarfile.PAX_FORMAT, "gnu": tarfile.GNU_FORMAT}


@pytest.mark.parametrize(("form", "name"), TREES)
def test_tree_is_that_of_gnu_tar(store, tmp_path, name, form):
    format = FORMATS[form]
    tar = make_tar(PLAIN_TARS[name], format=format)
    ignore = is_listed(tar)
    expected = gnu_tree(tar, tmp_path / "gnu", ignore_time=ignore)
    found = look(store, add(store, tar), ignore_time=ignore)
    assert found == expected


def test_implied_directories_have_fixed_looks(store):
    tree = look(store, add(store, make_tar([member("a/b", b"x")])))
    assert tree["a"][:4] == ("0o40755", 0, 0, 0)
    assert tree[""][:4] == ("0o40755", 0, 0, 0)


@pytest.mark.parametrize("options", [("--format=gnu",), ("--format=pax", "--sparse-version=1.0")])
def test_sparse_files_have_their_holes(store, tmp_path, options):
    source = tmp_path / "source"
    source.mkdir()
    with (source / "sparse").open("wb") as file:
        for at in (0, 1 << 20, 5 << 20):
            file.seek(at)
            file.write(os.urandom(5000))
        file.truncate(9 << 20)
    (source / "plain").write_bytes(b"x" * 1000)
    tar = subprocess.run(
        ["tar", "-S", *options, "-C", source, "-cf", "-", "plain", "sparse"],
        check=True,
        capture_output=True,
    ).stdout
    assert len(tar) < 1 << 20
    expected = gnu_tree(tar, tmp_path / "gnu", ignore_time=lambda p, m: not p)
    assert look(store, add(store, tar), ignore_time=lambda p, m: not p) == expected


def test_a_tree_of_this_machine(store, tmp_path):
    tar = subprocess.run(
        ["tar", "-C", "/", "-cf", "-", "etc", "usr/share/perl5", "usr/sbin/tarcat"],
        capture_output=True,
    ).stdout
    ignore = is_listed(tar)
    expected = gnu_tree(tar, tmp_path / "gnu", ignore_time=ignore)
    assert len(expected) > 100
    assert look(store, add(store, tar), ignore_time=ignore) == expected


# Whiteouts


def test_whiteouts_become_overlays(store):
    tree = look(
        store,
        add(
            store,
            make_tar(
                [
                    directory("d"),
                    member("d/.wh.gone", uid=3, mtime=9),
                    directory("opaque"),
                    member("opaque/.wh..wh..opq"),
                    member("opaque/new", b"n"),
                    member(".wh..wh.plnk", b""),
                ]
            ),
        ),
    )
    assert tree["d/gone"][:4] == ("0o20000", 3, 0, 9 * 10**9)
    assert tree["d/gone"][6] == 0
    assert tree["d"][8] == {"trusted.overlay.origin": b""}
    assert tree["opaque"][8] == {"trusted.overlay.opaque": b"y"}
    assert set(tree) == {"", "d", "d/gone", "opaque", "opaque/new"}


@pytest.mark.parametrize("first", ["whiteout", "directory"])
def test_whiteout_beside_a_directory_makes_it_opaque(store, first):
    members = [member(".wh.d"), directory("d"), member("d/new", b"x")]
    if first == "directory":
        members = members[1:] + members[:1]
    tree = look(store, add(store, make_tar(members)))
    assert tree["d"][8] == {"trusted.overlay.opaque": b"y"}
    assert "d/new" in tree


@pytest.mark.parametrize("first", ["whiteout", "file"])
def test_whiteout_beside_a_file_leaves_the_file(store, first):
    members = [member(".wh.f"), member("f", b"stays")]
    if first == "file":
        members.reverse()
    assert look(store, add(store, make_tar(members)))["f"][0] == "0o100644"


def test_archives_cannot_set_overlays_attributes(store):
    tar = make_tar(
        [
            directory("d", xattrs={"trusted.overlay.redirect": b"/etc", "user.overlay.x": b"y"}),
            member("f", b"x", xattrs={"trusted.overlay.metacopy": b"", "user.ok": b"1"}),
        ]
    )
    tree = look(store, add(store, tar))
    assert tree["d"][8] == {}
    assert tree["f"][8] == {"user.ok": b"1"}


# Hostile and broken tars

HOSTILE = {
    "dot dot": [member("../x", b"x")],
    "dot dot inside": [member("a/../../x", b"x")],
    "hard link out": [hard_link("h", "../../etc/passwd")],
    "hard link to nothing": [hard_link("h", "absent")],
    "hard link to itself": [member("h", b"x"), hard_link("h", "h")],
    "hard link to a directory": [directory("d"), hard_link("h", "d")],
    "hard link to the root": [hard_link("h", "/")],
    "below a file": [member("f", b"x"), member("f/x", b"y")],
    "below a device": [member("p", type=tarfile.FIFOTYPE), member("p/x", b"y")],
    "link loop": [symlink("a", "b"), symlink("b", "a"), member("a/x", b"y")],
    "empty link": [symlink("a", "")],
    "long link": [symlink("a", "x" * 4096)],
    "long name": [member("n" * 256, b"x")],
    "long path": [member("d/" * 2048 + "x", b"x")],
    "root as a file": [member(".", b"x")],
    "negative size": [(tarfile.TarInfo("neg"), b"")],
    "link into a long name": [symlink("a", "n" * 300), member("a/x", b"y")],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_tar_is_refused_and_leaves_nothing(store, tmp_path, name):
    tar = make_tar(HOSTILE[name])
    if name == "negative size":
        header = tar[:124] + b"\xff" * 12 + b"0" * 12 + b" " * 8 + tar[156:512]
        tar = header[:148] + b"%06o\0 " % sum(header) + header[156:] + bytes(1024)
    with pytest.raises(BuduError) as info:
        add(store, tar)
    assert not isinstance(info.value, DataLoss)
    assert not store.has(Digest.of(tar))
    store.sweep()
    assert list((tmp_path / "layers" / "tmp").iterdir()) == []
    assert list((tmp_path / "layers" / "trash").iterdir()) == []


HARMLESS = {
    "absolute": ([member("/etc/x", b"1")], "etc/x"),
    "below a link": ([directory("r"), symlink("l", "r"), member("l/x", b"1")], "r/x"),
    "below a link up": ([symlink("l", "../../.."), member("l/x", b"1")], "x"),
    "below an absolute link": ([symlink("l", "/r/s"), member("l/x", b"1")], "r/s/x"),
    "through two links": ([symlink("a", "b"), symlink("b", "/c/.."), member("a/x", b"1")], "x"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_odd_paths_end_below_the_root(store, name):
    members, path = HARMLESS[name]
    assert path in look(store, add(store, make_tar(members)))


@pytest.mark.parametrize("cut", [1, 400, 600, 1400])
def test_truncated_tar_is_data_loss(store, cut):
    tar = make_tar([member("a", b"x" * 700), member("b", b"y" * 700)])[:-8192]
    with pytest.raises(DataLoss, match="unexpected EOF"):
        add(store, tar[: len(tar) // 2 + cut] if cut > 1000 else tar[:cut])


names = st.sampled_from(["a", "b", "a/b", "b/a", "a/b/c", "./a", "/b", "a/../b", "../a", "."])
members = st.one_of(
    st.builds(member, names, st.binary(max_size=600), mode=st.sampled_from([0o644, 0o4755])),
    st.builds(directory, names, mode=st.sampled_from([0o755, 0o1777]), mtime=st.just(5)),
    st.builds(symlink, names, st.sampled_from(["a", "b", "../b", "/a/b", "..", "c"])),
    st.builds(hard_link, names, names),
    st.builds(member, st.sampled_from([".wh.a", "a/.wh.b", "b/.wh..wh..opq", ".wh.b"])),
    st.builds(member, names, type=st.just(tarfile.FIFOTYPE)),
)


@pytest.mark.erofs
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(members, max_size=8))
def test_both_forms_agree_on_any_tar(tmp_path_factory, listed):
    root = tmp_path_factory.mktemp("agree")
    stores = [ErofsLayers(root / "erofs"), ExtractedLayers(root / "extracted")]
    tar = make_tar(listed)
    results = []
    try:
        for store in stores:
            try:
                results.append(look(store, add(store, tar)))
            except BuduError as error:
                results.append((type(error), error.message))
    finally:
        for store in stores:
            store.close()
        shutil.rmtree(root)
    assert results[0] == results[1]


# Life cycle


def test_life_of_a_layer(store):
    tar = make_tar([member("f", b"x")])
    diff_id = Digest.of(tar)
    for question in (store.size, store.lower, store.open_tar, store.remove):
        with pytest.raises(NotFound):
            question(diff_id)
    add(store, tar)
    assert store.has(diff_id)
    assert list(store.list()) == [diff_id]
    assert store.size(diff_id) == len(tar)
    assert store.lower(diff_id) == store.lower(diff_id)
    with os.fdopen(store.open_tar(diff_id), "rb") as file:
        assert file.read() == tar
    store.remove(diff_id)
    assert not store.has(diff_id)
    assert store.sweep() == 1


def test_unknown_layer_gets_its_diff_id_at_commit(store):
    tar = make_tar([member("f", b"x")])
    writer = store.begin(None)
    writer.write(tar)
    assert writer.commit().diff_id == Digest.of(tar)


def test_wrong_diff_id_is_data_loss(store):
    writer = store.begin(Digest.of(b"something else"))
    writer.write(make_tar([member("../hostile", b"x")]))
    with pytest.raises(DataLoss, match="wrong diff id calculated on extraction"):
        writer.commit()
    assert list(store.list()) == []


@pytest.mark.parametrize("name", PLAIN_TARS)
def test_sound_layer_is_sound(store, name, tmp_path):
    diff_id = add(store, make_tar(PLAIN_TARS[name]))
    assert store.check(diff_id)
    store.sweep()
    assert list((tmp_path / "layers" / "tmp").iterdir()) == []
    with pytest.raises(NotFound):
        store.check(Digest.of(b"nothing"))


DAMAGES = {
    "changed": lambda path: path.write_bytes(path.read_bytes()[:-1] + b"?"),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:700]),
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("part", ["tar", "content"])
def test_damage_is_found_and_replaced(store, tmp_path, part, damage):
    tar = make_tar([directory("d"), member("d/f", b"x" * 3000), symlink("s", "d")])
    diff_id = add(store, tar)
    before = look(store, diff_id)
    place = tmp_path / "layers" / "sha256" / diff_id.hex
    contents = (path for path in (place / "index.erofs", place / "tree" / "d" / "f"))
    path = place / "layer.tar" if part == "tar" else next(p for p in contents if p.exists())
    path.chmod(0o600)
    DAMAGES[damage](path)
    assert not store.check(diff_id)
    writer = store.begin(diff_id, replaces=True)
    writer.write(tar)
    writer.commit()
    assert store.check(diff_id)
    assert look(store, diff_id) == before


def test_aborted_layer_leaves_nothing(store, tmp_path):
    writer = store.begin(None)
    writer.write(make_tar([member("f", b"x" * 100_000)])[:50_000])
    writer.abort()
    writer.abort()
    store.sweep()
    assert list((tmp_path / "layers" / "tmp").iterdir()) == []
    assert list(store.list()) == []


def test_two_writers_of_one_layer_both_succeed(store):
    tar = make_tar([member("f", b"x")])
    writers = [store.begin(Digest.of(tar)) for _ in range(2)]
    for writer in writers:
        writer.write(tar)
    assert writers[0].commit() == writers[1].commit()
    assert "f" in look(store, Digest.of(tar))


def reopen(store: LayerStore, root: Path) -> LayerStore:
    store.close()
    return type(store)(root)


def test_layers_survive_a_restart(store, tmp_path):
    diff_id = add(store, make_tar([member("f", b"x")]))
    half = store.begin(None)
    half.write(bytes(100))
    half._tar.abandon()  # what a killed process leaves behind
    again = reopen(store, tmp_path / "layers")
    assert "f" in look(again, diff_id)
    assert list((tmp_path / "layers" / "tmp").iterdir()) == []
    again.close()


@pytest.mark.parametrize("damage", ["none", "tar", "rest"])
def test_unflushed_layers_are_verified_after_a_power_failure(store, tmp_path, damage):
    tar = make_tar([member("f", b"content")])
    place = tmp_path / "layers" / "sha256" / add(store, tar).hex
    (place / "unflushed").write_text("an earlier boot")
    if damage == "tar":
        (place / "layer.tar").chmod(0o600)
        (place / "layer.tar").write_bytes(tar[:600])
    if damage == "rest" and (place / INDEX).exists():
        (place / INDEX).write_bytes(b"")
    if damage == "rest" and (place / TREE).exists():
        (place / TREE / "f").write_bytes(b"")
    again = reopen(store, tmp_path / "layers")
    assert again.has(Digest.of(tar)) == (damage != "tar")
    if damage != "tar":
        root = f"/proc/self/fd/{again.lower(Digest.of(tar))}"
        assert Path(f"{root}/f").read_bytes() == b"content"
    again.close()


def test_flushed_layers_are_trusted(store, tmp_path):
    diff_id = add(store, make_tar([member("f", b"x")]))
    place = tmp_path / "layers" / "sha256" / diff_id.hex
    assert store.flush() == 1
    assert store.flush() == 0
    inode = (place / "layer.tar").stat().st_ino
    again = reopen(store, tmp_path / "layers")
    assert (place / "layer.tar").stat().st_ino == inode
    again.close()


@pytest.mark.erofs
def test_layers_of_one_form_serve_the_other(tmp_path):
    tar = make_tar(PLAIN_TARS["links"] + [member(".wh.x")])
    trees = []
    for first, second in ((ErofsLayers, ExtractedLayers), (ExtractedLayers, ErofsLayers)):
        root = tmp_path / first.__name__
        store = first(root)
        trees.append(look(store, add(store, tar)))
        store.close()
        store = second(root)
        trees.append(look(store, Digest.of(tar)))
        store.close()
    assert trees[0] == trees[1] == trees[2] == trees[3]


# Stacks

LOWER = make_tar(
    [
        directory("./", mode=0o711, mtime=1),
        directory("etc"),
        member("etc/passwd", b"root", mode=0o640, gid=42),
        member("etc/removed", b"x"),
        directory("opaque"),
        member("opaque/old", b"x"),
        directory("tree/sub"),
        member("tree/sub/file", b"x"),
    ]
)
UPPER = make_tar(
    [
        directory("etc"),
        member("etc/.wh.removed"),
        member("etc/new", b"new", mode=0o4755),
        directory("opaque"),
        member("opaque/.wh..wh..opq"),
        member("opaque/new", b"x"),
        directory("only here"),
        member("only here/.wh.never was"),
        member("only here/kept", b"x"),
    ]
)


@pytest.fixture(params=list(OverlayStyle), ids=lambda style: style.value)
def snapshots(request, store, tmp_path):
    return ContainerSnapshots(tmp_path / "containers", store, style=request.param)


@pytest.fixture
def rootfs(snapshots, store):
    """A container on two layers: its mount as a path."""
    stack = [add(store, LOWER), add(store, UPPER)]
    snapshots.prepare("c1", stack)
    fd = snapshots.mount("c1", stack)
    yield Path(f"/proc/self/fd/{fd}")
    os.close(fd)


def test_stack_shows_what_the_layers_say(rootfs):
    tree = describe_tree(str(rootfs))
    assert set(tree) == {
        "",
        "etc",
        "etc/passwd",
        "etc/new",
        "opaque",
        "opaque/new",
        "tree",
        "tree/sub",
        "tree/sub/file",
        "only here",
        "only here/kept",
    }
    assert tree["etc/new"][0] == "0o104755"
    assert tree[""][0] == "0o40755"


def test_container_changes_only_its_upper(rootfs, snapshots, store):
    with (rootfs / "etc/passwd").open("a") as file:
        file.write(":more")
    (rootfs / "etc/new").unlink()
    (rootfs / "etc/removed").write_text("back")
    (rootfs / "opaque/old").mkdir()
    shutil.rmtree(rootfs / "tree")
    (rootfs / "tree").mkdir()
    assert (rootfs / "etc/passwd").read_text() == "root:more"
    status = (rootfs / "etc/passwd").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_gid) == (0o640, 42)
    assert os.listdir(rootfs / "tree") == []
    upper = describe_tree(str(snapshots.upper_path("c1")))
    assert upper["etc/new"][0] == "0o20000"
    assert upper["tree"][8]["trusted.overlay.opaque"] == b"y"
    assert snapshots.usage("c1") == len("root:more") + len("back")
    assert (
        Path(f"/proc/self/fd/{store.lower(Digest.of(LOWER))}") / "etc/passwd"
    ).read_text() == "root"


def test_writes_survive_a_remount(snapshots, store):
    stack = [add(store, LOWER)]
    snapshots.prepare("c2", stack)
    for volatile in (True, True, False):
        fd = snapshots.mount("c2", stack, volatile=volatile)
        with Path(f"/proc/self/fd/{fd}/file").open("a") as file:
            file.write("x")
        os.close(fd)
    assert (snapshots.upper_path("c2") / "file").read_text() == "xxx"


def test_image_without_layers_is_an_empty_root(snapshots):
    snapshots.prepare("c3", [])
    fd = snapshots.mount("c3", [])
    assert os.listdir(f"/proc/self/fd/{fd}") == []
    Path(f"/proc/self/fd/{fd}/x").touch()
    os.close(fd)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_image_mount_is_read_only(snapshots, store, count):
    stack = [add(store, LOWER), add(store, UPPER)][:count]
    fd = snapshots.mount_image(stack)
    root = Path(f"/proc/self/fd/{fd}")
    assert (root / "etc/passwd").exists() == (count > 0)
    assert (root / "etc/removed").exists() == (count == 1)
    if count:
        with pytest.raises(OSError, match="Read-only"):
            (root / "x").touch()
    os.close(fd)


def test_many_layers_stack(snapshots, store):
    stack = [add(store, make_tar([member(f"f{number}", b"x")])) for number in range(60)]
    snapshots.prepare("c4", stack)
    fd = snapshots.mount("c4", stack)
    assert len(os.listdir(f"/proc/self/fd/{fd}")) == 60
    os.close(fd)


def test_layer_removed_under_a_running_container_still_serves_it(snapshots, store):
    diff_id = add(store, LOWER)
    snapshots.prepare("c5", [diff_id])
    fd = snapshots.mount("c5", [diff_id])
    store.remove(diff_id)
    assert Path(f"/proc/self/fd/{fd}/etc/passwd").read_text() == "root"
    os.close(fd)


# Unpacking as it arrives


def unpacker(store, content, blob, tar, *, media="application/vnd.oci.image.layer.v1.tar+gzip"):
    digest = Digest.of(blob)
    return LayerUnpacker(store, media, digest, Digest.of(tar), ingest=content.ingest(digest))


def test_layer_is_unpacked_while_it_arrives(store):
    content = MemoryContent()
    tar = make_tar([member(f"d/{number}", os.urandom(3000)) for number in range(300)])
    blob = gzip.compress(tar)
    unpacking = unpacker(store, content, blob, tar)
    for at in range(0, len(blob), 5000):
        unpacking.feed(blob[at : at + 5000])
    layer = unpacking.finish()
    assert (layer.diff_id, layer.size) == (Digest.of(tar), len(tar))
    assert content.read_blob(Digest.of(blob)) == blob
    assert len(look(store, layer.diff_id)) == 302


def test_interrupted_layer_goes_on_from_its_partial_blob(store):
    content = MemoryContent()
    tar = make_tar([member("f", os.urandom(300_000))])
    blob = gzip.compress(tar)
    first = unpacker(store, content, blob, tar)
    first.feed(blob[:100_000])
    first.abort()
    assert list(store.list()) == []
    second = unpacker(store, content, blob, tar)
    assert second.offset == 100_000
    second.feed(blob[100_000:])
    assert second.finish().diff_id == Digest.of(tar)


def test_hostile_layer_with_right_digests_is_refused(store):
    tar = make_tar([member("ok", b"x"), member("../x", b"x")])
    blob = gzip.compress(tar)
    unpacking = unpacker(store, MemoryContent(), blob, tar)
    unpacking.feed(blob)
    with pytest.raises(InvalidArgument, match="escapes"):
        unpacking.finish()
    assert list(store.list()) == []


def test_chosen_store_works(tmp_path, abilities):
    store = choose_layer_store(tmp_path / "chosen")
    assert isinstance(store, ErofsLayers) == abilities.erofs
    assert "f" in look(store, add(store, make_tar([member("f", b"x")])))
    store.close()
    assert sorted(path.name for path in (tmp_path / "chosen").iterdir()) == [
        "sha256",
        "tmp",
        "trash",
        "version",
    ]


def test_directories_of_containers_that_never_wrote_are_used_again(snapshots, store, tmp_path):
    stack = [add(store, LOWER)]
    for volatile in (False, True):
        snapshots.prepare("c6", stack)
        os.close(snapshots.mount("c6", stack, volatile=volatile))
        inode = snapshots.upper_path("c6").stat().st_ino
        snapshots.remove("c6")
        snapshots.prepare("c7", stack)
        assert snapshots.upper_path("c7").stat().st_ino == inode
        fd = snapshots.mount("c7", stack)
        Path(f"/proc/self/fd/{fd}/x").touch()
        os.close(fd)
        snapshots.remove("c7")
        assert snapshots.sweep() == 1
        assert snapshots.list() == ()

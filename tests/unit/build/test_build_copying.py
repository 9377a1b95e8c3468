"""COPY and ADD as layers: what Docker's documentation says of sources, targets and flags."""

from __future__ import annotations

import gzip
import os
import tarfile
from pathlib import Path

import pytest
from tests.support.layers import (
    archive,
    content,
    digest_of,
    layer_of,
    member,
    members,
    names,
    opened,
)

from budu.base.errors import BuduError, InvalidArgument, NotFound
from budu.build.copying import (
    MADE_NS,
    CopyPart,
    CopyPlan,
    copy_digest,
    resolve_owner,
    write_copies,
)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    root = tmp_path / "context"
    (root / "app/sub").mkdir(parents=True)
    (root / "app").chmod(0o750)
    (root / "app/main.py").write_text("main")
    (root / "app/sub/data.txt").write_text("data")
    (root / "app/link").symlink_to("/etc/shadow")
    (root / "home.txt").write_text("home")
    (root / "hom.md").write_text("hom")
    (root / "shortcut").symlink_to("/app/main.py")
    (root / "outside").symlink_to("../../../../../../etc/hostname")
    for path in [root, *root.rglob("*")]:
        os.utime(path, (1_000_000, 1_000_000), follow_symlinks=False)
    return root


@pytest.fixture
def image(tmp_path: Path) -> Path:
    root = tmp_path / "image"
    (root / "srv/old").mkdir(parents=True)
    (root / "srv").chmod(0o1777)
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nweb:x:33:34::/:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\nwww:x:44:\n")
    (root / "usr/lib").mkdir(parents=True)
    (root / "lib").symlink_to("usr/lib")
    (root / "data").symlink_to("/srv")
    (root / "file").write_text("file")
    return root


# Targets


def test_a_file_takes_the_name_of_the_target(context, image):
    assert names(layer_of(context, image, "home.txt", to="/srv/new.txt")) == ["srv", "srv/new.txt"]


def test_a_file_goes_into_a_target_with_a_slash(context, image):
    layer = layer_of(context, image, "home.txt", to="/opt/x/")
    assert names(layer) == ["opt", "opt/x", "opt/x/home.txt"]


def test_a_file_goes_into_a_folder_that_is_there(context, image):
    assert names(layer_of(context, image, "home.txt", to="/srv")) == ["srv", "srv/home.txt"]


def test_a_file_replaces_a_file(context, image):
    layer = layer_of(context, image, "home.txt", to="/file")
    assert content(layer, "file") == b"home"


def test_a_folder_gives_what_is_in_it_to_a_new_folder(context, image):
    layer = layer_of(context, image, "app", to="/new")
    assert names(layer) == ["new", "new/link", "new/main.py", "new/sub", "new/sub/data.txt"]
    assert members(layer)["new"].mode == 0o755


def test_a_folder_that_is_there_keeps_mode_and_time(context, image):
    os.utime(image / "srv", (5, 5))
    layer = layer_of(context, image, "app/", to="/srv")
    assert (members(layer)["srv"].mode, members(layer)["srv"].mtime) == (0o1777, 5)
    assert "srv/main.py" in names(layer)


def test_the_root_itself_is_a_member_so_that_it_keeps_its_mode(context, image):
    image.chmod(0o711)
    assert members(layer_of(context, image, "home.txt", to="/"))["."].mode == 0o711


def test_folders_on_the_way_are_made_for_the_owner(context, image):
    layer = layer_of(context, image, "home.txt", to="/a/b/c", owner=(7, 8), mtime_ns=9 * 10**9)
    made = members(layer)["a/b"]
    assert (made.mode, made.uid, made.gid, made.mtime) == (0o755, 7, 8, 9)


def test_what_is_made_on_the_way_has_a_fixed_time(context, image):
    layer = layer_of(context, image, "home.txt", to="/a/b")
    assert members(layer)["a"].mtime == MADE_NS // 10**9


@pytest.mark.parametrize(
    ("mode", "made"), [("644", 0o755), ("700", 0o700), ("4750", 0o750), ("u=r,go=", 0o755)]
)
def test_folders_on_the_way_can_be_entered_by_those_who_may_read(context, image, mode, made):
    assert members(layer_of(context, image, "home.txt", to="/a/b", mode=mode))["a"].mode == made


def test_dots_in_the_target_mean_names_and_not_links(context, image):
    assert names(layer_of(context, image, "home.txt", to="/lib/../x")) == ["x"]


def test_links_in_the_target_lead_to_what_is_below_its_root(context, image):
    (image / "up").symlink_to("../../../srv")
    assert names(layer_of(context, image, "home.txt", to="/lib/x")) == [
        "usr",
        "usr/lib",
        "usr/lib/x",
    ]
    assert names(layer_of(context, image, "home.txt", to="/data")) == ["srv", "srv/home.txt"]
    assert names(layer_of(context, image, "home.txt", to="/up/")) == ["srv", "srv/home.txt"]


def test_a_dangling_link_as_target_is_made_where_it_leads(context, image):
    (image / "soon").symlink_to("/later/there")
    assert names(layer_of(context, image, "home.txt", to="/soon")) == ["later", "later/there"]


def test_a_loop_of_links_in_the_target_ends(context, image):
    (image / "one").symlink_to("two")
    (image / "two").symlink_to("one")
    with pytest.raises(InvalidArgument, match="too many levels of symbolic links"):
        layer_of(context, image, "home.txt", to="/one/x")


def test_without_a_target_everything_on_the_way_is_new(context):
    assert names(layer_of(context, None, "home.txt", to="/tmp/x")) == ["tmp", "tmp/x"]


def test_a_folder_never_replaces_a_file_nor_a_link(context, image):
    (context / "app/lib").mkdir()
    with pytest.raises(InvalidArgument, match="COPY failed: cannot copy to non-directory: /file"):
        layer_of(context, image, "app", to="/file")
    with pytest.raises(InvalidArgument, match="COPY failed: cannot copy to non-directory: /lib"):
        layer_of(context, image, "app", to="/")


def test_a_file_never_replaces_a_folder(context, image):
    (context / "app/old").write_text("")
    with pytest.raises(InvalidArgument, match="cannot replace to directory /srv/old with file"):
        layer_of(context, image, "app", to="/srv")


# Sources


def test_a_link_that_is_the_source_is_followed_inside_the_root(context, image):
    layer = layer_of(context, image, "shortcut", to="/x/")
    assert content(layer, "x/shortcut") == b"main"


def test_a_link_below_the_source_stays_a_link(context, image):
    link = members(layer_of(context, image, "app", to="/x"))["x/link"]
    assert (link.issym(), link.linkname) == (True, "/etc/shadow")


@pytest.mark.parametrize("source", ["outside", "../../../etc/hostname", "/../etc/hostname"])
def test_no_source_leads_out_of_the_root(context, image, source):
    with pytest.raises(NotFound):
        layer_of(context, image, source, to="/x")


def test_dots_that_would_lead_out_end_at_the_root(context, image):
    assert names(layer_of(context, image, "../../home.txt", to="/srv/")) == ["srv", "srv/home.txt"]


@pytest.mark.parametrize("source", ["missing", "/missing", "./missing"])
def test_a_source_that_is_missing_has_the_sentence_of_docker(context, image, source):
    with pytest.raises(NotFound) as refusal:
        layer_of(context, image, source, to="/x")
    assert refusal.value.message == (
        "COPY failed: file not found in build context or excluded by .dockerignore: "
        "stat missing: file does not exist"
    )


def test_of_a_stage_the_sentence_does_not_speak_of_a_context(context, image):
    with pytest.raises(NotFound) as refusal:
        layer_of(context, image, "home.txt/x", to="/x", is_context=False, instruction="ADD")
    assert refusal.value.message == "ADD failed: stat home.txt/x: file does not exist"


def test_wildcards_stand_for_names(context, image):
    layer = layer_of(context, image, "hom*", to="/x/")
    assert names(layer) == ["x", "x/hom.md", "x/home.txt"]
    assert names(layer_of(context, image, "*/sub", to="/x/")) == ["x", "x/data.txt"]
    assert names(layer_of(context, image, "a??/[l-m]*.py", to="/x")) == ["x"]


def test_wildcards_do_not_go_through_links(context, image):
    (context / "elsewhere").symlink_to("app")
    layer = layer_of(context, image, "*/main.py", to="/x/")
    assert names(layer) == ["x", "x/main.py"]


def test_wildcards_that_match_nothing_copy_nothing(context, image):
    assert names(layer_of(context, image, "*.none", to="/x/")) == []
    assert names(layer_of(context, image, "*.none", "hom.md", to="/x/")) == ["x", "x/hom.md"]


def test_a_broken_pattern_is_refused(context, image):
    with pytest.raises(InvalidArgument, match="COPY failed: syntax error in pattern"):
        layer_of(context, image, "a[", to="/x/")


def test_several_sources_need_a_target_with_a_slash(context, image):
    sentence = (
        "When using COPY with more than one source file, the destination must be a directory "
        "and end with a /"
    )
    for sources in (("home.txt", "hom.md"), ("hom*",)):
        with pytest.raises(InvalidArgument) as refusal:
            layer_of(context, image, *sources, to="/x")
        assert refusal.value.message == sentence
    assert len(names(layer_of(context, image, "hom*", to="/srv"))) == 3


def test_the_last_source_of_a_name_wins(context, image):
    (context / "other").mkdir()
    (context / "other/home.txt").write_text("other")
    layer = layer_of(context, image, "home.txt", "other/home.txt", to="/x/")
    assert content(layer, "x/home.txt") == b"other"


def test_a_name_that_would_hide_files_is_refused(context, image):
    (context / "app/.wh.passwd").write_text("")
    with pytest.raises(InvalidArgument, match=r"no file of an image begins with \.wh\."):
        layer_of(context, image, "app", to="/etc")
    assert layer_of(context, image, "app", to="/etc", excludes=(".wh.*",))


def test_hard_links_stay_within_one_source(context, image):
    os.link(context / "app/main.py", context / "app/same.py")
    assert members(layer_of(context, image, "app", to="/x"))["x/same.py"].islnk()
    layer = layer_of(context, image, "app/main.py", "app/same.py", to="/x/")
    assert not members(layer)["x/same.py"].islnk()


def test_fifos_are_described_and_never_read(context, image):
    os.mkfifo(context / "app/fifo")
    assert members(layer_of(context, image, "app", to="/x"))["x/fifo"].isfifo()
    assert members(layer_of(context, image, "app/fifo", to="/x"))["x"].isfifo()


# Attributes


def test_files_of_a_context_belong_to_root_and_keep_mode_and_time(context, image):
    (context / "home.txt").chmod(0o4751)
    os.utime(context / "home.txt", ns=(1, 1_500_000_000))
    made = members(layer_of(context, image, "home.txt", to="/x"))["x"]
    assert (made.uid, made.gid, made.mode, made.mtime) == (0, 0, 0o4751, 1.5)


def test_owner_and_mode_go_to_everything_but_links(context, image):
    layer = members(layer_of(context, image, "app", to="/x", owner=(3, 4), mode="u=rwX,go=rX"))
    assert {(each.uid, each.gid) for name, each in layer.items() if name != "."} == {(3, 4)}
    assert {name: oct(each.mode) for name, each in layer.items() if name != "."} == {
        "x": "0o755",
        "x/link": "0o777",
        "x/main.py": "0o644",
        "x/sub": "0o755",
        "x/sub/data.txt": "0o644",
    }


def test_documents_become_files(context, image):
    layer = layer_of(
        context, image, to="/x/", files=(("a.sh", b"echo"), ("b", b"")), mode="755", owner=(1, 2)
    )
    assert content(layer, "x/a.sh") == b"echo"
    assert (members(layer)["x/b"].mode, members(layer)["x/b"].uid) == (0o755, 1)
    assert names(layer_of(context, image, to="/srv/one", files=(("EOF", b"1"),))) == [
        "srv",
        "srv/one",
    ]


# Excludes and parents


def test_excludes_are_relative_to_what_is_copied(context, image):
    layer = layer_of(context, image, "app", to="/x", excludes=("sub", "*.py"))
    assert names(layer) == ["x", "x/link"]


def test_excludes_hold_for_what_wildcards_match(context, image):
    layer = layer_of(context, image, "hom*", to="/x/", excludes=("*.txt",))
    assert names(layer) == ["x", "x/hom.md"]


def test_a_folder_that_is_left_out_appears_for_what_is_kept_in_it(context, image):
    (context / "app/sub").chmod(0o700)
    layer = layer_of(context, image, "app", to="/x", excludes=("*", "!sub/data.txt"))
    assert names(layer) == ["x", "x/sub", "x/sub/data.txt"]
    assert members(layer)["x/sub"].mode == 0o700


def test_parents_are_kept(context, image):
    layer = layer_of(context, image, "./app/sub/data.txt", "hom.md", to="/x", parents=True)
    assert names(layer) == ["x", "x/app", "x/app/sub", "x/app/sub/data.txt", "x/hom.md"]
    assert members(layer)["x/app"].mode == 0o750


def test_parents_begin_behind_the_pivot(context, image):
    layer = layer_of(context, image, "app/./sub/*.txt", to="/x/", parents=True)
    assert names(layer) == ["x", "x/sub", "x/sub/data.txt"]


def test_parents_take_any_depth_of_folders(context, image):
    layer = layer_of(context, image, "**/*.txt", to="/x/", parents=True, excludes=("home*",))
    assert names(layer) == ["x", "x/app", "x/app/sub", "x/app/sub/data.txt"]


def test_parents_of_what_is_missing_are_refused(context, image):
    with pytest.raises(NotFound, match="stat app/none: file does not exist"):
        layer_of(context, image, "app/none", to="/x/", parents=True)
    assert names(layer_of(context, image, "app/*.none", to="/x/", parents=True)) == []


def test_parents_keep_folders_of_the_target_as_they_are(context, image):
    layer = layer_of(context, image, "app/./sub/data.txt", to="/srv/", parents=True)
    assert members(layer)["srv"].mode == 0o1777


# Archives


def test_archives_are_known_by_their_content(context, image):
    (context / "a.txt").write_bytes(gzip.compress(archive(("in/file", b"1"))))
    (context / "b.tar.gz").write_bytes(gzip.compress(b"no archive"))
    layer = layer_of(context, image, "a.txt", "b.tar.gz", to="/x/", unpacks=True)
    assert names(layer) == ["x", "x/in", "x/in/file", "x/b.tar.gz"]


def test_without_unpacking_an_archive_is_a_file(context, image):
    (context / "a.tar").write_bytes(archive(("f", b"")))
    assert names(layer_of(context, image, "a.tar", to="/x/")) == ["x", "x/a.tar"]


def test_archives_within_a_folder_stay_files(context, image):
    (context / "app/a.tar").write_bytes(archive(("f", b"")))
    assert "x/a.tar" in names(layer_of(context, image, "app", to="/x/", unpacks=True))


def test_members_keep_owners_unless_one_is_given(context, image):
    info = member("dir", tarfile.DIRTYPE, uid=5, gid=6, mode=0o700, mtime=7)
    (context / "a.tar").write_bytes(archive(info))
    made = members(layer_of(context, image, "a.tar", to="/", unpacks=True))["dir"]
    assert (made.uid, made.gid, made.mode, made.mtime) == (5, 6, 0o700, 7)
    layer = layer_of(context, image, "a.tar", to="/", unpacks=True, owner=(1, 2))
    assert (members(layer)["dir"].uid, members(layer)["dir"].gid) == (1, 2)


def test_members_land_where_links_of_the_target_and_of_the_archive_lead(context, image):
    (context / "a.tar").write_bytes(
        archive(
            ("lib/libc.so", b"c"),
            member("jump", tarfile.SYMTYPE, linkname="../../../etc"),
            ("jump/motd", b"m"),
            member("same", tarfile.LNKTYPE, linkname="lib/libc.so"),
        )
    )
    layer = layer_of(context, image, "a.tar", to="/", unpacks=True)
    assert {"usr/lib/libc.so", "etc/motd"} <= set(names(layer))
    assert members(layer)["same"].linkname == "usr/lib/libc.so"
    below = names(layer_of(context, image, "a.tar", to="/x", unpacks=True))
    assert {"x/lib/libc.so", "x/etc/motd"} <= set(below)


@pytest.mark.parametrize(
    "entries",
    [
        (("../out", b""),),
        (member("hard", tarfile.LNKTYPE, linkname="/etc/shadow"),),
        (member("hard", tarfile.LNKTYPE, linkname="../../etc/shadow"),),
        ((".wh.passwd", b""),),
        (("a", b""), ("a/b", b"")),
    ],
)
def test_hostile_members_are_refused(context, image, entries):
    (context / "a.tar").write_bytes(archive(*entries))
    with pytest.raises(InvalidArgument, match="ADD failed: "):
        layer_of(context, image, "a.tar", to="/x", unpacks=True, instruction="ADD")


def test_a_member_replaces_what_is_there(context, image):
    (context / "a.tar").write_bytes(
        archive(("srv/old", b"now a file"), member("file", tarfile.DIRTYPE, mode=0o755))
    )
    layer = members(layer_of(context, image, "a.tar", to="/", unpacks=True))
    assert layer["srv/old"].isfile()
    assert layer["file"].isdir()


# Digests


def change_content(context: Path) -> None:
    (context / "app/sub/data.txt").write_text("else")


def change_mode(context: Path) -> None:
    (context / "app/sub/data.txt").chmod(0o600)


def change_name(context: Path) -> None:
    (context / "app/main.py").rename(context / "app/main2.py")


def change_link(context: Path) -> None:
    (context / "app/link").unlink()
    (context / "app/link").symlink_to("elsewhere")


def add_folder(context: Path) -> None:
    (context / "app/empty").mkdir()


@pytest.mark.parametrize(
    "change", [change_content, change_mode, change_name, change_link, add_folder]
)
def test_a_digest_tells_what_changed(context, change):
    before = digest_of(context, "app", to="/x")
    change(context)
    assert digest_of(context, "app", to="/x") != before


def test_a_digest_tells_nothing_of_times_nor_of_what_is_not_copied(context):
    before = digest_of(context, "app", to="/x", excludes=("sub",))
    os.utime(context / "app/main.py")
    os.utime(context / "app")
    change_content(context)
    (context / "new").write_text("new")
    assert digest_of(context, "./app/", to="/x", excludes=("sub",)) == before


@pytest.mark.parametrize(
    "other",
    [
        {"to": "/y"},
        {"to": "/x", "owner": (1, 1)},
        {"to": "/x", "mode": "700"},
        {"to": "/x", "excludes": ("main.py",)},
        {"to": "/x", "unpacks": True},
    ],
)
def test_a_digest_tells_what_was_asked(context, other):
    assert digest_of(context, "app", **other) != digest_of(context, "app", to="/x")


def test_a_digest_of_many_matches_does_not_need_to_know_the_target(context):
    assert digest_of(context, "hom*", to="/srv").startswith("sha256:")


def test_the_same_sources_make_the_same_bytes(context, image, tmp_path):
    copy = tmp_path / "copy"
    os.system(f"cp -a {context} {copy}")
    first = layer_of(context, image, "app", "hom*", to="/x/")
    assert layer_of(copy, image, "app", "hom*", to="/x/") == first


def test_no_time_is_later_than_the_latest(context, image):
    info = member("dir", tarfile.DIRTYPE, mtime=7)
    (context / "a.tar").write_bytes(archive(info))
    os.utime(context / "home.txt", (3, 3))
    files = {"unpacks": True, "files": (("EOF", b""),), "latest_ns": 5 * 10**9}
    layer = members(layer_of(context, image, "a.tar", "app", "home.txt", to="/x/", **files))
    del layer["."]
    assert layer.pop("x/home.txt").mtime == 3
    assert {each.mtime for each in layer.values()} == {5}


def test_several_trees_become_one_layer(context, image, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "download").write_text("d")
    out: list[bytes] = []
    with opened(context) as one, opened(other) as two, opened(image) as below:
        parts = [
            CopyPart(source_root=one, plan=CopyPlan(sources=("home.txt",), target="/x/")),
            CopyPart(source_root=two, plan=CopyPlan(sources=("download",), target="/x/")),
        ]
        write_copies(parts, below, out.append)
    assert names(b"".join(out)) == ["x", "x/home.txt", "x/download"]


# Errors and ends


def test_a_sink_that_raises_ends_the_writing(context, image):
    def full(_: bytes) -> None:
        raise BuduError("full")

    with opened(context) as root, pytest.raises(BuduError, match="full"):
        plan = CopyPlan(sources=("app",), target="/x")
        write_copies((CopyPart(source_root=root, plan=plan),), None, full)


def test_no_descriptor_stays_open(context, image):
    (context / "a.tar").write_bytes(archive(("f", b"1")))
    before = len(os.listdir("/proc/self/fd"))
    layer_of(context, image, "app", "hom*", "a.tar", to="/srv/", unpacks=True)
    with opened(context) as root, pytest.raises(NotFound):
        copy_digest(root, CopyPlan(sources=("app", "none"), target="/x/"))
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web", (33, 34)),
        ("web:www", (33, 44)),
        ("web:5", (33, 5)),
        ("33", (33, 33)),
        ("1000:2000", (1000, 2000)),
        ("1000:www", (1000, 44)),
        ("0", (0, 0)),
    ],
)
def test_owners_are_looked_up_in_the_target(image, text, expected):
    with opened(image) as root:
        assert resolve_owner(root, text) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "nobody",
            "unable to convert uid/gid chown string to host mapping: can't find uid for user "
            "nobody: no such user: nobody",
        ),
        (
            "web:none",
            "unable to convert uid/gid chown string to host mapping: can't find gid for group "
            "none: no such group: none",
        ),
        (
            "a:b:c",
            "unable to convert uid/gid chown string to host mapping: invalid chown string "
            "format: a:b:c",
        ),
    ],
)
def test_owners_that_nobody_knows_are_refused(image, text, sentence):
    with opened(image) as root, pytest.raises(InvalidArgument) as refusal:
        resolve_owner(root, text)
    assert refusal.value.message == sentence


def test_numbers_need_no_target():
    assert resolve_owner(None, "3:4") == (3, 4)

"""`-v`, `--mount`, `--tmpfs` and VOLUME lines as a container's mounts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budu.base.errors import InvalidArgument
from budu.engine.containers.model import Mount, MountKind
from budu.engine.containers.mounts import parse_bind, plan_mounts
from budu.spec.api.host_config import (
    BindOptions,
    HostConfig,
    ImageOptions,
    TmpfsOptions,
    VolumeOptions,
)
from budu.spec.api.host_config import Mount as ApiMount

SEGMENT = st.text(alphabet="abcXYZ019._-", min_size=1, max_size=8).filter(
    lambda text: text.strip(".") != ""
)
PATH = st.lists(SEGMENT, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))


def bind(source: str, destination: str, **changes: object) -> Mount:
    values: dict[str, object] = {
        "kind": MountKind.BIND,
        "source": source,
        "destination": destination,
        "propagation": "rprivate",
        "options": ("create-source",),
        **changes,
    }
    return Mount(**values)  # type: ignore[arg-type]


def volume(name: str, destination: str, **changes: object) -> Mount:
    values: dict[str, object] = {
        "kind": MountKind.VOLUME,
        "name": name,
        "destination": destination,
        "mode": "z",
        **changes,
    }
    return Mount(**values)  # type: ignore[arg-type]


def anonymous(destination: str) -> Mount:
    return Mount(kind=MountKind.VOLUME, destination=destination, anonymous=True)


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("/data", anonymous("/data")),
        ("/srv:/data", bind("/srv", "/data")),
        ("/srv/:/data/", bind("/srv", "/data")),
        ("/srv/../etc:/a/./b", bind("/etc", "/a/b")),
        ("/srv:/data:", bind("/srv", "/data")),
        ("/srv:/data:ro", bind("/srv", "/data", read_only=True, mode="ro")),
        ("/srv:/data:rw,Z", bind("/srv", "/data", mode="rw,Z")),
        ("/srv:/data:rslave", bind("/srv", "/data", propagation="rslave", mode="rslave")),
        ("/srv:/data:cached", bind("/srv", "/data", mode="cached")),
        ("pg:/data", volume("pg", "/data")),
        ("pg:/data:ro", volume("pg", "/data", read_only=True, mode="ro")),
        ("pg:/data:nocopy", volume("pg", "/data", no_copy=True, mode="nocopy")),
    ],
)
def test_bind_text_means(text: str, mount: Mount) -> None:
    assert parse_bind(text) == mount


SPEC = "invalid volume specification: '{}'"
ROOT = "invalid specification: destination can't be '/'"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", SPEC),
        (":/data", SPEC),
        ("/srv:", SPEC),
        ("/a:/b:ro:x", SPEC),
        ("/data:ro", SPEC),
        ("pg:rw,z", SPEC),
        ("/srv:/data:wrong", "invalid mode: wrong"),
        ("/srv:/data:ro,rw", "invalid mode: ro,rw"),
        ("/srv:/data:z,Z", "invalid mode: z,Z"),
        ("/srv:/data:shared,slave", "invalid mode: shared,slave"),
        ("/srv:/data:cached,delegated", "invalid mode: cached,delegated"),
        ("/srv:/", SPEC + f': invalid mount config for type "bind": {ROOT}'),
        ("pg:/", SPEC + f': invalid mount config for type "volume": {ROOT}'),
        ("/", SPEC + f': invalid mount config for type "volume": {ROOT}'),
        ("/srv:/a/..", SPEC + f': invalid mount config for type "bind": {ROOT}'),
        (
            "/srv:data",
            SPEC + ': invalid mount config for type "bind": invalid mount path: '
            "'data' mount path must be absolute",
        ),
        (
            "/srv:/data:nocopy",
            SPEC + ': invalid mount config for type "bind": field VolumeOptions must not be '
            "specified",
        ),
        (
            "pg:/data:rshared",
            SPEC + ': invalid mount config for type "volume": field BindOptions must not be '
            "specified",
        ),
    ],
)
def test_malformed_bind_text_is_refused_in_dockers_words(text: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_bind(text)
    assert caught.value.message == message.format(text)


@given(source=PATH, destination=PATH, mode=st.sampled_from(["", ":ro", ":rw", ":z,ro"]))
def test_absolute_pair_is_always_a_bind(source: str, destination: str, mode: str) -> None:
    mount = parse_bind(f"{source}:{destination}{mode}")
    assert (mount.kind, mount.source, mount.destination) == (MountKind.BIND, source, destination)
    assert mount.read_only == ("ro" in mode)


@given(st.text(max_size=30))
def test_any_text_is_a_mount_or_refused(text: str) -> None:
    try:
        mount = parse_bind(text)
    except InvalidArgument:
        return
    assert mount.destination.startswith("/") and mount.destination != "/"


def plan(*image_volumes: str, **host: object) -> list[Mount]:
    return list(plan_mounts(HostConfig(**host), image_volumes))  # type: ignore[arg-type]


def test_image_volume_becomes_an_anonymous_volume() -> None:
    assert plan("/data/") == [anonymous("/data")]


def test_bind_takes_the_place_of_an_image_volume() -> None:
    assert plan("/data", binds=["pg:/data"]) == [volume("pg", "/data")]


def test_tmpfs_takes_the_place_of_an_image_volume() -> None:
    (mount,) = plan("/data", tmpfs={"/data": "size=1m"})
    assert mount.kind is MountKind.TMPFS


def test_parents_come_before_children() -> None:
    mounts = plan(binds=["/x:/a/b/c", "/x:/a", "/x:/a-b", "/x:/a/b"])
    assert [each.destination for each in mounts] == ["/a", "/a/b", "/a/b/c", "/a-b"]


@pytest.mark.parametrize(
    "host",
    [
        {"binds": ["/a:/x", "/b:/x/"]},
        {"binds": ["/a:/x"], "mounts": [ApiMount(type="volume", target="/x")]},
        {"binds": ["/a:/x"], "tmpfs": {"/x": ""}},
    ],
)
def test_two_mounts_at_one_place_are_refused(host: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument, match=r"^Duplicate mount point: /x$"):
        plan(**host)


def test_tmpfs_options_are_kept_in_order() -> None:
    (mount,) = plan(tmpfs={"/run": "ro,size=64m,,exec"})
    assert (mount.options, mount.read_only) == (("ro", "size=64m", "exec"), True)


def test_tmpfs_options_that_no_kernel_knows_are_refused() -> None:
    (mount,) = plan(tmpfs={"/run": "size=1m,mode=1777,nr_inodes=5,nosuid,rshared,noswap"})
    assert mount.kind is MountKind.TMPFS
    with pytest.raises(InvalidArgument) as caught:
        plan(tmpfs={"/run": "size=1m,odd=2"})
    assert caught.value.message == 'invalid tmpfs option ["odd=2"]'


@pytest.mark.parametrize(
    ("destination", "message"),
    [
        ("/", ROOT),
        ("run", "invalid mount path: 'run' mount path must be absolute"),
    ],
)
def test_tmpfs_destination_is_checked(destination: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        plan(tmpfs={destination: ""})
    assert caught.value.message == message


def explicit(**fields: object) -> Mount:
    (mount,) = plan(mounts=[ApiMount(**fields)])  # type: ignore[arg-type]
    return mount


def test_mount_of_type_bind_does_not_make_its_source() -> None:
    assert explicit(type="bind", source="/srv", target="/data").options == ()


def test_mount_of_type_bind_may_ask_for_its_source() -> None:
    options = BindOptions(create_mountpoint=True)
    mount = explicit(type="bind", source="/srv", target="/data", bind_options=options)
    assert mount.options == ("create-source",)


def test_mount_of_type_volume_without_a_source_is_anonymous() -> None:
    assert explicit(type="volume", target="/data").anonymous


def test_mount_of_type_volume_keeps_its_subpath() -> None:
    options = VolumeOptions(subpath="a/b", no_copy=True)
    mount = explicit(type="volume", source="pg", target="/data", volume_options=options)
    assert (mount.name, mount.subpath, mount.no_copy) == ("pg", "a/b", True)


def test_mount_of_type_tmpfs_becomes_mount_words() -> None:
    options = TmpfsOptions(size_bytes=1 << 20, mode=0o1777, options=[["exec"]])
    mount = explicit(type="tmpfs", target="/run", read_only=True, tmpfs_options=options)
    assert mount.options == ("ro", "size=1048576", "mode=1777", "exec")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"type": "bind", "source": "/a"}, "field Target must not be empty"),
        ({"type": "bind", "target": "/x"}, "field Source must not be empty"),
        ({"type": "bind", "source": "/a", "target": "/"}, ROOT),
        (
            {"type": "bind", "source": "a", "target": "/x"},
            "invalid mount path: 'a' mount path must be absolute",
        ),
        (
            {"type": "volume", "target": "x"},
            "invalid mount path: 'x' mount path must be absolute",
        ),
        (
            {
                "type": "bind",
                "source": "/a",
                "target": "/x",
                "bind_options": BindOptions(propagation="odd"),
            },
            "invalid propagation mode: odd",
        ),
        (
            {"type": "bind", "source": "/a", "target": "/x", "volume_options": VolumeOptions()},
            "field VolumeOptions must not be specified",
        ),
        (
            {"type": "volume", "target": "/x", "bind_options": BindOptions()},
            "field BindOptions must not be specified",
        ),
        (
            {"type": "volume", "target": "/x", "read_only": True},
            "must not set ReadOnly mode when using anonymous volumes",
        ),
        (
            {"type": "volume", "target": "/x", "volume_options": VolumeOptions(subpath="a")},
            "must not set Subpath when using anonymous volumes",
        ),
        (
            {
                "type": "volume",
                "source": "v",
                "target": "/x",
                "volume_options": VolumeOptions(subpath="a/../../b"),
            },
            "subpath must be a relative path within the volume",
        ),
        ({"type": "tmpfs", "source": "a", "target": "/x"}, "field Source must not be specified"),
        (
            {"type": "tmpfs", "target": "/x", "tmpfs_options": TmpfsOptions(options=[["dev"]])},
            "invalid option: dev",
        ),
        ({"type": "odd", "target": "/x"}, "mount type unknown"),
    ],
)
def test_malformed_mount_is_refused_in_dockers_words(
    fields: dict[str, object], reason: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        explicit(**fields)
    assert caught.value.message == f'invalid mount config for type "{fields["type"]}": {reason}'


def test_mount_of_type_image_is_read_only() -> None:
    api = ApiMount(
        type="image", source="busybox", target="/i", image_options=ImageOptions(subpath="etc")
    )
    (mount,) = plan_mounts(HostConfig(mounts=[api]), ())
    assert mount == Mount(
        kind=MountKind.IMAGE,
        destination="/i",
        name="busybox",
        read_only=True,
        propagation="rprivate",
        subpath="etc",
    )


@pytest.mark.parametrize(
    ("mount", "message"),
    [
        (
            ApiMount(type="image", target="/i"),
            'invalid mount config for type "image": field Source must not be empty',
        ),
        (
            ApiMount(
                type="image", source="i", target="/i", image_options=ImageOptions(subpath="../x")
            ),
            'invalid mount config for type "image": subpath must be a relative path within the '
            "volume",
        ),
        (
            ApiMount(type="tmpfs", target="/i", volume_options=VolumeOptions()),
            'invalid mount config for type "tmpfs": field VolumeOptions must not be specified',
        ),
        (
            ApiMount(
                type="bind",
                source="/",
                target="/i",
                bind_options=BindOptions(read_only_force_recursive=True),
            ),
            "mount options conflict: !ReadOnly && BindOptions.ReadOnlyForceRecursive",
        ),
        (
            ApiMount(
                type="bind",
                source="/",
                target="/i",
                read_only=True,
                bind_options=BindOptions(
                    read_only_force_recursive=True, read_only_non_recursive=True
                ),
            ),
            "mount options conflict: ReadOnlyNonRecursive && BindOptions.ReadOnlyForceRecursive",
        ),
    ],
)
def test_mount_with_wrong_options_is_refused(mount: ApiMount, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        plan_mounts(HostConfig(mounts=[mount]), ())
    assert caught.value.message == message


def test_mine_is_for_binds() -> None:
    assert parse_bind("/src:/dst:mine").mine
    with pytest.raises(InvalidArgument):
        parse_bind("data:/dst:mine")

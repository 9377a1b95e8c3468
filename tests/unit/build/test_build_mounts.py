"""Values of `RUN --mount`."""

import pytest

from budu.base.errors import InvalidArgument
from budu.build.mounts import RunMount, RunMountKind, mount_origin, parse_mount

BIND, CACHE = RunMountKind.BIND, RunMountKind.CACHE


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("target=/x", RunMount(target="/x", is_read_only=True, id="x")),
        (
            "type=bind,src=a,dst=/x,from=tools,rw",
            RunMount(target="/x", source="a", origin="tools", id="a"),
        ),
        ("target=/x,ro=false", RunMount(target="/x", id="x")),
        ("target=/x,rw=false", RunMount(target="/x", is_read_only=True, id="x")),
        (
            "type=cache,target=/root/.cache/",
            RunMount(kind=CACHE, target="/root/.cache/", id="/root/.cache"),
        ),
        (
            "type=cache,id=go,sharing=locked,destination=/c,uid=5,gid=6,mode=0700,readonly",
            RunMount(
                kind=CACHE,
                target="/c",
                id="go",
                sharing="locked",
                uid=5,
                gid=6,
                mode=0o700,
                is_read_only=True,
            ),
        ),
        (
            "type=tmpfs,target=/t,size=2m",
            RunMount(kind=RunMountKind.TMPFS, target="/t", size=2 << 20, id="t"),
        ),
        (
            "type=secret,id=s,required,env=S",
            RunMount(kind=RunMountKind.SECRET, id="s", is_required=True, env="S"),
        ),
        ("type=ssh", RunMount(kind=RunMountKind.SSH)),
    ],
)
def test_a_mount_is_read(text: str, mount: RunMount) -> None:
    assert parse_mount(text) == mount


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("type=nfs,target=/x", 'unsupported mount type "nfs"'),
        ("type=cache", "invalid mount: target is required"),
        ("type=bind", "invalid mount: target is required"),
        ("target=/x,colour=red", "unexpected key 'colour' in 'colour=red'"),
        ("target=/x,colour", "invalid field 'colour' must be a key=value pair"),
        ("target=/x,ro=maybe", "invalid value for ro: maybe"),
        ("type=cache,target=/x,uid=me", "invalid value me for uid"),
        ("type=cache,target=/x,mode=9", "invalid value 9 for mode"),
        ("type=cache,target=/x,sharing=all", 'unsupported sharing value "all"'),
        ("target=/x,sharing=locked", "invalid cache sharing set for bind mount"),
        ("target=/x,env=A", "'env' field can't be used with mount type 'bind'"),
        ("type=secret", "invalid secret mount: one of source, target required"),
        ("type=tmpfs,target=/x,size=big", "invalid size: 'big'"),
    ],
)
def test_what_is_wrong_is_named(text: str, sentence: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        parse_mount(text)
    assert refusal.value.message == sentence


def test_the_origin_is_told_before_variables_are_known() -> None:
    assert mount_origin("type=bind,from=tools,uid=$UID") == "tools"
    assert mount_origin("target=/x") == ""

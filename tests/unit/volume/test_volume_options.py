"""The options of the local driver."""

from __future__ import annotations

import pytest

from budu.base.errors import InvalidArgument
from budu.volume.options import LocalOptions, parse_local_options


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, LocalOptions()),
        ({"size": "10m"}, LocalOptions(size=10 << 20)),
        (
            {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,uid=5"},
            LocalOptions(type="tmpfs", device="tmpfs", o="size=1m,uid=5"),
        ),
    ],
)
def test_options_mean(options: dict[str, str], expected: LocalOptions) -> None:
    assert parse_local_options(options) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "nfs"}, 'invalid option: "kind"'),
        ({"device": "/x"}, 'missing required option: "type"'),
        ({"type": "nfs"}, 'missing required option: "device"'),
        ({"type": "nfs", "o": "ro"}, 'missing required option: "device"'),
        ({"size": "-1x"}, "invalid size: '-1x'"),
        (
            {"type": "cifs", "device": "//host:445/share"},
            "port not allowed in CIFS device URL, include 'port' in 'o='",
        ),
    ],
)
def test_wrong_options_are_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_local_options(options)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("options", "host"),
    [
        (LocalOptions(type="nfs", device=":/srv", o="addr=10.0.0.1,rw"), ""),
        (LocalOptions(type="nfs", device=":/srv", o="rw,addr=files.example"), "files.example"),
        (LocalOptions(type="cifs", device="//box/share"), "box"),
        (LocalOptions(type="cifs", device="//10.1.1.1/share"), ""),
        (LocalOptions(type="tmpfs", device="tmpfs", o="addr=x"), ""),
    ],
)
def test_server_is_looked_up_when_it_is_a_name(options: LocalOptions, host: str) -> None:
    assert options.host == host


def test_address_takes_the_place_of_the_name() -> None:
    nfs = LocalOptions(type="nfs", device=":/srv", o="rw,addr=files.example")
    assert nfs.with_address("10.0.0.9").o == "rw,addr=10.0.0.9"
    cifs = LocalOptions(type="cifs", device="//box/share")
    assert cifs.with_address("10.0.0.9").device == "//10.0.0.9/share"


def test_password_is_hidden() -> None:
    options = LocalOptions(o="username=me,password=secret")
    assert options.hide_password("data: username=me,password=secret: denied") == (
        "data: username=me,password=********: denied"
    )

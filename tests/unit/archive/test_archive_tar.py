"""The tar reader agrees with Python's and GNU's writers, and refuses what breaks the format."""

from __future__ import annotations

import io
import subprocess
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budu.archive.tar import StreamSource, TarEntry, TarKind, TarReader
from budu.archive.tar_fields import has_valid_checksum, parse_number, parse_pax, parse_time_ns
from budu.base.errors import DataLoss, InvalidArgument


def member(name: str, data: bytes = b"", **fields) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def make_tar(*members, format=tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def read(data: bytes) -> list[TarEntry]:
    return list(TarReader(StreamSource(io.BytesIO(data))))


def reseal(header: bytes) -> bytes:
    """The header with the checksum that its bytes have."""
    blank = header[:148] + b" " * 8 + header[156:]
    return blank[:148] + b"%06o\0 " % sum(blank) + blank[156:]


def patch(data: bytes, at: int, new: bytes) -> bytes:
    """The archive with bytes of its first header replaced, the checksum right again."""
    return reseal(data[:at] + new + data[at + len(new) : 512]) + data[512:]


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_fields_of_a_file(format):
    data = make_tar(
        member("etc/passwd", b"root", mode=0o4755, uid=7, gid=8, mtime=1234567), format=format
    )
    (entry,) = read(data)
    assert entry.path == b"etc/passwd"
    assert entry.kind is TarKind.FILE
    assert (entry.mode, entry.uid, entry.gid) == (0o4755, 7, 8)
    assert entry.mtime_ns == 1234567 * 10**9
    assert (entry.size, entry.offset) == (4, 512)


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_and_large_numbers(format):
    path, target = "d/" * 90 + "é" * 100, "t" * 300
    data = make_tar(
        member(path, b"x", uid=3_000_000, gid=4_000_000_000),
        member("link", type=tarfile.SYMTYPE, linkname=target),
        member("hard" * 40, type=tarfile.LNKTYPE, linkname=path),
        format=format,
    )
    file, link, hard = read(data)
    assert file.path == path.encode()
    assert (file.uid, file.gid) == (3_000_000, 4_000_000_000)
    assert (link.kind, link.link) == (TarKind.SYMLINK, target.encode())
    assert (hard.kind, hard.link) == (TarKind.HARD_LINK, path.encode())


def test_ustar_prefix_is_part_of_the_name():
    path = "p" * 140 + "/" + "n" * 90
    (entry,) = read(make_tar(member(path), format=tarfile.USTAR_FORMAT))
    assert entry.path == path.encode()


def test_pax_time_and_xattrs():
    info, data = member("f")
    info.pax_headers = {
        "mtime": "1700000000.123456789",
        "SCHILY.xattr.user.note": "a=b",
        "comment": "ignored",
    }
    (entry,) = read(make_tar((info, data)))
    assert entry.mtime_ns == 1700000000123456789
    assert entry.xattrs == ((b"user.note", b"a=b"),)


def test_devices_have_numbers():
    data = make_tar(
        member("c", type=tarfile.CHRTYPE, devmajor=5, devminor=300),
        member("b", type=tarfile.BLKTYPE, devmajor=8, devminor=1),
        member("p", type=tarfile.FIFOTYPE),
    )
    kinds = [(e.kind, e.major, e.minor) for e in read(data)]
    assert kinds == [
        (TarKind.CHAR_DEVICE, 5, 300),
        (TarKind.BLOCK_DEVICE, 8, 1),
        (TarKind.FIFO, 0, 0),
    ]


def test_content_of_each_member():
    reader = TarReader(
        StreamSource(io.BytesIO(make_tar(member("a", b"A" * 700), member("b", b"B"))))
    )
    found = {e.path: b"".join(piece for _, piece in reader.content(e)) for e in reader}
    assert found == {b"a": b"A" * 700, b"b": b"B"}


def test_old_directories_end_with_a_slash():
    data = make_tar(member("dir"), format=tarfile.USTAR_FORMAT)
    data = patch(patch(data, 0, b"dir/\0"), 156, b"\0")
    assert read(data)[0].kind is TarKind.DIRECTORY


def test_archive_without_end_marker_is_accepted():
    assert len(read(make_tar(member("a", b"x"))[:1024])) == 1


def test_nothing_is_an_empty_archive():
    assert read(b"") == []


@pytest.mark.parametrize("size", [1024 + 712, 1024 + 1000, 1024 + 1024])
def test_an_unpadded_archive_ends_with_its_last_content(size):
    data = make_tar(member("a", b"x" * 200), member("b", b"y" * 200))[:size]
    reader = TarReader(StreamSource(io.BytesIO(data)), unpadded=True)
    assert [b"".join(piece for _, piece in reader.content(entry)) for entry in reader] == [
        b"x" * 200,
        b"y" * 200,
    ]


@pytest.mark.parametrize("size", [513, 711, 1025, 1024 + 600])
def test_an_unpadded_archive_is_still_truncated_inside_a_member(size):
    data = make_tar(member("a", b"x" * 200), member("b", b"y" * 200))[:size]
    reader = TarReader(StreamSource(io.BytesIO(data)), unpadded=True)
    with pytest.raises(DataLoss, match="unexpected EOF"):
        list(reader)


@pytest.mark.parametrize("size", [1, 511, 513, 700, 1023])
def test_truncated_archive_is_data_loss(size):
    with pytest.raises(DataLoss, match="unexpected EOF"):
        read(make_tar(member("a", b"x" * 200))[:size])


@pytest.mark.parametrize(
    ("at", "new", "what"),
    [
        (124, b"-0000000001\0", "number"),
        (124, b"0000_000010\0", "number"),
        (124, b"\xff" * 12, "negative size"),
        (124, b"99999999999\0", "number"),
        (108, b"\xff" * 8, "owner"),
        (108, b"\x80\0\0\x01\0\0\0\0", "owner"),
        (156, b"V", "unhandled tar header type 86"),
    ],
)
def test_hostile_header_is_invalid(at, new, what):
    with pytest.raises(InvalidArgument, match=f"archive/tar: invalid tar header: .*{what}"):
        read(patch(make_tar(member("a", b"x")), at, new))


def test_wrong_checksum_is_invalid():
    data = bytearray(make_tar(member("a", b"x")))
    data[0] ^= 1
    with pytest.raises(InvalidArgument, match="checksum"):
        read(bytes(data))


def test_signed_checksum_of_old_writers_is_accepted():
    header = make_tar(member("é" * 10), format=tarfile.USTAR_FORMAT)[:512]
    blank = header[:148] + b" " * 8 + header[156:]
    signed = sum(byte - 256 if byte > 127 else byte for byte in blank)
    assert has_valid_checksum(blank[:148] + b"%06o\0 " % signed + blank[156:])


def test_data_after_one_zero_block_is_invalid():
    with pytest.raises(InvalidArgument, match="zero block"):
        read(bytes(512) + make_tar(member("a")))


@pytest.mark.parametrize(
    "records",
    [
        b"5 a=b",
        b"6 a=b",
        b"99 a=b\n",
        b"-6 a=b\n",
        b"6 =b\n\n",
        b"7 a=b\n",
        b"4 a\n",
        b" a=b\n",
        b"x",
    ],
)
def test_broken_pax_records_are_invalid(records):
    with pytest.raises(InvalidArgument):
        parse_pax(records)


def test_nul_in_a_pax_name_is_invalid():
    info, data = member("f")
    info.pax_headers = {"path": "a\0b"}
    with pytest.raises(InvalidArgument, match="NUL"):
        read(make_tar((info, data)))


def test_huge_extension_header_is_invalid():
    info, data = member("f")
    info.pax_headers = {"comment": "x" * (2 << 20)}
    with pytest.raises(InvalidArgument, match="too long"):
        read(make_tar((info, data)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [(b"1.5", 1_500_000_000), (b"12", 12 * 10**9), (b"-3.5", 0), (b"1.0000000019", 1_000_000_001)],
)
def test_pax_times(text, expected):
    assert parse_time_ns(text) == expected


@given(st.integers(-(1 << 62), (1 << 62) - 1))
def test_base256_numbers_round_trip(value):
    field = bytearray((value & ((1 << 96) - 1)).to_bytes(12, "big"))
    field[0] |= 0x80
    assert parse_number(bytes(field)) == value


@given(st.dictionaries(st.binary(min_size=1, max_size=8), st.binary(max_size=200), max_size=5))
def test_reader_survives_any_pax_value(values):
    values = {key.replace(b"=", b"-"): value for key, value in values.items()}
    data = b""
    for key, value in values.items():
        rest = b" " + key + b"=" + value + b"\n"
        length = len(rest) + len(str(len(rest)))
        length = len(rest) + len(str(length))
        data += str(length).encode() + rest
    assert parse_pax(data) == values


@given(st.binary(max_size=2048))
def test_garbage_never_ends_in_another_error(data):
    try:
        read(data)
    except (InvalidArgument, DataLoss):
        pass


@pytest.mark.parametrize("form", ["gnu", "pax0.0", "pax0.1", "pax1.0"])
@pytest.mark.parametrize("holes", [1, 9, 60])
def test_sparse_files_of_gnu_tar(tmp_path, form, holes):
    expected = bytearray(holes * 3 * 65536)
    with (tmp_path / "sparse").open("wb") as file:
        for number in range(holes):
            file.seek(number * 3 * 65536)
            file.write(b"data" * 1024)
            expected[number * 3 * 65536 : number * 3 * 65536 + 4096] = b"data" * 1024
        file.truncate(len(expected))
    format, _, version = form.partition("x") if form != "gnu" else ("gnu", "", "")
    options = (
        ["--format=gnu"] if format == "gnu" else ["--format=pax", f"--sparse-version={version}"]
    )
    data = subprocess.run(
        ["tar", "-S", *options, "-C", tmp_path, "-cf", "-", "sparse"],
        check=True,
        capture_output=True,
    ).stdout
    reader = TarReader(StreamSource(io.BytesIO(data)))
    found = bytearray(len(expected))
    for entry in reader:
        assert (entry.path, entry.size) == (b"sparse", len(expected))
        assert entry.sparse is not None
        for start, piece in reader.content(entry):
            found[start : start + len(piece)] = piece
    assert found == expected


def test_sparse_map_that_overlaps_is_invalid():
    data = make_tar(member("s", b"x" * 512), format=tarfile.GNU_FORMAT)
    gnu_map = b"%011o\0%011o\0" % (0, 256) + b"%011o\0%011o\0" % (100, 256)
    data = patch(patch(patch(data, 156, b"S"), 386, gnu_map), 483, b"%011o\0" % 1000)
    with pytest.raises(InvalidArgument, match="sparse map"):
        read(data)


def test_endless_sparse_map_is_invalid():
    data = make_tar(member("s", b"x" * 512), format=tarfile.GNU_FORMAT)
    data = patch(patch(data, 156, b"S"), 482, b"\1")
    block = (b"%011o\0%011o\0" % (0, 0)) * 21 + b"\1" + bytes(7)
    with pytest.raises(InvalidArgument, match="too long"):
        read(data[:512] + block * 5000)

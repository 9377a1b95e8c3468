"""Plugins are found by their sockets and spec files."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from budu.base.errors import InvalidArgument, NotFound
from budu.plugin.discovery import Address, PluginFolders, find, parse_address, scan


@pytest.fixture
def folders(tmp_path: Path) -> PluginFolders:
    found = PluginFolders(sockets=tmp_path / "run", specs=(tmp_path / "etc", tmp_path / "usr"))
    for folder in (found.sockets, *found.specs):
        folder.mkdir()
    return found


@pytest.fixture
def listen() -> Iterator[object]:
    opened = []

    def make(path: Path) -> None:
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        opened.append(server)

    yield make
    for each in opened:
        each.close()


def test_a_socket_goes_before_spec_files(folders: PluginFolders, listen) -> None:  # type: ignore[no-untyped-def]
    listen(folders.sockets / "store.sock")
    (folders.specs[0] / "store.spec").write_text("tcp://elsewhere:9000")
    path = str(folders.sockets / "store.sock")
    assert find(folders, "store") == Address(scheme="unix", path=path)


def test_a_socket_may_lie_in_a_folder_of_its_name(folders: PluginFolders, listen) -> None:  # type: ignore[no-untyped-def]
    (folders.sockets / "store").mkdir()
    listen(folders.sockets / "store" / "store.sock")
    assert find(folders, "store").path.endswith("store/store.sock")
    assert scan(folders) == ["store"]


def test_a_spec_file_holds_one_address(folders: PluginFolders) -> None:
    (folders.specs[1] / "far.spec").write_text(" tcp://10.0.0.1:9000\n")
    assert find(folders, "far") == Address(scheme="tcp", host="10.0.0.1", port=9000)


def test_a_json_file_holds_an_address_and_tls(folders: PluginFolders) -> None:
    (folders.specs[0] / "far.json").write_text(
        '{"Name": "far", "Addr": "https://example.com:8080", "TLSConfig": {"CAFile": "/ca",'
        ' "CertFile": "/cert", "KeyFile": "/key", "InsecureSkipVerify": false}}'
    )
    found = find(folders, "far")
    assert (found.scheme, found.host, found.port) == ("https", "example.com", 8080)
    assert (found.tls.ca_file, found.tls.key_file, found.tls.verifies) == ("/ca", "/key", True)


def test_nobody_is_verified_without_an_authority(folders: PluginFolders) -> None:
    (folders.specs[0] / "far.json").write_text('{"Addr": "https://example.com"}')
    assert not find(folders, "far").tls.verifies


@pytest.mark.parametrize("name", ["missing", "../etc/far", "", ".", "a/b", "a\0b", "x" * 300])
def test_a_name_is_no_way_out_of_the_folders(folders: PluginFolders, name: str) -> None:
    (folders.specs[0] / "far.spec").write_text("tcp://h:1")
    with pytest.raises(NotFound, match=r"not found$"):
        find(folders, name)


@pytest.mark.parametrize("text", ["", "no scheme", "ftp://h", "unix://relative", "tcp://", "\xff"])
def test_a_spec_of_no_use_is_named(folders: PluginFolders, text: str) -> None:
    path = folders.specs[0] / "bad.spec"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidArgument, match=f"^invalid plugin spec {path}: "):
        find(folders, "bad")


def test_a_pipe_is_no_spec_and_stops_nobody(folders: PluginFolders) -> None:
    os.mkfifo(folders.specs[0] / "bad.spec")
    with pytest.raises(InvalidArgument, match="not a regular file"):
        find(folders, "bad")


def test_a_scan_names_each_once(folders: PluginFolders, listen) -> None:  # type: ignore[no-untyped-def]
    listen(folders.sockets / "both.sock")
    (folders.sockets / "notes.txt").write_text("")
    (folders.specs[0] / "both.spec").write_text("x")
    (folders.specs[1] / "other.json").write_text("{}")
    assert scan(folders) == ["both", "other"]


def test_an_address_of_a_unix_socket_is_a_path() -> None:
    assert parse_address("unix:///run/x.sock").path == "/run/x.sock"

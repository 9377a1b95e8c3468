"""Contexts: stored, shown, carried elsewhere."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from budu.base.errors import InvalidArgument, NotFound
from budu.cli.context_archive import pack, unpack
from budu.cli.failures import CommandFailed
from budu.client.contexts import ContextStore, check_context_name
from budu.client.endpoint import Choice, choose_endpoint, parse_host
from budu.client.ssh import remote_command, ssh_command

DOCUMENT = {"Name": "far", "Metadata": {}, "Endpoints": {"docker": {"Host": "tcp://far:2376"}}}


@pytest.fixture
def store(tmp_path: Path) -> ContextStore:
    return ContextStore(str(tmp_path))


def test_what_is_stored_is_read(store: ContextStore) -> None:
    store.write("far", DOCUMENT)
    store.write_tls("far", {"ca.pem": b"certificate"})
    assert store.names() == ["far"]
    assert store.read("far") == DOCUMENT
    assert store.tls_files("far") == {"ca.pem": b"certificate"}


def test_keys_are_for_their_owner_only(store: ContextStore) -> None:
    store.write_tls("far", {"key.pem": b"secret"})
    key = Path(store.paths("far")[1]) / "docker" / "key.pem"
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_removed_context_is_gone(store: ContextStore) -> None:
    store.write("far", DOCUMENT)
    store.write_tls("far", {"ca.pem": b"x"})
    store.remove("far")
    assert store.names() == []
    assert store.tls_files("far") == {}
    with pytest.raises(NotFound, match='context "far": context not found'):
        store.read("far")


def test_a_damaged_context_is_named(store: ContextStore) -> None:
    store.write("far", DOCUMENT)
    (Path(store.paths("far")[0]) / "meta.json").write_text("{")
    with pytest.raises(InvalidArgument, match="is not a valid context"):
        store.read("far")
    assert store.names() == []


@pytest.mark.parametrize("name", ["a", "a b", "-ab", "ä1", "", "default"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(InvalidArgument):
        check_context_name(name)


def test_a_context_with_tls_is_used(store: ContextStore, tmp_path: Path) -> None:
    store.write("far", DOCUMENT)
    store.write_tls("far", {"ca.pem": b"x"})
    chosen = choose_endpoint(Choice({}, config_folder=str(tmp_path), context="far"))
    assert (chosen.host, chosen.port) == ("far", 2376)
    assert chosen.tls is not None
    assert chosen.tls.verify
    assert chosen.tls.ca.endswith("/docker/ca.pem")


def test_an_archive_holds_all_of_it() -> None:
    files = {"ca.pem": b"a", "key.pem": b"b"}
    assert unpack(pack(DOCUMENT, files)) == (DOCUMENT, files)


def test_a_zip_is_read_as_well() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("meta.json", json.dumps(DOCUMENT))
        archive.writestr("tls/docker/ca.pem", b"a")
    assert unpack(buffer.getvalue()) == (DOCUMENT, {"ca.pem": b"a"})


def tar_of(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: tar_of("../../evil", b""), "unexpected file in context archive: ../../evil"),
        (lambda: tar_of("tls/docker/../../x", b""), "unexpected file"),
        (lambda: tar_of("meta.json", b"[]"), "meta.json is damaged"),
        (lambda: tar_of("tls/docker/ca.pem", b""), "no metadata found"),
        (lambda: b"no archive at all" * 100, "unable to import context"),
        (lambda: b"\0" * (11 << 20), "larger than 10 MiB"),
    ],
)
def test_archives_that_mean_harm(make: Callable[[], bytes], words: str) -> None:
    with pytest.raises(CommandFailed, match=words):
        unpack(make())


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ssh://far", ["--", "far"]),
        ("ssh://me@far:2222", ["-p", "2222", "--", "me@far"]),
        ("ssh://me@[::1]:22", ["-p", "22", "--", "me@::1"]),
    ],
)
def test_ssh_addresses(address: str, words: list[str]) -> None:
    command = ssh_command(parse_host(address, "test"))
    assert command[-1 - len(words) : -1] == words


@pytest.mark.parametrize("address", ["ssh://", "ssh://me:secret@far", "ssh://far:x"])
def test_malformed_ssh_addresses(address: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_host(address, "test")


def test_a_named_socket_is_quoted_for_the_far_shell() -> None:
    assert "--host unix://'/run/it'\\''s.sock' system" in remote_command("/run/it's.sock")

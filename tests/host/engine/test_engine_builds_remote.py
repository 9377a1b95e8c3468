"""Builds that fetch: contexts from URLs and repositories, ADD from both."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.host.engine.test_engine_commit import output
from tests.support.builds import Built, build, context, send
from tests.support.engine import EngineProcess
from tests.support.git_server import PlainServer, commit, make_repository

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def server(served: Path) -> Iterator[PlainServer]:
    folder = make_repository(served / "app.git")
    (folder / "Dockerfile").write_text("FROM busybox\nCOPY . /app/\n")
    (folder / "sub").mkdir()
    (folder / "sub/page").write_text("page")
    (folder / "sub/Dockerfile").write_text("FROM busybox\nCOPY page /\n")
    (folder / ".dockerignore").write_text("Dockerfile\n.dockerignore\n")
    commit(folder)
    (served / "data.txt").write_text("data")
    os.utime(served / "data.txt", (1_000_000_000, 1_000_000_000))
    (served / "odd[0]*.txt").write_text("odd")
    (served / "packed.tar").write_bytes(context({"inner/file": "file"}))
    (served / "context.tar.gz").write_bytes(
        context({"Dockerfile": "FROM busybox\nCOPY . /c/\n", "a": "a"}, compression="gz")
    )
    (served / "Dockerfile").write_text("FROM busybox\nRUN echo alone >/file\n")
    with PlainServer(served) as running:
        yield running


def remote(engine: EngineProcess, address: str, **query: object) -> Built:
    return Built(send(engine, b"", remote=address, **query))


def read(engine: EngineProcess, built: Built, command: str) -> str:
    return output(engine, built.id, command).decode()


def test_add_downloads_a_file_for_root_and_dates_it(engine, server) -> None:
    built = build(engine, f"FROM busybox\nADD {server.url}/data.txt /d/\n")
    said = read(engine, built, "cat /d/data.txt; stat -c ' %u:%g %a %Y' /d/data.txt")
    assert said == "data 0:0 600 1000000000\n"
    assert build(engine, f"FROM busybox\nADD {server.url}/data.txt /d/\n").id == built.id


def test_add_takes_flags_and_several_sources_into_one_layer(engine, server) -> None:
    dockerfile = f"""
        FROM busybox
        ADD --chown=3:4 --chmod=644 {server.url}/data.txt local {server.url}/odd%5B0%5D*.txt /d/
        """
    built = build(engine, dockerfile, {"local": "local"})
    said = read(engine, built, "cat /d/*; stat -c ' %u:%g %a' /d/data.txt; ls /d")
    assert said == "datalocalodd 3:4 644\ndata.txt\nlocal\nodd[0]*.txt\n"


def test_a_download_is_unpacked_only_when_asked_for(engine, server) -> None:
    built = build(engine, f"FROM busybox\nADD {server.url}/packed.tar /p/\n")
    assert read(engine, built, "ls /p") == "packed.tar\n"
    built = build(engine, f"FROM busybox\nADD --unpack {server.url}/packed.tar /p/\n")
    assert read(engine, built, "cat /p/inner/file") == "file"


def test_a_download_has_to_be_what_the_checksum_says(engine, server) -> None:
    found = f"sha256:{hashlib.sha256(b'data').hexdigest()}"
    line = f"{server.url}/data.txt /d"
    assert build(engine, f"FROM busybox\nADD --checksum={found} {line}\n").id
    wrong = f"sha256:{'0' * 64}"
    built = build(engine, f"FROM busybox\nADD --checksum={wrong} {line}\n")
    assert f"digest mismatch {found}: {wrong}" in built.error


def test_a_changed_download_is_another_step(engine, server, served) -> None:
    (served / "changing").write_text("one")
    dockerfile = f"FROM busybox\nADD {server.url}/changing /c\n"
    first = build(engine, dockerfile)
    (served / "changing").write_text("two")
    second = build(engine, dockerfile)
    assert (read(engine, first, "cat /c"), read(engine, second, "cat /c")) == ("one", "two")


def test_add_fetches_a_repository(engine, server) -> None:
    dockerfile = f"FROM busybox\nADD --chown=5 {server.url}/app.git/.git#:sub /r\n"
    built = build(engine, dockerfile)
    assert read(engine, built, "ls -A /r; stat -c '%u' /r/page") == "Dockerfile\npage\n5\n"
    assert build(engine, dockerfile).id == built.id


def test_a_repository_is_a_context_and_its_ignore_file_counts(engine, server) -> None:
    built = remote(engine, f"{server.url}/app.git/.git")
    assert read(engine, built, "cd /app; ls -A . sub") == ".:\nsub\n\nsub:\nDockerfile\npage\n"
    built = remote(engine, f"{server.url}/app.git/.git#:sub")
    assert read(engine, built, "cat /page") == "page"


def test_an_archive_behind_a_url_is_a_context(engine, server) -> None:
    built = remote(engine, f"{server.url}/context.tar.gz")
    assert read(engine, built, "ls /c") == "Dockerfile\na\n"


def test_a_text_behind_a_url_is_a_dockerfile(engine, server) -> None:
    assert read(engine, remote(engine, f"{server.url}/Dockerfile"), "cat /file") == "alone\n"


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("/etc", "remoteURL (/etc) could not be recognized as URL"),
        ("file:///etc/passwd", "remoteURL (file:///etc/passwd) could not be recognized as URL"),
        ("{url}/none", "failed to GET {url}/none with status 404"),
        ("{url}/none.git", "error fetching: "),
        ("http://127.0.0.1:1/x", "127.0.0.1:1"),
    ],
)
def test_contexts_that_are_not_to_be_had(address, sentence, engine, server) -> None:
    built = remote(engine, address.format(url=server.url))
    assert sentence.format(url=server.url) in built.error


def test_nothing_that_was_fetched_stays(engine, server) -> None:
    build(engine, f"FROM busybox\nADD {server.url}/data.txt /d\nADD {server.url}/none /n\n")
    left = [path for path in Path(engine.root).rglob("*") if path.name.startswith("add")]
    assert left == []

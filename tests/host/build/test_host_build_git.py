"""Repositories fetched by the host's git, honest and hostile ones."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.git_server import (
    TIME_S,
    GitDaemon,
    PlainServer,
    commit,
    git,
    make_repository,
)
from tests.support.layers import digest_of
from tests.support.waiting import eventually

from budu.base.errors import BuduError, InvalidArgument, NotFound, Unavailable
from budu.build.context import Context
from budu.build.git import GitFetch
from budu.build.git_address import GitSource, parse_git

pytestmark = pytest.mark.host


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def repository(served: Path) -> Path:
    folder = make_repository(served / "app")
    (folder / "Dockerfile").write_text("first")
    (folder / "sub/inner").mkdir(parents=True)
    (folder / "sub/inner/file").write_text("inner")
    (folder / "run.sh").write_text("#!/bin/sh")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("sub")
    (folder / "out").symlink_to("/etc")
    commit(folder)
    git(folder, "tag", "v1")
    git(folder, "branch", "old")
    git(folder, "update-ref", "refs/pull/7/head", "v1")
    (folder / "Dockerfile").write_text("second")
    commit(folder)
    return folder


@pytest.fixture(scope="module")
def daemon(repository: Path, served: Path) -> Iterator[GitDaemon]:
    with GitDaemon(served) as running:
        yield running


def fetch(address: str, folder: Path, **options: bool) -> Context:
    source = parse_git(address)
    assert source is not None
    return GitFetch(source, folder, **options).run()


def test_the_default_branch_is_checked_out_without_its_history(daemon, tmp_path):
    with fetch(f"{daemon.url}/app", tmp_path / "c") as context:
        assert context.read("Dockerfile") == b"second"
        assert sorted(os.listdir(context.path)) == ["Dockerfile", "link", "out", "run.sh", "sub"]
        assert os.listdir(tmp_path / "c") == ["context"]


def test_files_are_as_old_as_the_commit_and_as_git_has_their_modes(daemon, tmp_path):
    with fetch(f"{daemon.url}/app", tmp_path / "c") as context:
        for path in (context.path, *context.path.rglob("*")):
            assert path.lstat().st_mtime == TIME_S
        assert (context.path / "run.sh").stat().st_mode & 0o777 == 0o755
        assert (context.path / "Dockerfile").stat().st_mode & 0o777 == 0o644


def test_the_same_commit_is_the_same_tree(daemon, tmp_path):
    digests = set()
    for name in ("one", "two"):
        with fetch(f"{daemon.url}/app", tmp_path / name) as context:
            digests.add(digest_of(context.path, "/", to="/x"))
    assert len(digests) == 1


@pytest.mark.parametrize("form", ["tag", "branch", "full", "short", "ref"])
def test_refs_of_every_form(form, daemon, repository, tmp_path):
    first = git(repository, "rev-parse", "v1")
    ref = {"tag": "v1", "branch": "old", "full": first, "short": first[:9], "ref": "pull/7/head"}
    with fetch(f"{daemon.url}/app#{ref[form]}", tmp_path / "c") as context:
        assert context.read("Dockerfile") == b"first"


def test_a_plain_web_server_will_do(served, repository, tmp_path):
    commit_id = git(repository, "rev-parse", "v1")
    with PlainServer(served) as server:
        for number, ref in enumerate(("v1", commit_id)):
            address = f"{server.url}/app/.git#{ref}"
            with fetch(address, tmp_path / str(number)) as context:
                assert context.read("Dockerfile") == b"first"


@pytest.mark.parametrize("subdir", ["sub", "link", "./sub/", "../sub"])
def test_a_folder_of_the_repository_may_be_the_root(subdir, daemon, tmp_path):
    with fetch(f"{daemon.url}/app#v1:{subdir}", tmp_path / "c") as context:
        assert os.listdir(context.path) == ["inner"]
        assert os.listdir(tmp_path / "c") == ["context"]


@pytest.mark.parametrize("subdir", [".", "/"])
def test_the_root_itself_may_be_named(subdir, daemon, tmp_path):
    with fetch(f"{daemon.url}/app#:{subdir}", tmp_path / "c") as context:
        assert context.read("Dockerfile") == b"second"


@pytest.mark.parametrize(
    ("subdir", "error", "sentence"),
    [
        ("none", NotFound, 'error setting git context, "none" not within git root'),
        ("out", NotFound, 'error setting git context, "out" not within git root'),
        ("run.sh", InvalidArgument, "error setting git context, not a directory: run.sh"),
    ],
)
def test_a_folder_that_is_not_there(subdir, error, sentence, daemon, tmp_path):
    with pytest.raises(error) as refusal:
        fetch(f"{daemon.url}/app#:{subdir}", tmp_path / "c")
    assert refusal.value.message == sentence
    assert not (tmp_path / "c").exists()


def test_a_checksum_is_a_commit_or_its_beginning(daemon, repository, tmp_path):
    head = git(repository, "rev-parse", "HEAD")
    fetch(f"{daemon.url}/app?checksum={head[:12]}", tmp_path / "c").close()
    with pytest.raises(InvalidArgument) as refusal:
        fetch(f"{daemon.url}/app?checksum={'0' * 40}", tmp_path / "c")
    assert refusal.value.message == f"expected checksum to match {'0' * 40}, got {head}"


def test_the_history_stays_when_asked_for(daemon, tmp_path):
    with fetch(f"{daemon.url}/app", tmp_path / "c", keeps_git=True) as context:
        assert (context.path / ".git/HEAD").is_file()


def test_submodules_come_along(daemon, served, tmp_path):
    outer = make_repository(served / "outer")
    inner = make_repository(served / "inner")
    (inner / "part").write_text("part")
    commit(inner)
    git(outer, "submodule", "--quiet", "add", f"{daemon.url}/inner", "parts/inner")
    commit(outer)
    with fetch(f"{daemon.url}/outer", tmp_path / "c") as context:
        assert os.listdir(context.path / "parts/inner") == ["part"]
    with fetch(f"{daemon.url}/outer?submodules=0", tmp_path / "d") as context:
        assert os.listdir(context.path / "parts/inner") == []


def test_submodules_do_not_reach_files_of_this_host(daemon, served, tmp_path):
    thief = make_repository(served / "thief")
    secret = make_repository(tmp_path / "secret")
    (secret / "part").write_text("secret")
    commit(secret)
    git(thief, "submodule", "--quiet", "add", str(secret), "stolen")
    commit(thief)
    with pytest.raises(BuduError, match="error initializing submodules"):
        fetch(f"{daemon.url}/thief", tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_no_address_reaches_files_of_this_host(repository, tmp_path):
    for remote in (str(repository), f"file://{repository}", f"ext::touch {tmp_path}/ran"):
        with pytest.raises(Unavailable, match="error fetching"):
            GitFetch(GitSource(remote=remote), tmp_path / "c").run()
    assert not (tmp_path / "ran").exists()


def test_nothing_of_the_hosts_configuration_runs(daemon, served, tmp_path, monkeypatch):
    repository = make_repository(served / "filtered")
    ran = tmp_path / "ran"
    home = tmp_path / "home"
    (home / "hooks").mkdir(parents=True)
    hook = home / "hooks/post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
    hook.chmod(0o755)
    (home / ".gitconfig").write_text(
        f'[core]\nhooksPath = {home}/hooks\n[filter "evil"]\nsmudge = touch {ran}\n'
    )
    (repository / ".gitattributes").write_text("* filter=evil\n")
    (repository / "file").write_text("file")
    commit(repository)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(home))
    with fetch(f"{daemon.url}/filtered", tmp_path / "c") as context:
        assert context.read("file") == b"file"
    assert not ran.exists()


def test_what_is_missing_is_named(daemon, tmp_path):
    with pytest.raises(NotFound, match="couldn't find remote ref none"):
        fetch(f"{daemon.url}/app#none", tmp_path / "c")
    with pytest.raises(Unavailable, match="error fetching: "):
        fetch(f"{daemon.url}/none", tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_secrets_of_an_address_stay_secret(tmp_path):
    with socket.socket() as bound:  # bound and not listening: connections are refused
        bound.bind(("127.0.0.1", 0))
        address = f"http://user:pass-word@127.0.0.1:{bound.getsockname()[1]}/r.git"
        with pytest.raises(Unavailable) as refusal:
            fetch(address, tmp_path / "c")
    assert "pass-word" not in f"{refusal.value.message} {refusal.value.reference}"


def test_a_fetch_that_hangs_can_be_stopped(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        source = GitSource(remote=f"git://127.0.0.1:{silent.getsockname()[1]}/r")
        run = GitFetch(source, tmp_path / "c")
        ended: list[BaseException] = []

        def work() -> None:
            try:
                run.run()
            except BuduError as error:
                ended.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        connection, _ = silent.accept()
        run.stop()
        thread.join()
        connection.close()
    assert isinstance(ended[0], Unavailable)
    eventually(lambda: not (tmp_path / "c").exists())


def test_without_git_the_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="unable to find 'git'"):
        fetch("git://127.0.0.1/r", tmp_path / "c")

"""Contexts that are fetched: what is at a URL, and Git repositories."""

from __future__ import annotations

import functools
import http.server
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from build_recorder import build


@pytest.fixture
def site(tmp_path) -> Iterator[tuple[Path, str]]:
    """A folder and the address under which a server on loopback has it."""
    folder = tmp_path / "site"
    folder.mkdir()
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def git(folder: Path, *words: str) -> str:
    identity = {f"GIT_{who}_{what}": "x@x" for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")}  # fmt: skip
    clean = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    return subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *words],
        cwd=folder, env={**os.environ, **identity, **clean}, capture_output=True, check=True,
        text=True,
    ).stdout.strip()  # fmt: skip


def publish(folder: Path, files: dict[str, str], *, tag: str = "") -> None:
    """A commit of the repository in `folder`, which any web server can serve then."""
    if not (folder / ".git").exists():
        folder.mkdir(exist_ok=True)
        git(folder, "init", "-q")
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "x")
    if tag:
        git(folder, "tag", tag)
    git(folder, "update-server-info")
    served = folder.with_name(f"{folder.name}.git")
    if not served.exists():
        served.symlink_to(folder / ".git")


# URLs


def test_a_dockerfile_at_a_url(tmp_path, site, capsys) -> None:
    folder, address = site
    (folder / "Dockerfile").write_text("FROM x\n")
    request = build(tmp_path, f"{address}/Dockerfile")
    assert request is not None
    assert request.query["dockerfile"] == ["Dockerfile"]
    assert request.files == {"Dockerfile": b"FROM x\n"}


def test_an_archive_at_a_url(tmp_path, site) -> None:
    folder, address = site
    (tmp_path / "Dockerfile.web").write_text("FROM x\n")
    subprocess.run(["tar", "-czf", folder / "app.tgz", "Dockerfile.web"], cwd=tmp_path, check=True)
    request = build(tmp_path, "-f", "Dockerfile.web", f"{address}/app.tgz")
    assert request is not None
    assert request.query["dockerfile"] == ["Dockerfile.web"]
    assert request.body == (folder / "app.tgz").read_bytes()


def test_an_archive_at_a_url_with_a_dockerfile_from_standard_input(tmp_path, site) -> None:
    folder, address = site
    (tmp_path / "data").write_text("data")
    subprocess.run(["tar", "-czf", folder / "app.tgz", "data"], cwd=tmp_path, check=True)
    request = build(tmp_path, "-f", "-", f"{address}/app.tgz", stdin=b"FROM y\n")
    assert request is not None
    (name,) = request.query["dockerfile"]
    assert request.files == {
        name: b"FROM y\n",
        ".dockerignore": f".dockerignore\n{name}\n".encode(),
        "data": b"data",
    }


def test_a_url_with_nothing(tmp_path, site, capsys) -> None:
    address = f"{site[1]}/none"
    assert build(tmp_path, address, status=1) is None
    assert capsys.readouterr().err.startswith(
        f"unable to prepare context: unable to download remote context {address}: "
        f"failed to GET {address} with status 404 File not found: "
    )


def test_a_server_that_is_not_there(tmp_path, site, capsys) -> None:
    address = "http://127.0.0.1:9/none"
    assert build(tmp_path, address, status=1) is None
    assert capsys.readouterr().err.startswith(
        f"unable to prepare context: unable to download remote context {address}: "
    )


# Git


def test_a_repository(tmp_path, site) -> None:
    folder, address = site
    publish(folder / "app", {"Dockerfile": "FROM x\n", ".dockerignore": "*.md\n", "a.md": "a"})
    request = build(tmp_path, f"{address}/app.git")
    assert request is not None
    assert request.files == {".dockerignore": b"*.md\n", "Dockerfile": b"FROM x\n"}
    assert ".git" not in request.names


def test_a_repository_at_a_tag_and_a_folder(tmp_path, site) -> None:
    folder, address = site
    publish(folder / "app", {"web/Dockerfile": "FROM old\n"}, tag="v1")
    publish(folder / "app", {"web/Dockerfile": "FROM new\n"})
    request = build(tmp_path, f"{address}/app.git#v1:web")
    assert request is not None
    assert request.files == {"Dockerfile": b"FROM old\n"}
    newest = build(tmp_path, "-f", "web/Dockerfile", f"{address}/app.git#main")
    assert newest is not None
    assert newest.query["dockerfile"] == ["web/Dockerfile"]
    assert newest.files == {"web/Dockerfile": b"FROM new\n"}


def test_a_repository_with_its_history(tmp_path, site) -> None:
    folder, address = site
    publish(folder / "app", {"Dockerfile": "FROM x\n"})
    words = ("--build-arg", "BUILDKIT_CONTEXT_KEEP_GIT_DIR=1")
    request = build(tmp_path, *words, f"{address}/app.git")
    assert request is not None
    assert ".git/HEAD" in request.names


def test_a_folder_that_leads_out_of_the_repository(tmp_path, site, capsys) -> None:
    folder, address = site
    publish(folder / "app", {"Dockerfile": "FROM x\n"})
    (folder / "app/out").symlink_to("/etc")
    publish(folder / "app", {})
    for named in ("out", "../../etc"):
        assert build(tmp_path, f"{address}/app.git#:{named}", status=1) is None
        assert capsys.readouterr().err == (
            "unable to prepare context: unable to 'git clone' to temporary context directory: "
            f'error setting git context, "{named}" not within git root\n'
        )


def test_submodules_of_this_machine_are_not_fetched(tmp_path, site, capsys) -> None:
    """A repository could have any folder of the person who builds it as its submodule."""
    folder, address = site
    publish(tmp_path / "private", {"key": "secret"})
    publish(folder / "app", {"Dockerfile": "FROM x\n"})
    allowed = ("-c", "protocol.file.allow=always")
    git(folder / "app", *allowed, "submodule", "add", "-q", str(tmp_path / "private"), "sub")
    publish(folder / "app", {})
    assert build(tmp_path, f"{address}/app.git", status=1) is None
    assert "error initializing submodules" in capsys.readouterr().err


def test_a_reference_that_is_not_there_leaves_nothing_behind(
    tmp_path, site, capsys, monkeypatch
) -> None:
    folder, address = site
    publish(folder / "app", {"Dockerfile": "FROM x\n"})
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    assert build(tmp_path, f"{address}/app.git#none", status=1) is None
    assert "error fetching: " in capsys.readouterr().err
    assert not list((tmp_path / "tmp").iterdir())


def test_a_machine_without_git(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build(tmp_path, "github.com/team/app", status=1) is None
    assert capsys.readouterr().err == (
        "unable to prepare context: unable to find 'git': exec: \"git\": executable file not "
        "found in $PATH\n"
        "→ A repository is cloned with the git of this machine. Install it: apt install git\n"
    )

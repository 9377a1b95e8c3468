"""Where the context and the Dockerfile are, by what was typed."""

from __future__ import annotations

import pytest

from budu.cli.build.git import Repository
from budu.cli.build.source import GIT, LOCAL, STDIN, URL, kind_of, locate, locate_inside
from budu.cli.failures import CommandFailed


def failure_of(*words: str, inside: bool = False) -> CommandFailed:
    with pytest.raises(CommandFailed) as caught:
        (locate_inside if inside else locate)(*words)
    return caught.value


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("-", STDIN),
        (".", LOCAL),
        ("https://host/context.tar.gz", URL),
        ("http://host/Dockerfile", URL),
        ("https://host/team/app.git", GIT),
        ("https://host/team/app.git#v1:web", GIT),
        ("git://host/app", GIT),
        ("git@host:team/app", GIT),
        ("github.com/team/app", GIT),
    ],
)
def test_kinds_of_contexts(text: str, kind: str) -> None:
    assert kind_of(text) == kind


def test_a_context_that_is_nothing() -> None:
    with pytest.raises(CommandFailed) as caught:
        kind_of("nowhere")
    assert caught.value.message == 'unable to prepare context: path "nowhere" not found'


def test_a_context_that_is_a_file(tmp_path) -> None:
    (tmp_path / "file").touch()
    assert failure_of(str(tmp_path / "file"), "").message == (
        f"unable to prepare context: context must be a directory: {tmp_path}/file"
    )


def test_the_usual_dockerfile_and_the_small_one(tmp_path) -> None:
    (tmp_path / "dockerfile").touch()
    assert locate(str(tmp_path), "").name == "dockerfile"
    (tmp_path / "Dockerfile").touch()
    assert locate(str(tmp_path), "").name == "Dockerfile"


def test_a_dockerfile_counts_from_the_current_folder(tmp_path, monkeypatch) -> None:
    (tmp_path / "app/docker").mkdir(parents=True)
    (tmp_path / "app/docker/dev").touch()
    monkeypatch.chdir(tmp_path)
    place = locate("app", "app/docker/dev")
    assert (place.root, place.name, place.is_inside) == (f"{tmp_path}/app", "docker/dev", True)
    failure = failure_of("app", "docker/dev")
    assert failure.message == (
        "unable to prepare context: unable to evaluate symlinks in Dockerfile path: "
        f"lstat {tmp_path}/docker: no such file or directory"
    )
    assert failure.hint is not None
    assert (failure.hint.key, failure.hint.values) == (
        "cli.build-file-inside", {"path": "app/docker/dev"},
    )  # fmt: skip


def test_a_dockerfile_outside_and_one_that_leads_outside(tmp_path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "other").touch()
    (tmp_path / "app/Dockerfile").symlink_to("../other")
    for given in (str(tmp_path / "other"), ""):
        place = locate(str(tmp_path / "app"), given)
        assert (place.name, place.is_inside) == ("../other", False)
        assert place.dockerfile == str(tmp_path / "other")


def test_no_dockerfile_at_all(tmp_path) -> None:
    failure = failure_of(str(tmp_path), "")
    assert failure.message == (
        "unable to prepare context: unable to evaluate symlinks in Dockerfile path: "
        f"lstat {tmp_path}/Dockerfile: no such file or directory"
    )
    assert failure.hint is not None
    assert failure.hint.key == "cli.build-no-file"


@pytest.mark.parametrize("name", ["Dockerfile.dev", "web.Dockerfile", "Containerfile"])
def test_a_dockerfile_of_another_name_is_told(tmp_path, monkeypatch, name: str) -> None:
    (tmp_path / name).touch()
    (tmp_path / "Dockerfile.dockerignore").touch()
    monkeypatch.chdir(tmp_path)
    hint = failure_of(".", "").hint
    assert hint is not None
    assert (hint.key, hint.values["path"]) == ("cli.build-file-near", f"./{name}")


def test_a_dockerfile_of_a_clone_stays_in_it(tmp_path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "secret").touch()
    (tmp_path / "app/Dockerfile").symlink_to("../secret")
    assert failure_of(str(tmp_path / "app"), "../secret", inside=True).message == (
        "unable to prepare context: the Dockerfile (../secret) must be within the build context"
    )
    assert "must be within the build context" in (
        failure_of(str(tmp_path / "app"), "", inside=True).message
    )


@pytest.mark.parametrize("name", [".dockerignore", "Dockerfile.dockerignore"])
def test_rules_of_a_clone_stay_in_it(tmp_path, name: str) -> None:
    (tmp_path / "Dockerfile").touch()
    (tmp_path / "rules").touch()
    (tmp_path / name).symlink_to("rules")
    assert locate_inside(str(tmp_path), "").name == "Dockerfile"
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("/etc/passwd")
    assert failure_of(str(tmp_path), "", inside=True).message == (
        f"unable to prepare context: the ignore file ({name}) must be within the build context"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("github.com/team/app", ("https://github.com/team/app", "HEAD", "")),
        ("https://h/app.git#v1", ("https://h/app.git", "v1", "")),
        ("git@h:app.git#:web/front", ("git@h:app.git", "HEAD", "web/front")),
        ("git://h/app#main:web", ("git://h/app", "main", "web")),
    ],
)
def test_addresses_of_repositories(text: str, expected: tuple[str, str, str]) -> None:
    repository = Repository(text)
    assert (repository.remote, repository.ref, repository.folder) == expected

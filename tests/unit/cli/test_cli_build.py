"""`build`: what is asked of the engine, and what is shown of its answer."""

from __future__ import annotations

import gzip
import io
import json
import os
from base64 import urlsafe_b64decode
from pathlib import Path

import pytest
from build_recorder import BUILT, IMAGE_ID, SHOWN, BuildRecorder, build
from cli_engine import main_words, refusal, run
from tests.fakes.scripted_http import ScriptedServer, answer

from budu.base.errors import InvalidArgument
from budu.cli.build.prepare import Prepared
from budu.cli.commands.build import BUILD
from budu.cli.context import Context
from budu.cli.parser import parse

SCRATCH = b"FROM scratch\n"


@pytest.fixture
def app(tmp_path, monkeypatch) -> Path:
    """The current folder, with a context `app`; settings are in `home`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    (tmp_path / "app").mkdir()
    (tmp_path / "app/Dockerfile").write_bytes(SCRATCH)
    return tmp_path


def test_a_folder_is_sent_and_the_answer_shown(app: Path, capsys) -> None:
    words = ("-t", "web:1", "-t", "h:5/web", "--no-cache", "--target", "test", "--tls-verify=false")
    request = build(app, *words, "app")
    assert request is not None
    assert request.query == {
        "dockerfile": ["Dockerfile"], "version": ["1"], "t": ["web:1", "h:5/web"],
        "nocache": ["1"], "target": ["test"], "tlsVerify": ["0"],
    }  # fmt: skip
    assert request.headers["content-type"] == "application/x-tar"
    assert request.headers["transfer-encoding"] == "chunked"
    assert request.files == {"Dockerfile": SCRATCH}
    shown = capsys.readouterr()
    assert shown.out == f"Sending build context to Docker daemon  2.048kB\n{SHOWN}"
    assert shown.err == ""


def test_three_names_of_one_command(app: Path) -> None:
    for words in (("build",), ("image", "build"), ("builder", "build")):
        with BuildRecorder() as engine:
            assert main_words(engine.host, app, *words, "-q", "app") == 0
            assert engine.request.query["dockerfile"] == ["Dockerfile"]


def test_quiet_shows_what_the_engine_says_of_the_image_alone(app: Path, capsys) -> None:
    words = ("-q", "--iidfile", "iid")
    request = build(app, *words, "app", messages=[{"stream": f"{IMAGE_ID}\n"}])
    assert request is not None
    assert request.query["q"] == ["1"]
    assert capsys.readouterr().out == f"{IMAGE_ID}\n"
    assert (app / "iid").read_text() == IMAGE_ID


def test_a_quiet_build_that_fails_shows_what_it_held_back(app: Path, capsys) -> None:
    failed = {
        "errorDetail": {"code": 7, "message": "The command 'x' returned a non-zero code: 7"},
        "error": "The command 'x' returned a non-zero code: 7",
    }
    build(app, "-q", "app", messages=[{"stream": "boom\n"}, failed], status=7)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "boom\nThe command 'x' returned a non-zero code: 7\n"


def test_an_error_without_a_code_ends_with_1_and_its_hint(app: Path, capsys) -> None:
    failed = {
        "errorDetail": {"message": "no such thing", "hint": "make one"},
        "error": "no such thing",
    }
    build(app, "app", messages=[failed], status=1)
    assert capsys.readouterr().err == "no such thing\n→ make one\n"


def test_pulls_are_shown_as_pull_shows_them(app: Path, capsys) -> None:
    pull = [
        {"status": "Pulling from library/busybox", "id": "latest"},
        {"aux": {"current": 1, "total": 2, "layers": 1, "present": 0}},
        {"status": "Downloading", "progressDetail": {"current": 1, "total": 2}, "id": "x"},
        {"status": "Pull complete", "progressDetail": {}, "id": "x"},
    ]
    build(app, "app", messages=[BUILT[0], {"stream": "\n"}, *pull, {"stream": " ---> x\n"}])
    assert capsys.readouterr().out.splitlines()[1:] == [
        "Step 1/1 : FROM scratch", "latest: Pulling from library/busybox", "x: Pull complete",
        " ---> x",
    ]  # fmt: skip


def test_the_id_goes_to_a_file(app: Path, capsys) -> None:
    (app / "iid").write_text("old")
    build(app, "--iidfile", "iid", "app")
    assert (app / "iid").read_text() == IMAGE_ID
    build(app, "--iidfile", "iid", "app", messages=[{"stream": "no id"}], status=1)
    assert not (app / "iid").exists()
    assert "Server did not provide an image ID. Cannot write iid" in capsys.readouterr().err


def test_arguments_come_from_here_and_proxies_from_the_settings(app: Path, monkeypatch) -> None:
    monkeypatch.setenv("HERE", "yes")
    monkeypatch.delenv("NOWHERE", raising=False)
    proxies = {"default": {"httpProxy": "http://p:1", "noProxy": "a"}}
    (app / "config.json").write_text(json.dumps({"proxies": proxies}))
    words = ("--build-arg=HERE", "--build-arg=NOWHERE", "--build-arg=A=1=2", "--build-arg=no_proxy")
    request = build(app, *words, "app")
    assert request is not None
    assert json.loads(request.query["buildargs"][0]) == {
        "HERE": "yes", "NOWHERE": None, "A": "1=2", "HTTP_PROXY": "http://p:1",
        "http_proxy": "http://p:1", "NO_PROXY": "a", "no_proxy": None,
    }  # fmt: skip


# The Dockerfile elsewhere


def test_a_dockerfile_outside_the_context_goes_along_and_hides(app: Path) -> None:
    (app / "other").write_bytes(b"FROM x\n")
    request = build(app, "-f", "other", "app")
    assert request is not None
    (name,) = request.query["dockerfile"]
    assert name.startswith(".dockerfile.")
    assert request.files == {
        "Dockerfile": SCRATCH,
        name: b"FROM x\n",
        ".dockerignore": f".dockerignore\n{name}\n".encode(),
    }


def test_a_dockerfile_from_standard_input(app: Path) -> None:
    (app / "app/.dockerignore").write_text("Dockerfile\n")
    request = build(app, "-f", "-", "app", stdin=b"FROM x\n")
    assert request is not None
    (name,) = request.query["dockerfile"]
    rules = f"Dockerfile\n\n{name}\n".encode()
    assert request.files == {".dockerignore": rules, name: b"FROM x\n"}


def test_the_engine_gets_the_dockerfile_also_where_it_is_ignored(app: Path) -> None:
    (app / "app/.dockerignore").write_text("*\n")
    (app / "app/data").touch()
    request = build(app, "app")
    assert request is not None
    assert request.names == [".dockerignore", "Dockerfile"]


def test_an_ignore_file_of_the_dockerfile_comes_first(app: Path) -> None:
    (app / "app/.dockerignore").write_text("a\n")
    (app / "app/Dockerfile.dockerignore").write_text("# ours\n*\n!a\n")
    for name in ("a", "b"):
        (app / "app" / name).touch()
    request = build(app, "app")
    assert request is not None
    assert request.names == [".dockerignore", "Dockerfile", "Dockerfile.dockerignore", "a"]


def test_an_ignore_file_beside_a_dockerfile_outside(app: Path) -> None:
    (app / "app/.dockerignore").write_text("a\n")
    (app / "other").write_bytes(b"FROM x\n")
    (app / "other.dockerignore").write_text("Dockerfile\n")
    (app / "app/a").touch()
    request = build(app, "-f", "other", "app")
    assert request is not None
    (name,) = request.query["dockerfile"]
    assert request.files == {
        ".dockerignore": b"a\n",
        "a": b"",
        name: b"FROM x\n",
        f"{name}.dockerignore": f"Dockerfile\n\n{name}\n{name}.dockerignore\n".encode(),
    }


def test_a_broken_pattern(app: Path, capsys) -> None:
    (app / "app/.dockerignore").write_text("[a\n")
    assert build(app, "app", status=1) is None
    assert capsys.readouterr().err == "error checking context: syntax error in pattern\n"


# Standard input


def test_a_dockerfile_alone_on_standard_input(app: Path) -> None:
    request = build(app, "-", stdin=SCRATCH)
    assert request is not None
    assert request.query["dockerfile"] == ["Dockerfile"]
    assert request.files == {"Dockerfile": SCRATCH}


@pytest.mark.parametrize("packed", [False, True])
def test_an_archive_on_standard_input_goes_as_it_is(app: Path, packed: bool) -> None:
    folder = build(app, "app")
    assert folder is not None
    archive = gzip.compress(folder.body) if packed else folder.body
    request = build(app, "-f", "docker/dev", "-", stdin=archive)
    assert request is not None
    assert request.body == archive
    assert request.query["dockerfile"] == ["docker/dev"]
    unnamed = build(app, "-", stdin=archive)
    assert unnamed is not None
    assert "dockerfile" not in unnamed.query


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-f", "-", "-"),
         "invalid argument: can't use stdin for both build context and dockerfile"),
        (("-f", "x", "-"), "unable to prepare context: ambiguous Dockerfile source: both stdin and "
                           "flag correspond to Dockerfiles"),
        (("nope",), 'unable to prepare context: path "nope" not found'),
    ],
)  # fmt: skip
def test_contexts_that_cannot_be(app: Path, capsys, words: tuple[str, ...], message: str) -> None:
    assert build(app, *words, stdin=SCRATCH, status=1) is None
    assert capsys.readouterr().err == f"{message}\n"


def test_a_compressed_context(app: Path) -> None:
    request = build(app, "--compress", "app")
    assert request is not None
    assert request.body[:2] == b"\x1f\x8b"
    assert request.files == {"Dockerfile": SCRATCH}


# Mistakes


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-t", "x:y:z"),
         'invalid argument "x:y:z" for "-t, --tag" flag: invalid reference format'),
        (("-t", "B"), 'invalid argument "B" for "-t, --tag" flag: invalid reference format: '
                      "repository name (library/B) must be lowercase"),
        (("--build-arg", "=x"),
         'invalid argument "=x" for "--build-arg" flag: invalid environment variable: =x'),
        (("--provenance", "max"),
         'invalid argument "max" for "--provenance" flag: budu makes no attestations'),
        (("-o", "out"), 'invalid argument "out" for "-o, --output" flag: budu keeps what it builds '
                        "as an image in the engine"),
        (("--cache-from", "type=gha"),
         'invalid argument "type=gha" for "--cache-from" flag: budu takes a cache from images '
         "only: type=registry,ref=NAME"),
        (("--builder", "far"),
         'invalid argument "far" for "--builder" flag: no builder "far" found'),
    ],
)  # fmt: skip
def test_values_that_cannot_be(app: Path, capsys, words: tuple[str, ...], message: str) -> None:
    assert build(app, *words, "app", status=125) is None
    assert capsys.readouterr().err.splitlines()[0] == message


@pytest.mark.parametrize(
    ("word", "owner"),
    [("--secret=id=x", "sessions"), ("--ssh=default", "sessions"),
     ("--cache-to=type=inline", "cache exporters"), ("--push", "exporters; use budu push")],
)  # fmt: skip
def test_flags_that_only_buildkit_has(app: Path, capsys, word: str, owner: str) -> None:
    assert build(app, word, "app", status=1) is None
    flag = word.partition("=")[0]
    assert capsys.readouterr().err == (
        f"{flag} is not available in budu: it belongs to BuildKit's {owner}\n"
    )


def test_flags_of_buildkit_that_ask_for_what_happens_anyway(app: Path) -> None:
    words = ("--load", "--provenance=false", "--sbom=false", "--output=type=docker", "--builder",
             "default", "--progress=tty", "--cache-from=type=registry,ref=a/b")  # fmt: skip
    request = build(app, *words, "app")
    assert request is not None
    assert request.query == {
        "dockerfile": ["Dockerfile"], "version": ["1"], "cachefrom": ['["a/b"]'],
    }  # fmt: skip


def test_no_context_beside_a_dockerfile(app: Path, capsys, monkeypatch) -> None:
    sentence = "budu: 'budu build' requires 1 argument\n\nUsage:  budu build [OPTIONS] PATH | URL"
    assert build(app, status=1) is None
    assert "→" not in capsys.readouterr().err
    monkeypatch.chdir("app")
    assert build(app, status=1) is None
    shown = capsys.readouterr().err
    assert shown.startswith(sentence)
    assert shown.endswith("\n→ There is a Dockerfile in this folder: budu build .\n")


def test_an_engine_that_refuses_before_it_read_everything(app: Path, capsys) -> None:
    make_large(app / "app/large")
    with ScriptedServer(refusal("dockerfile parse error line 1: unknown instruction: X",
                                "400 Bad Request")) as server:  # fmt: skip
        assert run(server, app, "build", "app") == 1
    assert capsys.readouterr().err == (
        "Error response from daemon: dockerfile parse error line 1: unknown instruction: X\n"
    )


def test_the_line_of_a_context_that_was_refused_is_taken_away(app: Path) -> None:
    out = Terminal()
    make_large(app / "app/large")
    with ScriptedServer(refusal("no", "400 Bad Request")) as server:
        context = Context({"BUDU_HOST": f"unix://{server.path}", "DOCKER_CONFIG": "."}, out=out)
        call = parse(BUILD, "budu build", ["app"])
        assert call is not None
        with pytest.raises(InvalidArgument):
            BUILD.run(context, call)
        assert out.getvalue().endswith("\r\x1b[2K")


def test_what_makes_a_context_large_is_told_to_a_person(app: Path) -> None:
    (app / "app/node_modules").mkdir()
    with (app / "app/node_modules/x").open("wb") as file:
        file.truncate(120_000_000)
    (app / "app/small").write_text("small")
    err = Terminal()
    with BuildRecorder() as engine:
        settings = {"BUDU_HOST": engine.host, "DOCKER_CONFIG": "."}
        context = Context(settings, out=io.StringIO(), err=err)
        call = parse(BUILD, "budu build", ["app"])
        assert call is not None
        assert BUILD.run(context, call) == 0
    assert err.getvalue() == (
        "→ 120MB of the context were node_modules. If no step needs it: "
        "echo node_modules >> .dockerignore\n"
    )


@pytest.mark.parametrize(
    ("weights", "burden"),
    [
        ({}, None),
        ({"a": 99_000_000}, None),
        ({"a": 200_000_000, "b": 150_000_000, "c": 100_000_000}, None),
        ({"a": 10, "b": 150_000_000, "c": 100_000_000}, ("b", 150_000_000)),
    ],
)
def test_what_stands_out(weights: dict[str, int], burden: tuple[str, int] | None) -> None:
    assert Prepared((), "Dockerfile", weights).burden == burden


def make_large(path: Path) -> None:
    """More than the buffers between two processes take."""
    with path.open("wb") as file:
        file.truncate(64 << 20)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


# Credentials


def test_everything_that_is_kept_goes_along(app: Path) -> None:
    (app / "config.json").write_text(
        json.dumps({"auths": {"h:5": {"auth": "YW5uOnB3"}, "none": {}}})
    )
    request = build(app, "app")
    assert request is not None
    assert json.loads(urlsafe_b64decode(request.headers["x-registry-config"])) == {
        "h:5": {"username": "ann", "password": "pw", "serveraddress": "h:5"}
    }


def test_helpers_are_asked_and_one_that_fails_is_told(app: Path, capsys, monkeypatch) -> None:
    helper = app / "docker-credential-wallet"
    helper.write_text(
        '#!/bin/sh\nread server\ncase "$1 $server" in\n'
        """list*) echo '{"a:1":"ann","b:1":"bob"}';;\n"""
        """get\\ a:1) echo '{"Username":"ann","Secret":"pw"}';;\n"""
        "*) echo locked; exit 1;;\nesac\n"
    )
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{app}:{os.environ['PATH']}")
    (app / "config.json").write_text(json.dumps({"credsStore": "wallet"}))
    request = build(app, "app")
    assert request is not None
    known = json.loads(urlsafe_b64decode(request.headers["x-registry-config"]))
    assert list(known) == ["a:1"]
    assert capsys.readouterr().err == (
        "→ error get credentials - err: exit status 1, out: `locked`\n"
    )


# The cache


def test_pruning_the_cache(tmp_path, capsys) -> None:
    went = answer(b'{"CachesDeleted":["one","two"],"SpaceReclaimed":1500}')
    words = ("builder", "prune", "-f", "-a", "--filter", "until=24h", "--keep-storage", "1k")
    with ScriptedServer(went) as server:
        assert run(server, tmp_path, *words) == 0
        line = server.requests[0].split(b"\r\n")[0].decode()
    assert line.startswith("POST /build/prune?all=1&filters=%7B%22until%22%3A%5B%2224h%22%5D%7D&")
    assert "keep-storage=1024 " in line
    assert capsys.readouterr().out == (
        "Deleted build cache objects:\none\ntwo\n\nTotal reclaimed space: 1.5kB\n"
    )


@pytest.mark.parametrize(("flags", "what"), [((), "all dangling"), (("-a",), "all")])
def test_pruning_the_cache_asks_first(
    tmp_path, capsys, monkeypatch, flags: tuple[str, ...], what: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    with ScriptedServer() as server:
        assert run(server, tmp_path, "builder", "prune", *flags) == 0
    assert capsys.readouterr().out == (
        f"WARNING! This will remove {what} build cache. Are you sure you want to continue? [y/N] "
    )

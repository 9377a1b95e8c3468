"""`create`, `run` and `pull`: what is asked for, in which order, and what is shown."""

from __future__ import annotations

import json

import pytest
from cli_engine import CREATED, ID, NO_CONTENT, refusal, requests_of, run
from tests.fakes.scripted_http import ScriptedServer, answer

from budu.cli.commands.run import status_of


def test_create_pulls_a_missing_image_and_tries_again(tmp_path, capsys) -> None:
    missing = refusal("No such image: httpd:latest", "404 Not Found")
    progress = answer(b'{"status":"Pulling from library/httpd","id":"latest"}\n')
    with ScriptedServer(missing, progress, CREATED) as server:
        assert run(server, tmp_path, "create", "--name", "web", "httpd") == 0
        assert requests_of(server) == [
            "POST /containers/create?name=web",
            "POST /images/create?fromImage=httpd&tag=latest",
            "POST /containers/create?name=web",
        ]
    shown = capsys.readouterr()
    assert shown.out == f"{ID}\n"
    assert shown.err.startswith("Unable to find image 'httpd:latest' locally\n")


def test_create_does_not_pull_when_told_never(tmp_path, capsys) -> None:
    with ScriptedServer(refusal("No such image: x:latest", "404 Not Found")) as server:
        assert run(server, tmp_path, "create", "--pull", "never", "x1") == 1
    assert capsys.readouterr().err == "Error response from daemon: No such image: x:latest\n"


def test_create_pulls_first_when_told_always(tmp_path) -> None:
    with ScriptedServer(answer(b""), CREATED) as server:
        assert run(server, tmp_path, "create", "-q", "--pull=always", "h:5/x:1") == 0
        assert requests_of(server)[0] == "POST /images/create?fromImage=h%3A5%2Fx&tag=1"


def test_create_keeps_the_id_in_a_file_and_shows_warnings(tmp_path, capsys) -> None:
    body = json.dumps({"Id": ID, "Warnings": ["no swap here"]}).encode()
    path = tmp_path / "cid"
    with ScriptedServer(answer(body, status="201 Created")) as server:
        assert run(server, tmp_path, "create", "--cidfile", str(path), "busybox") == 0
    assert path.read_text() == ID
    assert capsys.readouterr().err == "WARNING: no swap here\n"


def test_an_id_file_goes_when_no_container_was_made(tmp_path) -> None:
    path = tmp_path / "cid"
    with ScriptedServer(refusal("bad", "400 Bad Request")) as server:
        assert run(server, tmp_path, "create", "--cidfile", str(path), "busybox") == 1
    assert not path.exists()


def test_an_id_file_that_exists_is_not_touched(tmp_path, capsys) -> None:
    path = tmp_path / "cid"
    path.write_text("old")
    with ScriptedServer() as server:
        assert run(server, tmp_path, "run", "--cidfile", str(path), "busybox") == 125
    assert path.read_text() == "old"
    assert "container ID file found" in capsys.readouterr().err


def test_run_detached_prints_the_id(tmp_path, capsys) -> None:
    with ScriptedServer(CREATED, NO_CONTENT) as server:
        assert run(server, tmp_path, "run", "-d", "busybox") == 0
        assert requests_of(server)[1] == f"POST /containers/{ID}/start"
        body = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
    assert not (body["AttachStdout"] or body["AttachStderr"] or body["AttachStdin"])
    assert capsys.readouterr().out == f"{ID}\n"


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ('exec: "x": executable file not found in $PATH: unknown', 127),
        ('exec: "/x": stat /x: no such file or directory', 127),
        ('exec: "/x": permission denied: unknown', 126),
        ('exec: "/etc": is a directory: unknown', 126),
        ("port is already allocated", 125),
    ],
)
def test_run_returns_dockers_status_for_a_refused_start(
    message: str, status: int, tmp_path, capsys
) -> None:
    assert status_of(message) == status
    start = refusal(message, "400 Bad Request")
    with ScriptedServer(CREATED, start) as server:
        assert run(server, tmp_path, "run", "-d", "busybox") == status
    assert capsys.readouterr().err == (
        f"budu: Error response from daemon: {message}\n\n"
        "Run 'budu run --help' for more information\n"
    )


def test_pull_shows_dockers_lines_and_the_full_name(tmp_path, capsys) -> None:
    lines = b'{"status":"Pulling from library/httpd","id":"latest"}\n{"status":"Status: done"}\n'
    with ScriptedServer(answer(lines)) as server:
        assert run(server, tmp_path, "pull", "httpd") == 0
    assert capsys.readouterr().out == (
        "Using default tag: latest\nlatest: Pulling from library/httpd\nStatus: done\n"
        "docker.io/library/httpd:latest\n"
    )


def test_pull_quietly_prints_the_name_alone(tmp_path, capsys) -> None:
    with ScriptedServer(answer(b'{"status":"x"}\n')) as server:
        assert run(server, tmp_path, "pull", "-q", "httpd:2.4") == 0
    assert capsys.readouterr().out == "docker.io/library/httpd:2.4\n"


def test_pull_ends_with_the_error_of_the_stream(tmp_path, capsys) -> None:
    lines = b'{"errorDetail":{"message":"disk full","hint":"free some"},"error":"disk full"}\n'
    with ScriptedServer(answer(lines)) as server:
        assert run(server, tmp_path, "pull", "httpd") == 1
    shown = capsys.readouterr()
    assert shown.err == "disk full\n→ free some\n"
    assert "docker.io" not in shown.out

"""Commands against a scripted engine: what they send, print and return."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.scripted_http import ScriptedServer, answer, raw

from budu.cli.advice import unpublished_port
from budu.cli.commands.port import all_lines
from budu.cli.commands.run import status_of
from budu.cli.launcher import first_line, write_launcher
from budu.cli.main import main
from budu.cli.moments import moment
from budu.cli.names import is_id, parse_name

ID = "c0ffee" * 10 + "c0ff"
CREATED = answer(json.dumps({"Id": ID, "Warnings": []}).encode(), status="201 Created")
NO_CONTENT = raw(b"HTTP/1.1 204 No Content\r\n\r\n")


def refusal(message: str, status: str) -> object:
    return answer(json.dumps({"message": message}).encode(), status=status)


def run(server: ScriptedServer, folder: Path, *words: str, **environ: str) -> int:
    settings = {"BUDU_HOST": f"unix://{server.path}", "DOCKER_CONFIG": str(folder), **environ}
    return main(list(words), settings)


def requests_of(server: ScriptedServer) -> list[str]:
    return [" ".join(request.decode().split(" ", 2)[:2]) for request in server.requests]


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


def test_many_names_go_on_after_an_error(tmp_path, capsys) -> None:
    gone = refusal("No such container: b1", "404 Not Found")
    with ScriptedServer(NO_CONTENT, gone, NO_CONTENT) as server:
        assert run(server, tmp_path, "stop", "-t", "3", "a1", "b1", "c1") == 1
        assert requests_of(server)[0] == "POST /containers/a1/stop?t=3"
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == (
        "a1\nc1\n", "Error response from daemon: No such container: b1\n"
    )  # fmt: skip


def test_rm_by_force_forgives_a_missing_container(tmp_path) -> None:
    gone = refusal("No such container: b1", "404 Not Found")
    with ScriptedServer(NO_CONTENT, gone) as server:
        assert run(server, tmp_path, "rm", "-fv", "a1", "b1") == 0
        assert requests_of(server)[0] == "DELETE /containers/a1?force=1&v=1"


def test_system_prune_tells_all_that_went(tmp_path, capsys) -> None:
    containers = answer(b'{"ContainersDeleted":["c1"],"SpaceReclaimed":1000}')
    images = answer(b'{"ImagesDeleted":[{"Untagged":"x:1"},{"Deleted":"i"}],"SpaceReclaimed":500}')
    networks = answer(b'{"NetworksDeleted":["n1"]}')
    builds = answer(b'{"CachesDeleted":["b1"],"SpaceReclaimed":1}')
    with ScriptedServer(containers, networks, images, builds) as server:
        assert run(server, tmp_path, "system", "prune", "-f") == 0
        assert [each.partition("?")[0] for each in requests_of(server)] == [
            "POST /containers/prune",
            "POST /networks/prune",
            "POST /images/prune",
            "POST /build/prune",
        ]
    assert capsys.readouterr().out == (
        "Deleted Containers:\nc1\n\nDeleted Networks:\nn1\n\n"
        "Deleted Images:\nuntagged: x:1\ndeleted: i\n\n"
        "Deleted build cache objects:\nb1\n\nTotal reclaimed space: 1.501kB\n"
    )


def test_system_prune_ends_with_the_first_failure(tmp_path, capsys) -> None:
    with ScriptedServer(refusal("a prune operation is already running", "409 X")) as server:
        assert run(server, tmp_path, "system", "prune", "-f") == 1
    assert "a prune operation is already running" in capsys.readouterr().err


def test_system_prune_says_what_it_would_remove(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    (tmp_path / "config.json").write_text('{"pruneFilters": ["label!=a", "label=kept"]}')
    words = ["system", "prune", "--volumes", "-a", "--filter", "label=x", "--filter", "label!=kept"]
    with ScriptedServer() as server:
        assert run(server, tmp_path, *words) == 0
    assert capsys.readouterr().out == (
        "WARNING! This will remove:\n"
        "  - all stopped containers\n"
        "  - all networks not used by at least one container\n"
        "  - all anonymous volumes not used by at least one container\n"
        "  - all images without at least one container associated to them\n"
        "  - all build cache\n\n"
        "  Items to be pruned will be filtered with:\n"
        "  - label!=a\n"
        "  - label!=kept\n"
        "  - label=x\n\n"
        "Are you sure you want to continue? [y/N] "
    )


def test_volume_prune_of_all_asks_and_filters(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with ScriptedServer(answer(b'{"VolumesDeleted":["v"],"SpaceReclaimed":1}')) as server:
        assert run(server, tmp_path, "volume", "prune", "-a") == 0
        assert requests_of(server) == [
            "POST /volumes/prune?filters=%7B%22all%22%3A%5B%22true%22%5D%7D"
        ]
    assert capsys.readouterr().out == (
        "WARNING! This will remove all local volumes not used by at least one container.\n"
        "Are you sure you want to continue? [y/N] Deleted Volumes:\nv\n\n"
        "Total reclaimed space: 1B\n"
    )


def test_commit_passes_its_flags_on(tmp_path, capsys) -> None:
    with ScriptedServer(answer(b'{"Id":"sha256:1"}', status="201 Created")) as server:
        words = ["commit", "-a", "me", "-m", "why", "-c", "CMD a", "-c", "ENV b=c", "--no-pause"]
        assert run(server, tmp_path, *words, "web", "mine") == 0
        assert requests_of(server) == [
            "POST /commit?container=web&repo=mine&tag=latest&comment=why&author=me"
            "&changes=CMD%20a&changes=ENV%20b%3Dc&pause=0"
        ]
    assert capsys.readouterr().out == "sha256:1\n"


def test_diff_prints_letters(tmp_path, capsys) -> None:
    rows = b'[{"Kind":0,"Path":"/a"},{"Kind":1,"Path":"/a/b"},{"Kind":2,"Path":"/c"}]'
    with ScriptedServer(answer(rows)) as server:
        assert run(server, tmp_path, "diff", "web") == 0
    assert capsys.readouterr().out == "C /a\nA /a/b\nD /c\n"


def test_export_into_a_file_is_whole_or_not_there(tmp_path, capsys) -> None:
    target = tmp_path / "web.tar"
    with ScriptedServer(answer(b"x" * 1024)) as server:
        assert run(server, tmp_path, "export", "-o", str(target), "web") == 0
    assert target.read_bytes() == b"x" * 1024
    with ScriptedServer(refusal("No such container: no", "404 X")) as server:
        assert run(server, tmp_path, "export", "-o", str(tmp_path / "no.tar"), "no") == 1
    assert sorted(each.name for each in tmp_path.iterdir()) == ["web.tar"]


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("/nonexistent/x", "invalid output path: stat /nonexistent: no such file or directory"),
        ("/proc", "cannot write to a directory"),
    ],
)
def test_export_refuses_where_nothing_can_be_put(tmp_path, capsys, target, sentence) -> None:
    with ScriptedServer() as server:
        assert run(server, tmp_path, "export", "-o", target, "web") == 1
    assert capsys.readouterr().err == f"failed to export container: {sentence}\n"


def test_import_sends_a_file_and_prints_the_id(tmp_path, capsys) -> None:
    (tmp_path / "x.tar").write_bytes(b"archive")
    with ScriptedServer(answer(b'{"status":"sha256:1"}\r\n')) as server:
        words = ["import", "-m", "why", "-c", "CMD a", str(tmp_path / "x.tar"), "mine:1"]
        assert run(server, tmp_path, *words) == 0
        assert requests_of(server) == [
            "POST /images/create?fromSrc=-&repo=mine%3A1&message=why&changes=CMD%20a"
        ]
    assert capsys.readouterr().out == "sha256:1\n"


def test_import_lets_the_engine_fetch_a_url(tmp_path, capsys) -> None:
    lines = (
        b'{"status":"Downloading from http://x/y"}\r\n'
        b'{"status":"Importing","progressDetail":{"current":1,"total":2},"progress":"[>]"}\r\n'
        b'{"status":"sha256:1"}\r\n'
    )
    with ScriptedServer(answer(lines)) as server:
        assert run(server, tmp_path, "import", "http://x/y") == 0
        assert requests_of(server) == ["POST /images/create?fromSrc=http%3A%2F%2Fx%2Fy"]
    assert capsys.readouterr().out == "Downloading from http://x/y\nsha256:1\n"


def test_volume_ls_of_an_engine_that_is_not_budu(tmp_path, capsys) -> None:
    missing = answer(b'{"message":"page not found"}', status="404 Not Found")
    listed = answer(
        b'{"Volumes":[{"Name":"data","Driver":"local","Scope":"local","Mountpoint":"/m"}]}'
    )
    with ScriptedServer(missing, listed) as server:
        assert run(server, tmp_path, "volume", "ls") == 0
        assert requests_of(server) == ["GET /budu/volumes?size=1", "GET /volumes"]
    assert capsys.readouterr().out == "DRIVER    VOLUME NAME\nlocal     data\n"


@pytest.mark.parametrize(
    ("words", "reply", "request_"),
    [
        (["--format", "{{.Name}}"], b"[]", "GET /budu/volumes"),
        (["-q"], b'{"Volumes":[]}', "GET /volumes"),
    ],
)
def test_volume_ls_of_names_does_not_ask_for_sizes(
    tmp_path, capsys, words: list[str], reply: bytes, request_: str
) -> None:
    with ScriptedServer(answer(reply)) as server:
        assert run(server, tmp_path, "volume", "ls", *words) == 0
        assert requests_of(server) == [request_]
    assert capsys.readouterr().out == ""


def test_volume_rm_goes_on_after_an_error(tmp_path, capsys) -> None:
    replies = (refusal("get a: no such volume", "404 X"), answer(b"", status="204 No Content"))
    with ScriptedServer(*replies) as server:
        assert run(server, tmp_path, "volume", "rm", "a", "b") == 1
    shown = capsys.readouterr()
    assert shown.out == "b\n"
    assert "no such volume" in shown.err


def test_prune_asks_and_takes_silence_for_no(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with ScriptedServer() as server:
        assert run(server, tmp_path, "container", "prune") == 0
        assert server.requests == []
    assert capsys.readouterr().out.endswith("[y/N] ")


def test_wait_prints_the_codes(tmp_path, capsys) -> None:
    with ScriptedServer(answer(b'{"StatusCode":3}')) as server:
        assert run(server, tmp_path, "wait", "a1") == 0
    assert capsys.readouterr().out == "3\n"


def test_logs_keep_the_streams_apart(tmp_path, capfd) -> None:
    inspected = answer(b'{"Id":"i1","Config":{"Tty":false}}')
    frames = b"\1\0\0\0\0\0\0\3out" + b"\2\0\0\0\0\0\0\3err"
    with ScriptedServer(inspected, answer(frames)) as server:
        assert run(server, tmp_path, "logs", "-n", "5", "--since", "12.5", "a1") == 0
        assert requests_of(server)[1] == (
            "GET /containers/i1/logs?stdout=1&stderr=1&tail=5&since=12.5"
        )
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("out", "err")


def test_ps_asks_for_what_was_filtered(tmp_path, capsys) -> None:
    with ScriptedServer(answer(b"[]")) as server:
        assert run(server, tmp_path, "ps", "-a", "-n", "2", "-f", "name=x", "-f", "name=y") == 0
        line = requests_of(server)[0]
    assert line.startswith("GET /containers/json?all=1&limit=2&filters=")
    assert capsys.readouterr().out.startswith("CONTAINER ID ")


def test_ps_takes_its_format_from_the_settings(tmp_path, capsys) -> None:
    (tmp_path / "config.json").write_text('{"psFormat": "table {{.Names}}"}')
    with ScriptedServer(answer(b"[]")) as server:
        assert run(server, tmp_path, "ps") == 0
    assert capsys.readouterr().out == "NAMES\n"


def test_images_of_a_name_are_filtered_by_the_engine(tmp_path) -> None:
    with ScriptedServer(answer(b"[]")) as server:
        assert run(server, tmp_path, "images", "httpd") == 0
        assert requests_of(server)[0] == (
            "GET /images/json?filters=%7B%22reference%22%3A%5B%22httpd%22%5D%7D"
        )


def test_inspect_looks_for_every_kind_and_prints_what_it_found(tmp_path, capsys) -> None:
    gone = refusal("none", "404 Not Found")
    with ScriptedServer(gone, answer(b'{"Id":"x"}'), gone, gone, gone, gone) as server:
        assert run(server, tmp_path, "inspect", "httpd", "nothing") == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out) == [{"Id": "x"}]
    assert shown.err == "error: no such object: nothing\n"


def test_tag_splits_the_new_name(tmp_path) -> None:
    with ScriptedServer(answer(status="201 Created")) as server:
        assert run(server, tmp_path, "tag", "a1", "h:5000/b") == 0
        assert requests_of(server)[0] == "POST /images/a1/tag?repo=h%3A5000%2Fb&tag=latest"


def test_login_keeps_what_the_registry_took(tmp_path, capsys) -> None:
    with ScriptedServer(answer(b'{"Status":"Login Succeeded","IdentityToken":""}')) as server:
        assert run(server, tmp_path, "login", "-u", "me", "-p", "pw", "h:5000") == 0
        sent = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
    assert sent == {"username": "me", "password": "pw", "serveraddress": "h:5000"}
    assert "h:5000" in json.loads((tmp_path / "config.json").read_text())["auths"]
    shown = capsys.readouterr()
    assert shown.out == "Login Succeeded\n"
    assert "unencrypted" in shown.err
    with ScriptedServer() as server:
        assert run(server, tmp_path, "logout", "h:5000") == 0
    assert json.loads((tmp_path / "config.json").read_text())["auths"] == {}


def test_login_keeps_nothing_that_was_refused(tmp_path, capsys) -> None:
    denied = refusal("unauthorized: incorrect username or password", "401 Unauthorized")
    with ScriptedServer(denied) as server:
        assert run(server, tmp_path, "login", "-u", "me", "-p", "no", "h:5000") == 1
    assert not (tmp_path / "config.json").exists()
    assert "incorrect username or password" in capsys.readouterr().err


def test_credentials_go_with_a_pull(tmp_path) -> None:
    entry = {"auths": {"h:5000": {"auth": "bWU6cHc="}}}
    (tmp_path / "config.json").write_text(json.dumps(entry))
    with ScriptedServer(answer(b"")) as server:
        assert run(server, tmp_path, "pull", "-q", "h:5000/x:1") == 0
        assert b"\r\nX-Registry-Auth: eyJ" in server.requests[0]


def test_an_engines_hint_is_asked_for_in_the_persons_language(tmp_path, capsys) -> None:
    body = json.dumps({"message": "m", "hint": "포트를 바꾸세요"}).encode()
    with ScriptedServer(answer(body, status="409 Conflict")) as server:
        assert run(server, tmp_path, "start", "a1", LANG="ko_KR.UTF-8") == 1
        assert b"\r\nAccept-Language: ko\r\n" in server.requests[0]
    assert "→ 포트를 바꾸세요\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "familiar", "canonical"),
    [
        ("httpd", "httpd:latest", "docker.io/library/httpd:latest"),
        ("me/app:1.0", "me/app:1.0", "docker.io/me/app:1.0"),
        ("localhost/x", "localhost/x:latest", "localhost/x:latest"),
        ("h:5000/x:1", "h:5000/x:1", "h:5000/x:1"),
        ("docker.io/library/httpd", "httpd:latest", "docker.io/library/httpd:latest"),
        ("x1@sha256:" + "a" * 64, "x1@sha256:" + "a" * 64,
         "docker.io/library/x1@sha256:" + "a" * 64),
    ],
)  # fmt: skip
def test_names(text: str, familiar: str, canonical: str) -> None:
    name = parse_name(text).with_default_tag()
    assert (name.familiar, name.canonical) == (familiar, canonical)


def test_the_quick_reading_of_names_agrees_with_the_slow_one() -> None:
    from budu.base.errors import InvalidArgument
    from budu.spec.reference import parse_reference

    texts = ["a", "a.b", "a..b", "a__b", "a_b/c-d", "a/b/c:T_1.x", "a:", "a:-x", "a.b/c", "-a",
             "a-", "a//b", "a:1:2", "h.x/library/y", "a-b--c", "localhost/a", "a.b"]  # fmt: skip
    for text in texts:
        try:
            slow = parse_reference(text)
        except InvalidArgument:
            with pytest.raises(InvalidArgument):
                parse_name(text)
        else:
            assert parse_name(text).familiar == slow.familiar
            assert parse_name(text).canonical == str(slow)


def test_ids_are_no_names() -> None:
    assert is_id("a" * 64)
    assert is_id("sha256:" + "0" * 64)
    assert not is_id("a" * 63)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1700000000", "1700000000"),
        ("1700000000.5", "1700000000.5"),
        ("90s", "10.000000000"),
        ("1m39.5s", "0.500000000"),
        ("2013-01-02T13:23:37Z", "1357133017.000000000"),
        ("2013-01-02T13:23:37.123456789Z", "1357133017.123456789"),
        ("2013-01-02T13:23:37+09:00", "1357100617.000000000"),
    ],
)
def test_moments(text: str, expected: str) -> None:
    assert moment(text, 100_000_000_000) == expected


def test_a_moment_that_is_none_is_refused(tmp_path, capsys) -> None:
    with ScriptedServer(answer(b'{"Id":"i1","Config":{}}')) as server:
        assert run(server, tmp_path, "logs", "--since", "yesterday", "a1") == 1
    assert 'invalid value for "since"' in capsys.readouterr().err


def test_lines_of_published_ports() -> None:
    ports = {
        "443/tcp": None,
        "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}],
        "53/udp": [{"HostIp": "127.0.0.1", "HostPort": "53"}],
    }
    assert all_lines(ports) == [
        "53/udp -> 127.0.0.1:53", "80/tcp -> 0.0.0.0:8080", "80/tcp -> [::]:8080",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("exposed", "host_config", "port"),
    [
        ({"443/tcp": {}, "80/tcp": {}, "53/udp": {}}, {"NetworkMode": "default"}, 80),
        ({"80/tcp": {}}, {"NetworkMode": "default", "PortBindings": {"80/tcp": [{}]}}, 0),
        ({"80/tcp": {}}, {"NetworkMode": "host"}, 0),
        ({"80/tcp": {}}, {"NetworkMode": "bridge", "PublishAllPorts": True}, 0),
        ({}, {"NetworkMode": "default"}, 0),
    ],
)
def test_a_port_that_nobody_can_reach(exposed: dict, host_config: dict, port: int) -> None:
    container = {"Config": {"ExposedPorts": exposed}, "HostConfig": host_config}
    assert unpublished_port(container) == port


def test_the_launcher_runs_without_site(tmp_path: Path) -> None:
    program = write_launcher(tmp_path)
    assert program.read_text().startswith(f"#!{sys.executable} -IS\n")
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("budu version ")


def test_the_launcher_bears_a_long_path_with_blanks(tmp_path: Path) -> None:
    folder = tmp_path / ("a long folder's name " * 8)
    folder.mkdir()
    python = folder / "python"
    os.symlink(sys.executable, python)
    assert first_line(str(python)).startswith("#!/bin/sh\n")
    program = write_launcher(tmp_path, python=str(python))
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("budu version ")

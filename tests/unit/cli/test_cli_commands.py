"""Commands against a scripted engine: what they send, print and return."""

from __future__ import annotations

import io
import json

import pytest
from cli_engine import NO_CONTENT, refusal, requests_of, run
from tests.fakes.scripted_http import ScriptedServer, answer


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

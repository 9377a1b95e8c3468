"""`commit`, `diff`, `export` and `import`."""

from __future__ import annotations

import pytest
from cli_engine import refusal, requests_of, run
from tests.fakes.scripted_http import ScriptedServer, answer


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

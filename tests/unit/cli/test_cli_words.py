"""Names, moments and ports as people write them; the launcher."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_engine import run
from tests.fakes.scripted_http import ScriptedServer, answer

from budu.cli.advice import unpublished_port
from budu.cli.commands.port import all_lines
from budu.cli.launcher import first_line, front_line, write_launcher
from budu.cli.moments import moment
from budu.cli.names import is_id, parse_name


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
    first = program.read_text().partition("\n")[0]
    assert first in (f"#!{sys.executable} -IS", f"#!{tmp_path}/budu-front {sys.executable}")
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("budu version ")


@pytest.mark.parametrize(
    ("front", "line"),
    [
        ("/opt/budu-front", "#!/opt/budu-front /usr/bin/python3"),
        ("/opt/a folder/budu-front", ""),
        (f"/opt/{'x' * 100}/budu-front", ""),
    ],
)
def test_the_kernel_reads_only_short_first_lines(front: str, line: str) -> None:
    assert front_line(front, "/usr/bin/python3") == line


def test_the_launcher_bears_a_long_path_with_blanks(tmp_path: Path) -> None:
    folder = tmp_path / ("a long folder's name " * 8)
    folder.mkdir()
    python = folder / "python"
    os.symlink(sys.executable, python)
    assert first_line(str(python)).startswith("#!/bin/sh\n")
    program = write_launcher(tmp_path, python=str(python))
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("budu version ")

"""Which engine is chosen."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from budu.base.errors import InvalidArgument, NotFound
from budu.client.endpoint import Choice, choose_endpoint, default_socket, parse_host


def make_context(folder: Path, name: str, host: str, *, skip_verify: bool = False) -> str:
    identity = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "contexts" / "meta" / identity
    meta.mkdir(parents=True)
    docker = {"Host": host, "SkipTLSVerify": skip_verify}
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": docker}}))
    return identity


def choose(folder: Path, environ: dict[str, str] | None = None, **how: str):
    return choose_endpoint(Choice(environ or {}, config_folder=str(folder), **how))


def test_host_flag_wins_over_the_environment(tmp_path: Path) -> None:
    chosen = choose(
        tmp_path, {"DOCKER_HOST": "unix:///d", "BUDU_HOST": "unix:///b"}, host="unix:///f"
    )
    assert (chosen.path, chosen.source) == ("/f", "--host")


def test_budu_host_wins_over_docker_host(tmp_path: Path) -> None:
    chosen = choose(tmp_path, {"DOCKER_HOST": "unix:///d", "BUDU_HOST": "unix:///b"})
    assert (chosen.path, chosen.source) == ("/b", "BUDU_HOST")


def test_docker_host_wins_over_contexts(tmp_path: Path) -> None:
    make_context(tmp_path, "far", "tcp://far:2375")
    environ = {"DOCKER_HOST": "unix:///d", "DOCKER_CONTEXT": "far"}
    assert choose(tmp_path, environ, current_context="far").path == "/d"


def test_context_flag_wins_over_docker_host(tmp_path: Path) -> None:
    make_context(tmp_path, "far", "tcp://far:2375")
    chosen = choose(tmp_path, {"DOCKER_HOST": "unix:///d"}, context="far")
    assert (chosen.host, chosen.port) == ("far", 2375)


def test_current_context_is_used_last(tmp_path: Path) -> None:
    make_context(tmp_path, "far", "unix:///far.sock")
    chosen = choose(tmp_path, current_context="far")
    assert chosen.path == "/far.sock"
    assert not chosen.is_default


def test_default_is_the_own_socket_and_may_be_started(tmp_path: Path) -> None:
    chosen = choose(tmp_path, {"XDG_RUNTIME_DIR": "/x"}, current_context="default")
    assert chosen.is_default
    assert chosen.path.endswith("/budu/budu.sock")


def test_default_socket_depends_on_the_user() -> None:
    assert default_socket({}, 0) == "/run/budu/budu.sock"
    assert default_socket({"XDG_RUNTIME_DIR": "/run/user/7"}, 7) == "/run/user/7/budu/budu.sock"
    assert default_socket({}, 8) == "/run/user/8/budu/budu.sock"


def test_host_and_context_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="conflicting options"):
        choose(tmp_path, host="unix:///f", context="far")


def test_missing_context_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match='context "nope": context not found'):
        choose(tmp_path, context="nope")


def test_context_takes_its_certificates(tmp_path: Path) -> None:
    identity = make_context(tmp_path, "far", "tcp://far", skip_verify=True)
    folder = tmp_path / "contexts" / "tls" / identity / "docker"
    folder.mkdir(parents=True)
    (folder / "ca.pem").write_text("x")
    chosen = choose(tmp_path, context="far")
    assert chosen.tls is not None
    assert (chosen.tls.ca, chosen.tls.cert, chosen.tls.verify) == (f"{folder}/ca.pem", "", False)
    assert chosen.port == 2376


def test_tls_variables_apply_to_docker_host(tmp_path: Path) -> None:
    environ = {"DOCKER_HOST": "tcp://far", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"}
    chosen = choose(tmp_path, environ)
    assert chosen.tls is not None
    assert (chosen.tls.key, chosen.tls.verify, chosen.port) == ("/certs/key.pem", True, 2376)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("tcp://h:1", "h", 1),
        ("tcp://h", "h", 2375),
        ("h:9", "h", 9),
        (":9", "localhost", 9),
        ("tcp://[::1]:7", "::1", 7),
        ("tcp://h:1/", "h", 1),
    ],
)
def test_tcp_addresses(text: str, host: str, port: int) -> None:
    endpoint = parse_host(text, "x")
    assert (endpoint.host, endpoint.port) == (host, port)


@pytest.mark.parametrize("text", ["foo://h", "tcp://h:x", "tcp://h:0", "tcp://h:99999", "a/b:1"])
def test_unreadable_addresses_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid bind address format"):
        parse_host(text, "x")

"""config.json and credentials."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from budu.base.errors import Internal, InvalidArgument
from budu.cli.config import ConfigFile, config_folder
from budu.cli.credentials import (
    HUB,
    Credentials,
    find,
    forget,
    keep,
    registry_auth,
    registry_of,
    server_key,
)

HELPER = """#!/bin/sh
store="$(dirname "$0")/kept"
case "$1" in
get) server=$(cat); [ -f "$store" ] && grep -q "\\"$server\\"" "$store" && cat "$store" && exit 0
     echo "credentials not found in native keychain"; exit 1;;
store) cat > "$store";;
erase) cat > /dev/null; rm -f "$store";;
esac
"""
BROKEN_HELPER = "#!/bin/sh\necho 'keychain is locked'\nexit 3\n"


def config_with(folder: Path, document: dict) -> ConfigFile:
    (folder / "config.json").write_text(json.dumps(document))
    return ConfigFile(str(folder))


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts `docker-credential-test` and `docker-credential-broken` on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (("test", HELPER), ("broken", BROKEN_HELPER)):
        program = folder / f"docker-credential-{name}"
        program.write_text(text)
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def test_folder_of_the_settings() -> None:
    assert config_folder({"DOCKER_CONFIG": "/c", "HOME": "/h"}) == "/c"
    assert config_folder({"HOME": "/h"}) == "/h/.docker"


def test_an_absent_file_is_an_empty_document(tmp_path: Path) -> None:
    config = ConfigFile(str(tmp_path / "no"))
    assert (config.document, config.text("psFormat"), config.mapping("auths")) == ({}, "", {})


@pytest.mark.parametrize("text", ["{", "[]", "nope"])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InvalidArgument, match=r"parsing config file \(.*config\.json\)"):
        ConfigFile(str(tmp_path))


def test_saving_keeps_unknown_keys_and_closes_the_file_to_others(tmp_path: Path) -> None:
    config = config_with(tmp_path, {"HttpHeaders": {"X": "y"}})
    keep(config, Credentials("h:5000", "me", "päss:word"))
    document = json.loads((tmp_path / "config.json").read_text())
    assert document["HttpHeaders"] == {"X": "y"}
    assert document["auths"]["h:5000"]["auth"] == base64.b64encode("me:päss:word".encode()).decode()
    assert (tmp_path / "config.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_saving_follows_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real.json"
    real.write_text("{}")
    (tmp_path / "config.json").symlink_to(real)
    keep(ConfigFile(str(tmp_path)), Credentials("h", "me", "x"))
    assert (tmp_path / "config.json").is_symlink()
    assert "h" in json.loads(real.read_text())["auths"]


def test_what_was_kept_is_found_and_forgotten(tmp_path: Path) -> None:
    config = ConfigFile(str(tmp_path))
    assert keep(config, Credentials("h", "me", "pw")) is True
    found = find(ConfigFile(str(tmp_path)), "h")
    assert (found.username, found.password) == ("me", "pw")
    assert forget(config, "h") is True
    assert forget(config, "h") is False
    assert not find(ConfigFile(str(tmp_path)), "h").is_known


def test_old_entries_with_a_scheme_are_found(tmp_path: Path) -> None:
    entry = {"auth": base64.b64encode(b"me:pw").decode()}
    config = config_with(tmp_path, {"auths": {"https://h:5000/v1/": entry}})
    assert find(config, "h:5000").username == "me"


def test_a_broken_entry_is_no_login(tmp_path: Path) -> None:
    assert not find(config_with(tmp_path, {"auths": {"h": {"auth": "%%%"}}}), "h").is_known


@pytest.mark.parametrize(
    ("name", "registry", "key"),
    [
        ("httpd", "docker.io", HUB),
        ("me/app:1", "docker.io", HUB),
        ("index.docker.io/x", "index.docker.io", HUB),
        ("localhost/x", "localhost", "localhost"),
        ("h:5000/a/b", "h:5000", "h:5000"),
    ],
)
def test_which_credentials_belong_to_a_name(name: str, registry: str, key: str) -> None:
    assert registry_of(name) == registry
    assert server_key(registry) == key


def test_the_header_for_a_registry(tmp_path: Path) -> None:
    config = ConfigFile(str(tmp_path))
    assert registry_auth(config, "h:5000/x") == ""
    keep(config, Credentials("h:5000", "me", "??>>"))
    decoded = json.loads(base64.urlsafe_b64decode(registry_auth(config, "h:5000/x")))
    assert decoded == {"username": "me", "password": "??>>", "serveraddress": "h:5000"}


def test_a_helper_keeps_finds_and_erases(tmp_path: Path, helper: Path) -> None:
    config = config_with(tmp_path, {"credsStore": "test"})
    assert not find(config, "h").is_known
    assert keep(config, Credentials("h", "me", "pw")) is False
    assert json.loads((tmp_path / "config.json").read_text())["auths"] == {"h": {}}
    kept = json.loads((helper / "kept").read_text())
    assert kept == {"ServerURL": "h", "Username": "me", "Secret": "pw"}
    found = find(config, "h")
    assert (found.username, found.password) == ("me", "pw")
    assert forget(config, "h") is True
    assert not (helper / "kept").exists()


def test_a_helper_may_be_in_charge_of_one_registry(tmp_path: Path, helper: Path) -> None:
    config = config_with(tmp_path, {"credHelpers": {"h": "test"}})
    keep(config, Credentials("h", "me", "pw", identity_token="tok"))
    keep(config, Credentials("other", "me", "pw"))
    assert find(config, "h").identity_token == "tok"
    assert json.loads((helper / "kept").read_text())["Username"] == "<token>"
    assert "auth" in json.loads((tmp_path / "config.json").read_text())["auths"]["other"]


def test_a_helper_that_fails_is_an_error(tmp_path: Path, helper: Path) -> None:
    with pytest.raises(Internal, match="keychain is locked"):
        find(config_with(tmp_path, {"credsStore": "broken"}), "h")


def test_a_helper_that_is_not_there_is_an_error(tmp_path: Path, helper: Path) -> None:
    with pytest.raises(Internal, match="docker-credential-absent"):
        find(config_with(tmp_path, {"credsStore": "absent"}), "h")


def test_proxies_for_containers(tmp_path: Path) -> None:
    proxies = {"default": {"httpProxy": "http://p", "noProxy": "x"}, "unix:///a": {"ftpProxy": "f"}}
    config = config_with(tmp_path, {"proxies": proxies})
    assert config.proxy_environment("unix:///b") == {
        "HTTP_PROXY": "http://p", "http_proxy": "http://p", "NO_PROXY": "x", "no_proxy": "x",
    }  # fmt: skip
    assert config.proxy_environment("unix:///a") == {"FTP_PROXY": "f", "ftp_proxy": "f"}

"""The engine's settings."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from budu.base.errors import InvalidArgument
from budu.daemon.options import Options
from budu.daemon.settings import read_options
from budu.daemon.settings_file import KEYS


@pytest.fixture
def empty(tmp_path: Path) -> list[str]:
    """Arguments that keep this machine's own settings file out."""
    return with_file(tmp_path, {})


def with_file(folder: Path, values: object) -> list[str]:
    path = folder / "daemon.json"
    path.write_text(json.dumps(values))
    return ["--config-file", str(path)]


def test_defaults_are_the_systems_places(empty: list[str]) -> None:
    options = read_options(empty)
    assert str(options.data_root) == "/var/lib/budu"
    assert options.hosts == ("unix:///run/budu/budu.sock",)
    assert options.pidfile == Path("/run/budu/budu.pid")


def test_socket_and_pid_file_follow_the_exec_root(empty: list[str]) -> None:
    options = read_options([*empty, "--exec-root", "/x"])
    assert (options.hosts, str(options.pidfile)) == (("unix:///x/budu.sock",), "/x/budu.pid")


@pytest.mark.parametrize(
    ("arguments", "field", "value"),
    [
        (
            ["-H", "tcp://0.0.0.0:1", "--host", "unix:///a"],
            "hosts",
            ("tcp://0.0.0.0:1", "unix:///a"),
        ),
        (["-D"], "log_level", "debug"),
        (["-l", "warn"], "log_level", "warn"),
        (["--registry-mirror", "http://m"], "registry_mirrors", ("http://m",)),
        (["--max-concurrent-downloads", "7"], "max_concurrent_downloads", 7),
        (["--tlsverify"], "tls_verify", True),
        (["--image-compression", "small"], "image_compression", "small"),
        (["--image-cleanup", "keep-last=3"], "image_cleanup", {"keep-last": "3"}),
        (
            ["--log-opt", "max-size=1m", "--log-opt", "max-file=2"],
            "log_opts",
            {"max-size": "1m", "max-file": "2"},
        ),
    ],
)
def test_argument_sets(arguments: list[str], field: str, value: object, empty: list[str]) -> None:
    assert getattr(read_options([*empty, *arguments]), field) == value


@pytest.mark.parametrize(
    ("values", "field", "value"),
    [
        ({"hosts": ["unix:///a"]}, "hosts", ("unix:///a",)),
        ({"debug": True}, "debug", True),
        ({"debug": False}, "debug", False),
        ({"insecure-registries": ["r:5000"]}, "insecure_registries", ("r:5000",)),
        ({"data-root": "/d"}, "data_root", Path("/d")),
        ({"build-budget": "7g"}, "build_budget", "7g"),
        ({"builder": {"gc": {"enabled": True}}}, "build_budget", ""),
        ({"builder": {"gc": {"enabled": False}}}, "build_budget", "0"),
        ({"builder": {"gc": {"defaultKeepStorage": "5GB"}}}, "build_budget", "5GB"),
        (
            {"builder": {"gc": {"defaultKeepStorage": "5GB", "defaultMaxUsedSpace": "6GB"}}},
            "build_budget",
            "6GB",
        ),
    ],
)
def test_file_sets(values: dict[str, object], field: str, value: object, tmp_path: Path) -> None:
    assert getattr(read_options(with_file(tmp_path, values)), field) == value


def test_every_setting_has_a_key_in_the_file() -> None:
    assert set(KEYS.values()) == {field.name for field in msgspec.structs.fields(Options)}


def test_log_option_without_a_value_is_refused(empty: list[str]) -> None:
    with pytest.raises(InvalidArgument, match=r"^invalid logging option: max-size$"):
        read_options([*empty, "--log-opt", "max-size"])


def test_lists_of_both_places_are_joined(tmp_path: Path) -> None:
    arguments = with_file(tmp_path, {"registry-mirrors": ["http://a"]})
    options = read_options([*arguments, "--registry-mirror", "http://b"])
    assert options.registry_mirrors == ("http://a", "http://b")


def test_setting_in_both_places_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"as a flag and in the configuration file: bip$"):
        read_options([*with_file(tmp_path, {"bip": "10.0.0.1/8"}), "--bip", "10.1.0.1/16"])


def test_unknown_setting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"don't match any configuration option: colour$"):
        read_options(with_file(tmp_path, {"colour": "red"}))


@pytest.mark.parametrize(
    ("builder", "named"),
    [
        ({"gc": {"policy": []}}, "gc.policy"),
        ({"entitlements": {}}, "entitlements"),
        ("on", "gc must be an object"),
        ({"gc": 1}, "gc must be an object"),
    ],
)
def test_settings_of_another_builder_are_refused(
    builder: object, named: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidArgument, match=rf"builder: .*{named}"):
        read_options(with_file(tmp_path, {"builder": builder}))


@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_file_that_is_no_object_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "daemon.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidArgument, match=r"^unable to configure the Docker daemon with file"):
        read_options(["--config-file", str(path)])


def test_absent_file_that_was_named_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"no such file or directory$"):
        read_options(["--config-file", str(tmp_path / "absent")])


@pytest.mark.parametrize(
    "values",
    [
        {"log-level": "loud"},
        {"image-compression": "none"},
        {"max-concurrent-downloads": 0},
        {"max-concurrent-downloads": "many"},
        {"hosts": ["/run/x.sock"]},
        {"hosts": ["npipe://x"]},
        {"hosts": ["unix://"]},
        {"data-root": "/" + "x" * 5000},
    ],
)
def test_wrong_value_is_refused(values: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument):
        read_options(with_file(tmp_path, values))


def instance(data_root: str, empty: list[str]) -> str:
    made: Options = read_options([*empty, "--data-root", data_root])
    return made.instance


def test_default_engine_has_no_mark(empty: list[str]) -> None:
    assert instance("/var/lib/budu", empty) == ""


def test_two_engines_have_two_marks(empty: list[str]) -> None:
    marks = {instance("/a", empty), instance("/b", empty)}
    assert {len(each) for each in marks} == {6}
    assert len(marks) == 2

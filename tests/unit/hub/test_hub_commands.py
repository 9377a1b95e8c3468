"""The command line's flags for the hub are the hub's own; its generated files are current."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from budu.base.errors import InvalidArgument
from budu.cli.commands import hub as hub_command
from budu.cli.commands.hub import PLACES, SEED_FLAGS, SERVE_FLAGS
from budu.hub.options import add_place_flags, add_serve_flags, read_options, split_listen
from budu.hub.seed.main import add_seed_flags
from budu.hub.site_api.reference import page
from budu.hub.site_api.routes import ROUTES
from budu.hub.site_api.typescript import module

ROOT = Path(__file__).parents[3]


def long_flags(parser: argparse.ArgumentParser) -> set[str]:
    return {word[2:] for action in parser._actions for word in action.option_strings} - {
        "h",
        "help",
        "",
    }


def test_flags_are_the_same() -> None:
    serve, place, seed = (argparse.ArgumentParser() for _ in range(3))
    add_serve_flags(serve)
    add_place_flags(place)
    add_seed_flags(seed)
    assert {flag.name for flag in SERVE_FLAGS} == long_flags(serve)
    assert {flag.name for flag in PLACES} == long_flags(place)
    assert {flag.name for flag in SEED_FLAGS} == long_flags(seed)


def test_reference_and_types_are_current() -> None:
    assert (ROOT / "docs/reference/hub-api.md").read_text() == page()
    assert (ROOT / "web/hub/src/api/types.ts").read_text() == module()


def test_routes_are_told_apart() -> None:
    places = [(route.method, route.path) for route in ROUTES]
    assert len(places) == len(set(places))


def test_addresses_and_pull_names() -> None:
    options = read_options(["--data", "/x", "--listen", "127.0.0.1:5080"])
    assert options.public_address == "http://127.0.0.1:5080"
    assert options.pull_name("library/httpd") == "127.0.0.1:5080/library/httpd"
    instead = read_options(
        ["--data", "/x", "--address", "https://hub.example/", "--pull-prefix", ""]
    )
    assert instead.registry_name == "hub.example"
    assert instead.is_secure
    assert instead.pull_name("library/httpd") == "httpd"
    assert instead.pull_name("ann/web") == "ann/web"


@pytest.mark.parametrize("text", ["", "localhost", "localhost:", "a:b", "a:70000"])
def test_bad_listen_addresses(text: str) -> None:
    with pytest.raises(InvalidArgument):
        split_listen(text)


def test_a_certificate_needs_its_key() -> None:
    with pytest.raises(InvalidArgument):
        read_options(["--data", "/x", "--tls-cert", "/c"])


def test_a_missing_library_is_told_with_its_cure(tmp_path: Path) -> None:
    (tmp_path / "sqlalchemy.py").write_text("raise ModuleNotFoundError('x', name='sqlalchemy')")
    program = hub_command._RUN.format(path=[str(tmp_path), str(ROOT / "src")])
    done = subprocess.run([sys.executable, "-c", program, "serve"], capture_output=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == b"budu: the hub needs sqlalchemy: pip install 'budu[hub]'\n"

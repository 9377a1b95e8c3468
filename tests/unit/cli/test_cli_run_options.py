"""What `create` sends, compared with recordings of the genuine docker client 28.2."""

from __future__ import annotations

from pathlib import Path

import cli_recorder
import pytest

from budu.base.errors import InvalidArgument
from budu.cli.declare import Command
from budu.cli.failures import Exit
from budu.cli.parser import parse
from budu.cli.run_flags import CREATE_FLAGS
from budu.cli.run_options import create_body

CREATE = Command(
    lambda _context, _call: 0,
    usage="[OPTIONS] IMAGE [COMMAND] [ARG...]",
    help=("", ""),
    flags=CREATE_FLAGS,
    least=1,
    options_first=True,
)
WINDOWS_ONLY = "--cpu-count"
CASES = [case for case in cli_recorder.load_cases() if case["argv"][0] == "create"]
BODIES = [case for case in CASES if "body" in case["expect"]]
FAILURES = [
    case
    for case in CASES
    if case["expect"].get("exit") in (1, 125)
    and WINDOWS_ONLY not in case["argv"]
    and case["expect"]["stderr"].startswith(("docker: ", "invalid argument", "unknown", "flag "))
]


def _name(case: dict) -> str:
    return " ".join(case["argv"])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put the case's files and variables in place; the folder's name counts as `$PWD`."""

    def arrange(case: dict) -> None:
        for name, text in case.get("files", {}).items():
            (tmp_path / name).write_text(text)
        for name, value in case.get("env", {}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)

    return arrange


def _body_of(case: dict) -> dict:
    call = parse(CREATE, "budu create", case["argv"][1:])
    assert call is not None
    return create_body(call)


def _comparable(body: dict, folder: Path) -> dict:
    binds = body["HostConfig"]["Binds"]
    known = [
        text.replace(str(folder), "$PWD").replace(f"{folder.parent}/", "/tmp/")
        for text in binds or []
    ]
    for mount in body["HostConfig"].get("Mounts", []):
        mount["Source"] = mount.get("Source", "").replace(str(folder), "$PWD")
        if not mount["Source"]:
            del mount["Source"]
    host_config = {**body["HostConfig"], "Binds": sorted(known)}
    return {**body, "HostConfig": host_config}


@pytest.mark.parametrize("case", BODIES, ids=_name)
def test_create_sends_what_docker_sends(case, place, tmp_path) -> None:
    place(case)
    ours = _comparable(_body_of(case), tmp_path)
    theirs = _comparable(case["expect"]["body"], Path("/nowhere/x"))
    assert ours == theirs


@pytest.mark.parametrize("case", FAILURES, ids=_name)
def test_create_refuses_what_docker_refuses_in_the_same_words(case, place) -> None:
    place(case)
    with pytest.raises((InvalidArgument, Exit)) as caught:
        _body_of(case)
    wanted = case["expect"]["stderr"].partition("\n")[0].replace("docker", "budu")
    message = caught.value.message.partition("\n")[0]
    assert message.removeprefix("budu: ") == wanted.removeprefix("budu: ")
    if isinstance(caught.value, Exit):
        assert caught.value.status == case["expect"]["exit"]


@pytest.mark.docker_28
@pytest.mark.parametrize("case", BODIES[::25], ids=_name)
def test_recordings_are_what_the_docker_client_sends(case, tmp_path) -> None:
    live = cli_recorder.record(case, tmp_path)
    assert _comparable(live["body"], tmp_path) == _comparable(
        case["expect"]["body"], Path("/nowhere/x")
    )

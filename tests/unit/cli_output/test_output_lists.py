"""Lists of images, networks and volumes, and the forms that all lists share."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from budu.cli.failures import Exit
from budu.cli.format import indent_json, print_inspected, render_table
from budu.cli.tables.images import print_images
from budu.cli.tables.networks import print_networks
from budu.cli.tables.times import ago
from budu.cli.tables.volumes import print_volumes, shows_sizes

RECORDED = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "cli_output" / "images.json").read_text()
)


@pytest.mark.parametrize("case", RECORDED["cases"], ids=lambda each: " ".join(each["argv"]))
def test_images_are_as_dockers(case: dict[str, Any]) -> None:
    out = io.StringIO()
    words = case["argv"]
    options = {"quiet": True} if words == ["-q"] else {"format": words[1]}
    print_images(RECORDED["images"], options, out)
    assert out.getvalue() == case["out"]


def test_digests_of_images_are_a_column() -> None:
    out = io.StringIO()
    print_images(RECORDED["images"][:1], {"digests": True}, out)
    assert [line.split()[:3] for line in out.getvalue().splitlines()] == [
        ["REPOSITORY", "TAG", "DIGEST"],
        ["httpd", "2.4", "sha256:" + "1" * 64],
        ["httpd", "latest", "sha256:" + "1" * 64],
        ["localhost:5000/httpd", "1", "<none>"],
    ]


NETWORKS = [
    {"Id": "ab" * 32, "Name": "none", "Driver": "null", "Scope": "local"},
    {"Id": "cd" * 32, "Name": "bridge", "Driver": "bridge", "Scope": "local"},
]


def test_networks_are_sorted_by_name() -> None:
    out = io.StringIO()
    print_networks(NETWORKS, {}, out)
    assert out.getvalue() == (
        "NETWORK ID     NAME      DRIVER    SCOPE\n"
        "cdcdcdcdcdcd   bridge    bridge    local\n"
        "abababababab   none      null      local\n"
    )


VOLUME = {
    "Name": "data",
    "Driver": "local",
    "Scope": "local",
    "Mountpoint": "/v/data/_data",
    "Labels": {"b": "2", "a": "1"},
}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "DRIVER    VOLUME NAME\nlocal     data\n"),
        ({"quiet": True}, "data\n"),
        ({"format": "{{.Mountpoint}} {{.Labels}}"}, "/v/data/_data a=1,b=2\n"),
        ({"format": '{{.Label "a"}}'}, "1\n"),
    ],
)
def test_volumes(options: dict[str, Any], expected: str) -> None:
    out = io.StringIO()
    print_volumes([VOLUME], options, out)
    assert out.getvalue() == expected


USED = {
    **VOLUME,
    "UsageData": {"RefCount": 2, "Size": 1536},
    "LastUsedNs": 1_700_000_000 * 10**9,
    "InUse": False,
}


@pytest.mark.parametrize(
    ("more", "row"),
    [
        ({"InUse": True}, "local     data          1.54kB    2         in use"),
        (
            {"LastUsedNs": 0, "UsageData": {"RefCount": 0, "Size": -1}},
            "local     data          N/A       0         never",
        ),
    ],
)
def test_volumes_show_their_use(more: dict[str, Any], row: str) -> None:
    out = io.StringIO()
    print_volumes([{**USED, **more}], {}, out)
    assert out.getvalue().splitlines() == [
        "DRIVER    VOLUME NAME   SIZE      USERS     LAST USED",
        row,
    ]


def test_a_volumes_last_use_is_told_in_words() -> None:
    out = io.StringIO()
    print_volumes([USED], {"format": "{{.LastUsed}} {{.Size}} {{.Links}}"}, out)
    assert out.getvalue().endswith("years ago 1.54kB 2\n")


@pytest.mark.parametrize(
    ("form", "shown"),
    [("", True), ("json", True), ("table {{.Name}}", False), ("{{.Name}} {{.Size}}", True)],
)
def test_sizes_are_asked_for_where_they_are_shown(form: str, shown: bool) -> None:
    assert shows_sizes({"format": form}) is shown


def test_wide_letters_take_two_columns() -> None:
    assert render_table([["NAME", "X"], ["한국어이미지", "y"]]) == (
        "NAME           X\n한국어이미지   y\n"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([], "[]"),
        ({}, "{}"),
        ([1], "[\n    1\n]"),
        (
            {"a": {"b": [None, True]}},
            '{\n    "a": {\n        "b": [\n            null,\n'
            "            true\n        ]\n    }\n}",
        ),
        ({"a": [], "b": {}}, '{\n    "a": [],\n    "b": {}\n}'),
    ],
)
def test_inspection_is_indented_by_four(value: object, text: str) -> None:
    assert indent_json(value) == text


def inspected(*objects: object, form: str = "") -> str:
    out = io.StringIO()
    print_inspected(objects, out, form=form)
    return out.getvalue()


def test_inspection_is_a_list() -> None:
    assert json.loads(inspected({"Id": "a"}, {"Id": "b"})) == [{"Id": "a"}, {"Id": "b"}]


def test_inspection_by_template_is_a_line_each() -> None:
    assert inspected({"Id": "a"}, {"Id": "b"}, form="{{.Id}}") == "a\nb\n"


def test_inspection_of_a_missing_field_fails() -> None:
    with pytest.raises(Exit, match=r'map has no entry for key "Nope"$'):
        inspected({"Id": "a"}, form="{{.Nope}}")


def test_time_that_is_not_known_is_not_invented() -> None:
    assert ago(0) == "N/A"

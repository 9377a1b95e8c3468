"""Rows of `ps`, compared with those of the genuine docker client 28.2 for the same answer."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from budu.cli.failures import Exit
from budu.cli.tables.containers import print_containers, row

RECORDED = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "cli_output" / "containers.json").read_text()
)["rows"]
ROW = RECORDED[0]["row"]


@pytest.mark.parametrize(("full", "key"), [(False, "short"), (True, "full")])
@pytest.mark.parametrize("case", RECORDED)
def test_row_is_as_dockers(case: dict[str, Any], full: bool, key: str) -> None:
    made = row(case["row"], full=full)
    assert {field: made[field] for field in case[key]} == case[key]


def printed(rows: list[Any], **options: object) -> str:
    out = io.StringIO()
    print_containers(rows, {name.replace("_", "-"): each for name, each in options.items()}, out)
    return out.getvalue()


def test_empty_list_is_a_line_of_headers() -> None:
    assert printed([]) == (
        "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES\n"
    )


def test_quiet_list_is_ids() -> None:
    assert printed([ROW], quiet=True) == f"{ROW['Id'][:12]}\n"


def test_quiet_list_may_be_whole_ids() -> None:
    assert printed([ROW], quiet=True, no_trunc=True) == f"{ROW['Id']}\n"


def test_size_has_a_column_of_its_own() -> None:
    assert printed([], size=True).rstrip("\n").endswith("NAMES     SIZE")


def test_own_table_has_headers_and_aligned_cells() -> None:
    form = 'table {{.ID}}\\t{{.Names}}\\t{{.Label "x"}}'
    assert printed([ROW], format=form) == (
        "CONTAINER ID   NAMES     x\nabababababab   web       \n"
    )


def test_template_is_a_line_per_row() -> None:
    assert printed([ROW, ROW], format="{{.ID}}\\t{{.Names}}") == "abababababab\tweb\n" * 2


def test_json_is_an_object_per_row() -> None:
    (line,) = printed([ROW], format="json").splitlines()
    values = json.loads(line)
    assert list(values) == sorted(values)
    assert (values["ID"], values["Names"], values["Platform"]) == ("abababababab", "web", None)


def test_malformed_template_is_an_error_without_rows() -> None:
    with pytest.raises(Exit) as caught:
        printed([], format="{{foo}}")
    assert str(caught.value) == 'failed to parse template: template: :1: function "foo" not defined'


def test_unknown_field_is_answered_with_the_nearest() -> None:
    with pytest.raises(Exit) as caught:
        printed([ROW], format="{{.Nmaes}}")
    message = str(caught.value)
    assert message.startswith(
        'failed to execute template: template: :1:2: executing "" at <.Nmaes>'
    )
    assert message.endswith("(did you mean .Names?)")

"""Templates, compared with what the genuine docker client 28.2 made of the same document.

`tests/fixtures/cli_output/templates.json` was recorded with `docker inspect --format` against a
server that answers with its `document`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budu.cli.template import TemplateError, check, render

RECORDED = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "cli_output" / "templates.json").read_text()
)
DOCUMENT = RECORDED["document"]
PREFIX = "template parsing error: "


@pytest.mark.parametrize(
    "case", [each for each in RECORDED["cases"] if "out" in each], ids=lambda each: each["template"]
)
def test_template_makes_what_docker_makes(case: dict[str, Any]) -> None:
    assert render(case["template"], DOCUMENT, missing_is_error=True) == case["out"]


@pytest.mark.parametrize(
    "case",
    [each for each in RECORDED["cases"] if "error" in each],
    ids=lambda each: each["template"],
)
def test_template_fails_as_docker_fails(case: dict[str, Any]) -> None:
    with pytest.raises(TemplateError) as caught:
        render(case["template"], DOCUMENT, missing_is_error=True)
    assert PREFIX + str(caught.value) == case["error"]


def test_missing_field_is_no_value_when_that_is_no_error() -> None:
    assert render("{{.Foo}}", {}) == "<no value>"


def test_callable_field_takes_arguments() -> None:
    assert render('{{.Label "a"}}', {"Label": {"a": "1"}.get}) == "1"


def test_callable_field_takes_the_piped_value() -> None:
    assert render('{{"a" | .Label}}', {"Label": {"a": "1"}.get}) == "1"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (0.5, "0.5"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1e-5, "1e-05"),
        ([None], "[<nil>]"),
        ({"b": 1, "a": None}, "map[a:<nil> b:1]"),
        (True, "true"),
        ([], "[]"),
    ],
)
def test_value_is_shown_as_go_shows_it(value: object, text: str) -> None:
    assert render("{{.}}", value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"Subnet": "10.9.0.0/24", "Gateway": "10.9.0.1"}, "{10.9.0.0/24  10.9.0.1 map[]}"),
        (
            {"Config": [{"Subnet": "fd00::/64", "AuxiliaryAddresses": {"a": "fd00::9"}}],
             "Driver": "default", "Options": None},
            "{default map[] [{fd00::/64   map[a:fd00::9]}]}",
        ),
        ({"Config": None, "Driver": "default", "Options": {}}, "{default map[] []}"),
        (
            {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "81/tcp": None},
            "map[80/tcp:[{0.0.0.0 8080}] 81/tcp:<nil>]",
        ),
        (
            {"Type": "bind", "Source": "/a", "Destination": "/b", "Mode": "", "RW": True,
             "Propagation": "rprivate"},
            "{bind  /a /b   true rprivate}",
        ),
        ({"80/tcp": {}, "81/udp": {}}, "map[80/tcp:{} 81/udp:{}]"),
        ({"Subnet": "a label", "other": "b"}, "map[Subnet:a label other:b]"),
    ],
)  # fmt: skip
def test_structs_are_shown_without_names(value: object, text: str) -> None:
    assert render("{{.}}", value) == text


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("{{.Labels}}", "map[]"),
        ("{{json .Labels}}", "null"),
        ("{{len .Labels}} {{.Labels.a}} {{if .Labels}}yes{{end}}", "0 <no value> "),
        ("{{range .Labels}}x{{end}}", ""),
    ],
)
def test_a_map_that_is_null_is_empty(form: str, text: str) -> None:
    assert render(form, {"Labels": None}) == text


def test_break_outside_range_is_malformed() -> None:
    with pytest.raises(TemplateError):
        check("{{break}}")


def test_check_does_not_need_a_value() -> None:
    check("{{range .Mounts}}{{.Source}}{{end}}")


@given(st.text(alphabet='{}.-$|() "ab1:=', max_size=24))
def test_any_text_is_rendered_or_refused(text: str) -> None:
    try:
        render(text, {"a": [1], "b": "x"})
    except TemplateError:
        pass


@given(st.text().filter(lambda text: "{{" not in text))
def test_text_without_actions_stays_as_it_is(text: str) -> None:
    assert render(text, {}) == text


STATE = {"Running": False, "OOMKilled": False}


@pytest.mark.parametrize(
    ("template", "value", "text"),
    [
        ("{{if .State.Health}}sick{{else}}fine{{end}}", {"State": STATE}, "fine"),
        ("{{json .State.Health}}", {"State": STATE}, "null"),
        ("{{range .Mounts}}[{{.Name}}]{{end}}", {"Mounts": [{"Destination": "/x"}]}, "[]"),
        ("{{.Server.APIVersion}}", {"Server": {"ApiVersion": "1.51"}}, "1.51"),
        ("{{.ID}}", {"Id": "abc"}, "abc"),
        ("{{.HTTPProxy}}|", {"ServerVersion": "1"}, "|"),
    ],
)
def test_fields_are_those_of_dockers_types(
    template: str, value: dict[str, object], text: str
) -> None:
    assert render(template, value, missing_is_error=True) == text


@pytest.mark.parametrize("template", ["{{.Health}}", "{{.State.Helth}}"])
def test_fields_that_no_type_has_are_refused(template: str) -> None:
    with pytest.raises(TemplateError, match="map has no entry for key"):
        render(template, {"State": STATE}, missing_is_error=True)

"""The rows of the container list are kept, and never show what is no longer so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from api_engine import IMAGE_ID, NETWORK_ID, a_container
from hypothesis import given
from hypothesis import strategies as st

from budu.api.views.containers import status_text, status_until
from budu.api.views.rows import ContainerRows
from budu.base.units import SECOND_NS
from budu.engine.containers.model import Container, Status

NOW = 1_700_000_100 * SECOND_NS
DAY_NS = 86400 * SECOND_NS


class Names:
    """What names mean, and how often was asked."""

    def __init__(self) -> None:
        self.images = {"httpd:2.4": IMAGE_ID}
        self.networks = {"bridge": NETWORK_ID}
        self.rows = ContainerRows(
            image_id=lambda name: self.images.get(name, ""),
            network_id=lambda name: self.networks.get(name, ""),
        )

    def list(self, *containers: Container, now_ns: int = NOW) -> Any:
        return json.loads(self.rows.render([*containers], now_ns=now_ns))


def test_same_list_is_the_same_answer_until_a_status_changes() -> None:
    rows, containers = Names().rows, [a_container(), a_container(id="d" * 64, name="other")]
    first = rows.render(containers, now_ns=NOW)
    assert rows.render([*containers], now_ns=NOW + 1) is first
    later = rows.render([*containers], now_ns=NOW + 60 * SECOND_NS)
    assert [row["Status"] for row in json.loads(later)] == ["Up 2 minutes"] * 2


def test_empty_list_is_a_list() -> None:
    names = Names()
    assert names.list() == []
    assert [row["Names"] for row in names.list(a_container())] == [["/web"]]
    assert names.list() == []


@pytest.mark.parametrize(
    ("change", "field", "shown"),
    [
        ({"name": "api"}, "Names", ["/api"]),
        ({"status": Status.PAUSED}, "State", "paused"),
        ({"image_name": "gone"}, "Image", IMAGE_ID),
    ],
)
def test_changed_record_is_shown_at_once(change: Any, field: str, shown: object) -> None:
    names = Names()
    names.list(a_container())
    [row] = names.list(a_container(**change))
    assert row[field] == shown


def test_image_that_loses_its_name_is_shown_by_its_id_at_once() -> None:
    names, container = Names(), a_container()
    assert names.list(container)[0]["Image"] == "httpd:2.4"
    names.images["httpd:2.4"] = "sha256:" + "9" * 64
    assert names.list(container)[0]["Image"] == IMAGE_ID
    del names.images["httpd:2.4"]
    assert names.list(container)[0]["Image"] == IMAGE_ID
    names.images["httpd:2.4"] = IMAGE_ID
    assert names.list(container)[0]["Image"] == "httpd:2.4"


def test_network_made_anew_is_shown_with_its_new_id() -> None:
    names, container = Names(), a_container()
    names.list(container)
    names.networks["bridge"] = "7" * 64
    [row] = names.list(container)
    assert row["NetworkSettings"]["Networks"]["bridge"]["NetworkID"] == "7" * 64


def test_lists_of_different_containers_do_not_mix() -> None:
    names = Names()
    many = [a_container(id=f"{n:064x}", name=f"c{n}") for n in range(400)]
    assert len(names.list(*many)) == 400
    assert [row["Names"] for row in names.list(many[3])] == [["/c3"]]
    assert [row["Names"] for row in names.list(many[399], many[3])] == [["/c399"], ["/c3"]]


@given(
    status=st.sampled_from([*Status]),
    began_ns=st.integers(0, NOW + DAY_NS),
    passed_ns=st.one_of(st.integers(0, 200 * SECOND_NS), st.integers(0, 1000 * DAY_NS)),
    later=st.floats(0, 1, exclude_max=True),
)
def test_status_stays_until_the_time_that_is_told(
    status: Status, began_ns: int, passed_ns: int, later: float
) -> None:
    container = a_container(status=status, started_ns=began_ns, finished_ns=began_ns)
    now_ns = began_ns + passed_ns
    until_ns = status_until(container, now_ns=now_ns)
    then_ns = now_ns + int((until_ns - now_ns) * later)
    assert now_ns <= then_ns < until_ns
    assert status_text(container, now_ns=then_ns) == status_text(container, now_ns=now_ns)

"""Which containers `ps` shows."""

from __future__ import annotations

import pytest
from tests.support.records import (
    a_container,
    a_running_container,
    a_volume_mount,
    an_endpoint,
    an_exited_container,
    an_image,
)

from budu.base.errors import InvalidArgument, NotFound
from budu.base.filters import Filters
from budu.engine.containers.listing import select
from budu.engine.containers.model import Container, Status
from budu.network.contract import PortBinding
from budu.spec.api.container import ContainerConfig
from budu.spec.api.network import EndpointSettings

WEB = a_running_container(
    "web",
    created_ns=3,
    config=ContainerConfig(labels={"tier": "front"}, exposed_ports={"80/tcp": {}}),
    endpoints={"bridge": an_endpoint(bindings=(PortBinding(container_port=80, host_port=8080),))},
    mounts=(a_volume_mount("data", "/data"),),
    endpoint_settings={"bridge": EndpointSettings(network_id="ab" * 32)},
)
OLD = an_exited_container("old", created_ns=1, exit_code=3)
DB = a_running_container("db", created_ns=2, status=Status.PAUSED, image_id=an_image("pg").id)
NEW = a_container("new", created_ns=4)
ALL = (OLD, WEB, NEW, DB)


def find(ref: str) -> Container:
    for each in ALL:
        if each.name == ref:
            return each
    raise NotFound(f"No such container: {ref}", reference=ref)


def image_ids(ref: str) -> set[str]:
    return {an_image(ref).id} if ref in ("busybox", "pg") else set()


def names(*, everything: bool = True, limit: int = 0, **filters: str | list[str]) -> list[str]:
    values = {
        key.replace("_", "-"): [value] if isinstance(value, str) else value
        for key, value in filters.items()
    }
    chosen = select(
        ALL,
        everything=everything,
        limit=limit,
        filters=Filters(values),
        find=find,
        image_ids=image_ids,
    )
    return [each.name for each in chosen]


def test_list_is_newest_first() -> None:
    assert names() == ["new", "web", "db", "old"]


def test_stopped_containers_are_left_out() -> None:
    assert names(everything=False) == ["web", "db"]


def test_limit_counts_stopped_ones() -> None:
    assert names(everything=False, limit=1) == ["new"]


def test_status_filter_implies_stopped_ones() -> None:
    assert names(everything=False, status="exited") == ["old"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"name": "w"}, ["new", "web"]),
        ({"name": "^web$"}, ["web"]),
        ({"name": "^/web$"}, ["web"]),
        ({"name": ["web", "db"]}, ["web", "db"]),
        ({"id": WEB.id[:8]}, ["web"]),
        ({"status": ["paused", "created"]}, ["new", "db"]),
        ({"exited": "3"}, ["old"]),
        ({"exited": "0"}, []),
        ({"label": "tier"}, ["web"]),
        ({"label": "tier=back"}, []),
        ({"ancestor": "pg"}, ["db"]),
        ({"ancestor": "absent"}, []),
        ({"ancestor": ["pg", "busybox"]}, ["new", "web", "db", "old"]),
        ({"before": "web"}, ["db", "old"]),
        ({"since": "db"}, ["new", "web"]),
        ({"since": "old", "before": "new"}, ["web", "db"]),
        ({"volume": "data"}, ["web"]),
        ({"volume": "/data"}, ["web"]),
        ({"network": "bridge"}, ["web"]),
        ({"network": "ab" * 32}, ["web"]),
        ({"publish": "8080"}, ["web"]),
        ({"publish": "8000-9000/tcp"}, ["web"]),
        ({"publish": "8080/udp"}, []),
        ({"expose": "80"}, ["web"]),
        ({"expose": "81-90"}, []),
        ({"is_task": "true"}, []),
    ],
)
def test_filter_leaves(filters: dict[str, str | list[str]], expected: list[str]) -> None:
    assert names(**filters) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"colour": "red"}, "invalid filter 'colour'"),
        (
            {"status": "asleep"},
            "invalid filter 'status=asleep': invalid value for state (asleep): must be one of "
            "created, running, paused, restarting, removing, exited, dead",
        ),
        *(
            (
                {"exited": text},
                f"invalid filter 'exited={text}': strconv.Atoi: parsing \"{text}\": invalid syntax",
            )
            for text in ("x", "²", "--1")
        ),
        (
            {"health": "odd"},
            "invalid filter 'health=odd': invalid value for health (odd): must be one of none, "
            "starting, healthy, unhealthy",
        ),
        ({"name": "("}, "invalid filter 'name=('"),
        (
            {"publish": "http"},
            'error while looking up for publish http: strconv.ParseUint: parsing "http": invalid '
            "syntax",
        ),
        (
            {"expose": "1-x/udp"},
            'error while looking up for expose 1-x/udp: strconv.ParseUint: parsing "x": invalid '
            "syntax",
        ),
        ({"is_task": "perhaps"}, "invalid filter 'is-task=[perhaps]'"),
    ],
)
def test_wrong_filter_is_refused(filters: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        names(**filters)  # type: ignore[arg-type]
    assert caught.value.message == message


def test_mark_that_does_not_exist_is_not_found() -> None:
    with pytest.raises(NotFound, match=r"^No such container: gone$"):
        names(since="gone")

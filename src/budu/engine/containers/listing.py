"""Which containers a list shows, and in which order. Pure over records.

Source: Engine API 1.51 ContainerList, `filters`; docker ps reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from operator import attrgetter

from budu.base.errors import InvalidArgument
from budu.base.filters import Filters
from budu.engine.containers.health_state import HealthStatus
from budu.engine.containers.model import Container, Status

FILTER_KEYS = frozenset(
    [
        "ancestor",
        "before",
        "exited",
        "expose",
        "health",
        "id",
        "is-task",
        "isolation",
        "label",
        "name",
        "network",
        "publish",
        "since",
        "status",
        "volume",
    ]
)
_ALIVE = (Status.RUNNING, Status.PAUSED, Status.RESTARTING)
_by_age = attrgetter("created_ns", "id")


def select(
    containers: Iterable[Container],
    *,
    everything: bool,
    limit: int,
    filters: Filters,
    find: Callable[[str], Container],
    image_ids: Callable[[str], set[str]],
) -> list[Container]:
    """The rows of a list, newest first.

    `find` looks a container up for `before` and `since`; `image_ids` gives the images that an
    `ancestor` value means. `limit` 0 is no limit; `before`, `since` and a limit imply stopped ones,
    and so do filters by status or exit code.

    Raises: InvalidArgument for an unknown filter or a wrong value, NotFound for the container of
    `before` or `since`.
    """
    filters.check_keys(FILTER_KEYS)
    _check_values(filters)
    shows_stopped = everything or limit > 0 or _implies_all(filters)
    chosen = [each for each in containers if shows_stopped or each.status in _ALIVE]
    chosen.sort(key=_by_age, reverse=True)
    for key, newer in (("before", False), ("since", True)):
        for ref in filters.get(key):
            mark = find(ref).created_ns
            chosen = [
                each
                for each in chosen
                if (each.created_ns > mark if newer else each.created_ns < mark)
            ]
    ancestors = {id_ for ref in filters.get("ancestor") for id_ in image_ids(ref)}
    if filters:
        chosen = [each for each in chosen if _matches(each, filters, ancestors)]
    return chosen[:limit] if limit > 0 else chosen


def _implies_all(filters: Filters) -> bool:
    return any(filters.get(key) for key in ("status", "exited", "before", "since"))


def _check_values(filters: Filters) -> None:
    filters.boolean("is-task", default=False)
    for name in ("publish", "expose"):
        for value in filters.get(name):
            _port_key(name, value)
    for value in filters.get("status"):
        if value not in set(Status):
            raise InvalidArgument(
                f"invalid filter 'status={value}': invalid value for state ({value}): must be one "
                f"of {', '.join(Status)}"
            )
    for value in filters.get("exited"):
        if not re.fullmatch("[+-]?[0-9]+", value):
            raise InvalidArgument(
                f"invalid filter 'exited={value}': "
                f'strconv.Atoi: parsing "{value}": invalid syntax'
            )
    for value in filters.get("health"):
        if value not in set(HealthStatus):
            raise InvalidArgument(
                f"invalid filter 'health={value}': invalid value for health ({value}): must be one "
                f"of {', '.join(HealthStatus)}"
            )


def _matches(container: Container, filters: Filters, ancestors: set[str]) -> bool:
    return (
        _matches_name(container, filters.get("name"))
        and _any(filters.get("id"), container.id.startswith)
        and filters.matches_exactly("status", container.status)
        and filters.matches_labels("label", container.config.labels or {})
        and _any(filters.get("exited"), lambda code: _exited_with(container, int(code)))
        and (not filters.get("ancestor") or container.image_id in ancestors)
        and _any(filters.get("volume"), lambda name: _has_volume(container, name))
        and _any(filters.get("network"), lambda name: _in_network(container, name))
        and _any(filters.get("publish"), lambda port: _publishes(container, port))
        and _any(filters.get("expose"), lambda port: _exposes(container, port))
        and filters.matches_exactly("health", container.health_status)
        and not filters.boolean("is-task", default=False)
    )


def _any(wanted: Iterable[str], test: Callable[[str], bool]) -> bool:
    values = tuple(wanted)
    return not values or any(test(value) for value in values)


def _matches_name(container: Container, patterns: Iterable[str]) -> bool:
    def test(pattern: str) -> bool:
        try:
            return bool(
                re.search(pattern, container.name) or re.search(pattern, "/" + container.name)
            )
        except re.error:
            raise InvalidArgument(f"invalid filter 'name={pattern}'") from None

    return _any(patterns, test)


def _exited_with(container: Container, code: int) -> bool:
    return container.finished_ns > 0 and not container.is_running and container.exit_code == code


def _has_volume(container: Container, name: str) -> bool:
    return any(name in (mount.name, mount.destination, mount.source) for mount in container.mounts)


def _in_network(container: Container, name: str) -> bool:
    return name in container.endpoint_settings or any(
        settings.network_id.startswith(name)
        for settings in container.endpoint_settings.values()
        if settings.network_id
    )


def _port_key(name: str, value: str) -> tuple[range, str]:
    numbers, _, protocol = value.partition("/")
    first, _, last = numbers.partition("-")
    for text in (first, last or first):
        if not text.isdecimal():
            raise InvalidArgument(
                f'error while looking up for {name} {value}: strconv.ParseUint: parsing "{text}": '
                "invalid syntax"
            )
    return range(int(first), int(last or first) + 1), protocol or "tcp"


def _publishes(container: Container, port: str) -> bool:
    numbers, protocol = _port_key("publish", port)
    return any(
        each.protocol == protocol and each.host_port in numbers
        for state in container.endpoints.values()
        for each in state.bindings
    )


def _exposes(container: Container, port: str) -> bool:
    numbers, protocol = _port_key("expose", port)
    for key in container.config.exposed_ports or {}:
        inside, _, kind = key.partition("/")
        if kind == protocol and inside.isdigit() and int(inside) in numbers:
            return True
    return False

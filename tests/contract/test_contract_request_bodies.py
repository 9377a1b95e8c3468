"""Every body field of the definition is a field of the route's record that the engine reads.

Or it is listed in `api.unheeded` with the reason, and then it must not be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from msgspec import inspect
from tests.support.reads import attributes_read

from budu.api.routes import build_router
from budu.api.unheeded import UNHEEDED_FIELDS
from budu.api.unserved import UNSERVED
from budu.spec.api.container import ContainerConfig
from budu.spec.image import ExecConfig

DEFINITION = yaml.safe_load(
    (Path(__file__).parents[1] / "api" / "engine-api-v1.51.yaml").read_text()
)
UNREAD = ("budu.spec.", "budu.api.views.", "budu.cli.", "budu.client.")
"""Where reading a field is not acting on it."""
SAME_NAMES: dict[type, type] = {ContainerConfig: ExecConfig}
"""Records that are turned into another as a whole, by the names of their fields."""


class AnyService:
    """An engine without services: routes are made and not used."""

    def __getattr__(self, name: str) -> Any:
        return AnyService()


def bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    """Served operations with a JSON body, and its schema."""
    refused = {operation for group in UNSERVED.values() for operation in group}
    for methods in DEFINITION["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                is_json = parameter["in"] == "body" and parameter["schema"].get("type") != "string"
                if is_json and operation["operationId"] not in refused:
                    yield operation["operationId"], parameter["schema"]


def fields_of(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Dotted names of all properties; those of items and of map values stand below their list."""
    if "$ref" in schema:
        yield from fields_of(DEFINITION["definitions"][schema["$ref"].rpartition("/")[2]], path)
    for part in schema.get("allOf", ()):
        yield from fields_of(part, path)
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}{name}"
        yield from fields_of(inner, f"{path}{name}.")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from fields_of(schema[key], path)


def find_field(kind: inspect.Type, path: list[str]) -> tuple[type, str] | None:
    """The record and the attribute that a dotted name stands for; None when there is none."""
    match kind:
        case inspect.Metadata():
            return find_field(kind.type, path)
        case inspect.UnionType():
            found = (find_field(option, path) for option in kind.types)
            return next((each for each in found if each is not None), None)
        case inspect.ListType() | inspect.VarTupleType():
            return find_field(kind.item_type, path)
        case inspect.DictType():
            return find_field(kind.value_type, path)
        case inspect.StructType():
            for field in kind.fields:
                if field.encode_name == path[0]:
                    return find_field(field.type, path[1:]) if path[1:] else (kind.cls, field.name)
    return None


def is_read(record: type, attribute: str) -> bool:
    """Whether the engine reads the field, of this record or of one that it is turned into."""
    reads = attributes_read(("budu.daemon.compose", "budu.api.routes"), UNREAD)
    for base in record.__mro__:
        for kind in filter(None, (base, SAME_NAMES.get(base))):
            if (f"{kind.__module__}.{kind.__qualname__}", attribute) in reads:
                return True
    return False


def listed(operation: str) -> set[str]:
    return {name for group in UNHEEDED_FIELDS.values() for name in group.get(operation, ())}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("operation", "schema"), list(bodies()), ids=[one for one, _ in bodies()])
def test_every_field_is_read_or_listed_with_its_reason(
    operation: str, schema: dict[str, Any]
) -> None:
    (found,) = (one for one in build_router(AnyService()).routes if one.operation == operation)
    kind = inspect.type_info(found.body)
    ignored = set()
    for name in fields_of(schema):
        field = find_field(kind, name.split("."))
        if field is None or not is_read(*field):
            ignored.add(name)
    assert ignored == listed(operation)


def test_a_field_that_nobody_reads_is_seen() -> None:
    class Unknown(msgspec.Struct):
        colour: str

    assert not is_read(Unknown, "colour")
    assert is_read(ContainerConfig, "stop_timeout")

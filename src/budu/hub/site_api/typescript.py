"""TypeScript types of the records: what `web/hub` is built against. Pure."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import UnsetType

from budu.hub.site_api.records import (
    Record,
    accounts,
    admin,
    base,
    explore,
    hooks,
    repositories,
    rules,
    tags,
)

_PLAIN = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}
_MODULES = (base, accounts, explore, repositories, tags, hooks, rules, admin)
_HEAD = "// Generated from src/budu/hub/site_api/records by `make reference`; not written by hand."


def all_records() -> tuple[type[Record], ...]:
    """Every record, in the order they are written."""
    return tuple(
        each
        for module in _MODULES
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Record) and each is not Record
        if each.__module__ == module.__name__
    )


def module() -> str:
    """The text of `types.ts`."""
    return "\n".join([_HEAD, *(_interface(record) for record in all_records())])


def _interface(record: type[Record]) -> str:
    about = (record.__doc__ or "").strip().splitlines()
    lines = ["", "/** " + " ".join(line.strip() for line in about) + " */"]
    lines += [f"export interface {record.__name__} {{", *_members(record), "}", ""]
    return "\n".join(lines)


def _members(record: type[Record]) -> Iterator[str]:
    hints = typing.get_type_hints(record)
    for field in msgspec.structs.fields(record):
        parts = get_args(hints[field.name])
        is_left_out = not field.required or UnsetType in parts
        yield f"  {field.encode_name}{'?' if is_left_out else ''}: {spelled(hints[field.name])};"


def spelled(kind: Any) -> str:
    """A Python type in TypeScript."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " | ".join(spelled(each) for each in arguments if each is not UnsetType)
    if origin is Literal:
        return " | ".join(f'"{each}"' for each in arguments)
    if origin is tuple:
        inner = spelled(arguments[0])
        return f"({inner})[]" if " | " in inner else f"{inner}[]"
    if origin is dict:
        return f"Record<string, {spelled(arguments[1])}>"
    if kind is object:
        return "unknown"
    assert issubclass(kind, Record), kind
    return str(kind.__name__)

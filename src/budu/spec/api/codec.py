"""Reading bodies as Go's decoder does: strictly first, and leniently only when that fails.

What Go accepts and strict decoding does not: `null` for anything (it stays zero), and one string
where a `StrSlice` is. The lenient pass mends those two, guided by the record's type, and decodes
again; bodies of real clients rarely need it.

Source: Go encoding/json, Unmarshal; moby, api/server/httputils (ReadJSON).
"""

from __future__ import annotations

import functools
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from budu.base.errors import InvalidArgument

T = TypeVar("T", bound=msgspec.Struct)

_ZEROS: dict[type[inspect.Type], Any] = {
    inspect.StrType: "",
    inspect.IntType: 0,
    inspect.FloatType: 0.0,
    inspect.BoolType: False,
}


def decode(kind: type[T], body: bytes | str) -> T:
    """The record that `body` holds.

    Raises: InvalidArgument when it is not JSON or does not fit the record.
    """
    if not body:
        raise InvalidArgument("invalid JSON: got EOF while reading request body")
    try:
        record: T = _decoder(kind).decode(body)
        return record
    except msgspec.ValidationError:
        return _decode_leniently(kind, body)
    except msgspec.DecodeError as error:
        raise InvalidArgument(f"invalid JSON: {error}") from error


@functools.cache
def _decoder(kind: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


@functools.cache
def _type_of(kind: type[msgspec.Struct]) -> inspect.Type:
    return inspect.type_info(kind)


def _decode_leniently(kind: type[T], body: bytes | str) -> T:
    try:
        return msgspec.convert(_mend(msgspec.json.decode(body), _type_of(kind)), kind)
    except msgspec.ValidationError as error:
        raise InvalidArgument(f"invalid JSON: {error}") from error
    except msgspec.DecodeError as error:
        raise InvalidArgument(f"invalid JSON: {error}") from error
    except RecursionError as error:
        raise InvalidArgument("invalid JSON: exceeded max depth") from error


def _mend(value: Any, kind: inspect.Type, accepts_string: bool = False) -> Any:
    """`value` with nulls and lone strings put into the form that `kind` asks for."""
    match kind:
        case inspect.Metadata():
            return _mend(value, kind.type, (kind.extra or {}).get("accepts") == "string")
        case inspect.UnionType():
            return None if value is None else _mend(value, _not_none(kind))
        case inspect.StructType() if isinstance(value, dict):
            return _mend_struct(value, kind)
        case inspect.ListType() | inspect.VarTupleType() if isinstance(value, list):
            return [_mend(item, kind.item_type) for item in value]
        case inspect.ListType() if accepts_string and isinstance(value, str):
            return [value]
        case inspect.DictType() if isinstance(value, dict):
            return {key: _mend(item, kind.value_type) for key, item in value.items()}
    return _ZEROS.get(type(kind)) if value is None else value


def _not_none(kind: inspect.UnionType) -> inspect.Type:
    return next(option for option in kind.types if not isinstance(option, inspect.NoneType))


def _mend_struct(value: dict[str, Any], kind: inspect.StructType) -> dict[str, Any]:
    """Null fields are dropped, so they take their zero value."""
    fields = {field.encode_name: field.type for field in kind.fields}
    return {
        name: _mend(item, fields[name])
        for name, item in value.items()
        if item is not None and name in fields
    }

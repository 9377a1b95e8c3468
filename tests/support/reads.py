"""Which fields of which records are read where: asked of mypy, which knows the type of each value.

A search by name would take `mount.type` for `log_config.type`; this does not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from mypy import nodes, types
from mypy.build import BuildResult, build
from mypy.config_parser import parse_config_file
from mypy.modulefinder import BuildSource
from mypy.options import Options

ROOT = Path(__file__).parents[2]
_ELSEWHERE = frozenset(
    ("node", "info", "type", "names", "definition", "unanalyzed_type", "original_def", "expanded")
)
"""Attributes of mypy's nodes that lead out of the file, or twice to the same place."""


@cache
def attributes_read(roots: tuple[str, ...], without: tuple[str, ...]) -> frozenset[tuple[str, str]]:
    """Every class with an attribute that is read, as `module.Class` and name, in the modules below
    `budu` that `roots` import, but not in those that begin with one of `without`."""
    options = Options()
    parse_config_file(options, lambda: None, str(ROOT / "pyproject.toml"), sys.stdout, sys.stderr)
    options.mypy_path = [str(ROOT / "src")]
    options.incremental = False
    options.export_types = True
    options.preserve_asts = True
    result = build([BuildSource(None, root, None) for root in roots], options)
    assert not result.errors, result.errors
    return frozenset(
        read
        for name, state in result.graph.items()
        if name.startswith("budu.") and not name.startswith(without) and state.tree is not None
        for read in _reads(state.tree, result)
    )


def _reads(file: nodes.MypyFile, result: BuildResult) -> Iterator[tuple[str, str]]:
    for member in _members(file):
        for info in _classes(result.types.get(member.expr)):
            yield info.fullname, member.name


def _members(file: nodes.MypyFile) -> Iterator[nodes.MemberExpr]:
    """Every `value.name` of a file."""
    waiting: list[object] = [file.defs]
    seen: set[int] = set()
    while waiting:
        found = waiting.pop()
        if isinstance(found, (list, tuple)):
            waiting.extend(found)
        elif isinstance(found, nodes.Node) and id(found) not in seen:
            seen.add(id(found))
            if isinstance(found, nodes.MemberExpr):
                yield found
            waiting.extend(_parts(found))


def _parts(node: nodes.Node) -> Iterator[object]:
    if isinstance(node, nodes.TypeInfo):
        return
    for name in dir(node):
        if name.startswith("__") or name in _ELSEWHERE:
            continue
        try:
            yield getattr(node, name)
        except (AttributeError, NotImplementedError, AssertionError):
            continue  # a field that this node has not set


def _classes(kind: types.Type | None) -> Iterator[nodes.TypeInfo]:
    kind = types.get_proper_type(kind)
    if isinstance(kind, types.Instance):
        yield kind.type
    elif isinstance(kind, types.UnionType):
        for item in kind.items:
            yield from _classes(item)
    elif isinstance(kind, types.TypeVarType):
        yield from _classes(kind.upper_bound)

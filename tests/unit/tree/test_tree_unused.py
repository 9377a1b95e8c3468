"""What nothing uses is not there: definitions of modules, and texts for people."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "src" / "budu"
TEXTS = SOURCE / "base" / "texts"

NEEDED = {
    "api.unheeded.UNHEEDED_FIELDS": "tables that the contract suites hold against the code",
    "api.unheeded.UNHEEDED_PARAMETERS": "the same",
    "cli.bundle.install": "called by the launcher, which has the code of the module alone",
    "hub.options.read_options": "settings of a hub that a test starts in its own process",
    "linux.bpf.unpack_program": "reads programs back for tests",
    "linux.capabilities.ALL": "a table of the kernel, for tests of what containers have",
    "linux.capabilities.capget": "reads back what capset has set",
    "runtime.plan.describe_plan": "a plan as text, for tests and for people",
    "shim.zygote.main": "the zygote's program is started as `zygote.main()`",
    "spec.stream.STDERR": "one of the two streams that frames carry",
}
"""Definitions that no module uses, and why they are there."""


_TELLING = (ast.ImportFrom, ast.Attribute, ast.Name, ast.Constant, ast.JoinedStr)


class Module:
    """A module's definitions, and the nodes of its tree that tell what is used."""

    def __init__(self, path: Path) -> None:
        tree = ast.parse(path.read_text())
        self.body = tree.body
        self.telling = [node for node in ast.walk(tree) if isinstance(node, _TELLING)]


@cache
def modules() -> dict[str, Module]:
    """The modules below `budu`, by name without it, and what else runs them."""
    found = {}
    for top in ("src/budu", "bench", "demo", "docs"):
        for path in (ROOT / top).rglob("*.py"):
            base = SOURCE if top == "src/budu" else ROOT
            name = ".".join(path.relative_to(base).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = Module(path)
    return found


@cache
def used() -> frozenset[str]:
    """Names with their module that some module imports, reaches or names in a string."""
    return frozenset(each for name, module in modules().items() for each in uses(name, module))


def uses(name: str, module: Module) -> Iterator[str]:
    aliases: dict[str, str] = {}
    for node in module.telling:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("budu"):
            source = (node.module or "").removeprefix("budu").removeprefix(".")
            for alias in node.names:
                full = f"{source}.{alias.name}".removeprefix(".")
                aliases[alias.asname or alias.name] = full
                yield full
    for node in module.telling:
        match node:
            case ast.Attribute(value=ast.Name(id=owner)) if owner in aliases:
                yield f"{aliases[owner]}.{node.attr}"
            case ast.Name(ctx=ast.Load()):
                yield f"{name}.{node.id}"
            case ast.Constant(value=str(text)) if text.startswith("budu."):
                yield text.removeprefix("budu.").replace(":", ".")


def definitions(name: str, module: Module) -> Iterator[str]:
    for node in module.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield f"{name}.{node.name}"
            case ast.Assign():
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        yield f"{name}.{target.id}"
            case ast.AnnAssign(target=ast.Name(id=variable)):
                yield f"{name}.{variable}"


def is_found_otherwise(name: str) -> bool:
    """Dunders, the commands (found by the index) and the catalogues (found by their key)."""
    module, _, short = name.rpartition(".")
    is_command = module.startswith("cli.commands.") and short.isupper()
    return short.startswith("__") or is_command or module.startswith("base.texts.")


def test_every_definition_is_used_by_some_module() -> None:
    defined = {
        each
        for name, module in modules().items()
        if not name.startswith(("bench", "demo", "docs"))
        for each in definitions(name, module)
    }
    unused = {each for each in defined - used() if not is_found_otherwise(each)}
    assert unused == set(NEEDED)


def keys() -> list[str]:
    found = []
    for path in sorted(TEXTS.glob("[a-z]*.py")):
        scope: dict[str, dict[str, tuple[str, str]]] = {}
        exec(compile(path.read_text(), path, "exec"), scope)
        found += scope["TEXTS"]
    return found


@cache
def words() -> tuple[frozenset[str], tuple[str, ...]]:
    """Strings in the code, and what strings with values in them begin with."""
    whole, beginnings = set(), set()
    for name, module in modules().items():
        if name.startswith("base.texts."):
            continue
        for node in module.telling:
            match node:
                case ast.Constant(value=str(text)):
                    whole.add(text)
                case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]) if "." in text:
                    beginnings.add(text)
    return frozenset(whole), tuple(beginnings)


@pytest.mark.parametrize("key", keys())
def test_every_text_is_used(key: str) -> None:
    whole, beginnings = words()
    assert key in whole or key.startswith(beginnings)

"""Writes the bundle that `cli.bundle` reads: the light packages, compiled into one file.

Every module of the packages is found by walking them. What only people and tools read is left
out of the code: docstrings, annotations of functions, imports for the type checker. Runs at
set-up, not on the command line's way.
"""

from __future__ import annotations
import __future__

import ast
import marshal
import os
import sys
from _imp import source_hash
from importlib.machinery import ExtensionFileLoader, PathFinder
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, NamedTuple, cast

from budu.cli.bundle import FRONT_SIZE, HASH_KEY

if TYPE_CHECKING:
    from budu.cli.bundle import Entry

PACKAGES = ("base", "client", "cli")
"""Packages below `budu` that the command line is made of."""
_ANNOTATIONS = __future__.annotations.compiler_flag


class Module(NamedTuple):
    """One compiled module."""

    name: str
    """With dots."""
    is_package: bool
    """Whether it has modules below it."""
    tree: ast.Module
    """Its text, for looking at."""
    code: CodeType
    """Its code."""
    changed_ns: int
    """When the source was changed last."""
    size: int
    """Bytes of the source."""


def bundle_path(folder: Path) -> Path:
    """Where the bundle of the packages in `folder` is, for this interpreter."""
    return folder / "budu" / "__pycache__" / f"bundle.{sys.implementation.cache_tag}"


def write_bundle(folder: Path) -> Path | None:
    """Write the bundle, atomically; None when the folder may not be written."""
    target = bundle_path(folder)
    temporary = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(exist_ok=True)
        temporary.write_bytes(make_bundle(folder))
        temporary.replace(target)
    except OSError:
        return None
    return target


def make_bundle(folder: Path) -> bytes:
    """The bytes of a bundle of the packages below `folder/budu`."""
    modules = compile_packages(folder)
    codes = [marshal.dumps(module.code) for module in modules]
    head = b""
    begin = -1
    while begin != FRONT_SIZE + len(head):  # offsets are part of the head and change its size
        begin = FRONT_SIZE + len(head)
        head = _head(modules, codes, begin)
    front = MAGIC_NUMBER + len(head).to_bytes(4, "little") + source_hash(HASH_KEY, head)
    return b"".join([front, head, *codes])


def compile_packages(folder: Path) -> list[Module]:
    """Every module that can be compiled, by name."""
    root = folder / "budu"
    paths = [root / "__init__.py"]
    paths += [path for package in PACKAGES for path in (root / package).rglob("*.py")]
    found = [_compile(path, folder) for path in sorted(paths)]
    return [module for module in found if module is not None]


def _compile(path: Path, folder: Path) -> Module | None:
    facts = path.stat()
    below = path.relative_to(folder)
    is_package = path.name == "__init__.py"
    name = ".".join((below.parent if is_package else below.with_suffix("")).parts)
    try:
        tree = ast.parse(path.read_bytes(), str(path))
        lean = cast(ast.Module, ast.fix_missing_locations(_Lean().visit(tree)))
        code = compile(lean, str(path), "exec", flags=_ANNOTATIONS, dont_inherit=True)
    except SyntaxError:
        return None
    return Module(name, is_package, lean, code, facts.st_mtime_ns, facts.st_size)


def _head(modules: list[Module], codes: list[bytes], begin: int) -> bytes:
    index: dict[str, bytes] = {}
    offset = begin
    for module, code in zip(modules, codes, strict=True):
        checksum = source_hash(HASH_KEY, code)
        facts = (module.changed_ns, module.size)
        entry: Entry = (module.is_package, offset, len(code), checksum, *facts)
        index[module.name] = marshal.dumps(entry)
        offset += len(code)
    reader = next(module.code for module in modules if module.name == "budu.cli.bundle")
    return marshal.dumps((reader, index, sys.base_exec_prefix, _extensions(modules)))


def _extensions(modules: list[Module]) -> dict[str, str]:
    """Where the extension modules are that the modules import: a search less."""
    names: set[str] = set()
    for node in (node for module in modules for node in ast.walk(module.tree)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    places: dict[str, str] = {}
    for name in sorted(names & sys.stdlib_module_names):
        spec = None if name in sys.builtin_module_names else PathFinder.find_spec(name)
        if spec and spec.origin and isinstance(spec.loader, ExtensionFileLoader):
            places[name] = spec.origin
    return places


class _Lean(ast.NodeTransformer):
    """Takes out what does not change how a program runs."""

    def visit_Module(self, node: ast.Module) -> ast.Module:
        self.generic_visit(node)
        node.body = _without_docstring(node.body) or [ast.Pass()]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        """Annotated fields stay: a class may be made from them."""
        node.body = [
            each if isinstance(each, ast.AnnAssign) else self.visit(each)
            for each in _without_docstring(node.body)
        ] or [ast.Pass()]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.returns = None
        node.body = _without_docstring(node.body) or [ast.Pass()]
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return node
        return ast.copy_location(ast.Assign([node.target], self.visit(node.value)), node)

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING" and not node.orelse:
            return ast.copy_location(ast.Pass(), node)
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        return ast.copy_location(ast.Pass(), node) if node.module == "__future__" else node


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if is_docstring else body

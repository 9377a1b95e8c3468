"""The bundle: the same program with, without and with a broken one, and never old code."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.machinery import ExtensionFileLoader
from pathlib import Path

import pytest

from budu import __version__
from budu.cli.bundle import BundleFinder
from budu.cli.bundler import PACKAGES, bundle_path, compile_packages, make_bundle, write_bundle
from budu.cli.launcher import write_launcher

SOURCE = Path(__file__).resolve().parents[3] / "src"
LOADERS = """
import sys
import budu, budu.cli.main, budu.client.transport, _socket
for name in ("budu", "budu.cli.main", "budu.client.transport", "_socket"):
    print(name, type(sys.modules[name].__spec__.loader).__name__)
"""
BUNDLED = {name: "BundleFinder" for name in ("budu", "budu.cli.main", "budu.client.transport")}
USUAL = {name: "SourceFileLoader" for name in BUNDLED}


class Checkout:
    """A copy of the program with a launcher of its own, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "src"
        self.program = folder / "bin" / "budu"

    @classmethod
    def of_the_project(cls, folder: Path) -> Checkout:
        made = cls(folder)
        for package in PACKAGES:
            shutil.copytree(SOURCE / "budu" / package, made.source / "budu" / package,
                            ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
        shutil.copy2(SOURCE / "budu" / "__init__.py", made.source / "budu")
        made.program.parent.mkdir()
        made.set_up()
        return made

    def copy_to(self, folder: Path) -> Checkout:
        """The same in another place, with the same bundle."""
        shutil.copytree(self.source.parent, folder)
        made = Checkout(folder)
        text = self.program.read_text().replace(str(self.source), str(made.source))
        made.program.write_text(text)
        return made

    def set_up(self) -> None:
        write_launcher(self.program.parent, source=self.source)

    @property
    def bundle(self) -> Path:
        return bundle_path(self.source)

    def run(self, *words: str) -> str:
        done = subprocess.run(
            [self.program, *words], capture_output=True, text=True, check=True, env={"LANG": "C"}
        )
        assert done.stderr == ""
        return done.stdout

    def loaders(self) -> dict[str, str]:
        """Which class loaded each of some modules, after the launcher did its part."""
        before, _, _ = self.program.read_text().rpartition("from budu.cli.main import entry")
        done = subprocess.run(
            [sys.executable, "-IS", "-c", before + LOADERS],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found = dict(line.split() for line in done.stdout.splitlines())
        found.pop("_socket")
        return found

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.source / "budu" / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout.of_the_project(tmp_path_factory.mktemp("pristine") / "checkout")


@pytest.fixture
def checkout(pristine: Checkout, tmp_path: Path) -> Checkout:
    return pristine.copy_to(tmp_path / "checkout")


def test_the_program_comes_from_the_bundle(checkout: Checkout) -> None:
    assert checkout.loaders() == BUNDLED
    assert checkout.run("--version") == f"budu version {__version__}\n"


def test_help_is_the_same_with_and_without(checkout: Checkout) -> None:
    bundled = checkout.run("run", "--help")
    checkout.bundle.unlink()
    assert checkout.loaders() == USUAL
    assert checkout.run("run", "--help") == bundled
    assert checkout.run("--version") == f"budu version {__version__}\n"


def test_every_module_of_the_packages_is_in_it(pristine: Checkout) -> None:
    names = {module.name for module in compile_packages(pristine.source)}
    assert len(names) == len(list(pristine.source.rglob("*.py")))
    assert {"budu", "budu.cli", "budu.cli.main", "budu.cli.commands.ps"} <= names


def test_an_edited_module_is_taken_from_its_source(checkout: Checkout) -> None:
    checkout.edit("__init__.py", f'"{__version__}"', '"9.8.7"')
    assert checkout.run("--version") == "budu version 9.8.7\n"
    assert checkout.loaders() == {**BUNDLED, "budu": "SourceFileLoader"}
    checkout.set_up()
    assert checkout.loaders() == BUNDLED
    assert checkout.run("--version") == "budu version 9.8.7\n"


def test_an_edit_that_keeps_the_size_is_seen(checkout: Checkout) -> None:
    other = __version__[:-1] + ("8" if __version__[-1] == "9" else "9")
    checkout.edit("__init__.py", __version__, other)
    assert checkout.run("--version") == f"budu version {other}\n"


def test_an_edited_reader_is_not_used(checkout: Checkout) -> None:
    checkout.edit("cli/bundle.py", "FRONT_SIZE = 16", "FRONT_SIZE = 16  # bytes")
    assert checkout.loaders() == USUAL


def test_a_module_that_was_removed_is_gone(checkout: Checkout) -> None:
    (checkout.source / "budu" / "client" / "transport.py").unlink()
    with pytest.raises(subprocess.CalledProcessError) as caught:
        checkout.loaders()
    assert "No module named 'budu.client.transport'" in caught.value.stderr


def test_a_module_that_is_new_is_found(checkout: Checkout) -> None:
    checkout.edit("__init__.py", f'"{__version__}"', "budu.newer.VERSION")
    checkout.edit("__init__.py", "__version__", "import budu.newer\n\n__version__")
    (checkout.source / "budu" / "newer.py").write_text("VERSION = 'new'\n")
    assert checkout.run("--version") == "budu version new\n"


@pytest.mark.parametrize(
    "place", [0, 5, 9, 40, 4000], ids=["magic", "size", "hash", "code", "index"]
)
def test_a_bundle_with_a_damaged_head_is_not_used(checkout: Checkout, place: int) -> None:
    data = bytearray(checkout.bundle.read_bytes())
    data[place] ^= 0x55
    checkout.bundle.write_bytes(data)
    assert checkout.loaders() == USUAL
    assert checkout.run("--version") == f"budu version {__version__}\n"


def test_damaged_code_is_left_to_the_source(checkout: Checkout) -> None:
    data = checkout.bundle.read_bytes()
    begin = 16 + int.from_bytes(data[4:8], "little")
    checkout.bundle.write_bytes(data[:begin] + bytes(len(data) - begin))
    assert checkout.loaders() == USUAL
    assert checkout.run("--version") == f"budu version {__version__}\n"


@pytest.mark.parametrize("size", [0, 3, 16, 600, 30_000])
def test_a_bundle_that_was_cut_off(checkout: Checkout, size: int) -> None:
    checkout.bundle.write_bytes(checkout.bundle.read_bytes()[:size])
    assert checkout.run("--version") == f"budu version {__version__}\n"


def test_a_moved_checkout_keeps_its_bundle(pristine: Checkout, checkout: Checkout) -> None:
    assert checkout.source != pristine.source
    assert checkout.bundle.read_bytes() == pristine.bundle.read_bytes()
    assert checkout.loaders() == BUNDLED


def test_where_nothing_may_be_written_the_program_does_without(tmp_path: Path) -> None:
    folder = tmp_path / "src"
    shutil.copytree(SOURCE / "budu" / "cli", folder / "budu" / "cli")
    (folder / "budu" / "__pycache__").write_text("not a folder")
    assert write_bundle(folder) is None


def test_the_bundle_is_the_same_each_time(pristine: Checkout) -> None:
    assert make_bundle(pristine.source) == pristine.bundle.read_bytes()


def test_errors_name_the_line_of_the_source(pristine: Checkout) -> None:
    before, _, _ = pristine.program.read_text().rpartition("from budu.cli.main import entry")
    done = subprocess.run(
        [sys.executable, "-IS", "-c", before + "from budu.base import units\nunits._span(1, 2)"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert f'File "{pristine.source}/budu/base/units.py", line ' in done.stderr
    assert "    while end < len(text) and text[end] in characters:" in done.stderr


def test_an_extension_module_is_found_where_it_was(tmp_path: Path) -> None:
    there = tmp_path / "_there.so"
    there.touch()
    finder = BundleFinder(
        -1, "/", index={}, extensions={"_there": str(there), "_gone": f"{tmp_path}/_gone.so"}
    )
    spec = finder.find_spec("_there")
    assert spec is not None
    assert isinstance(spec.loader, ExtensionFileLoader)
    assert finder.find_spec("_gone") is None
    assert finder.find_spec("_other") is None


LEAN = '''
"""What is read by people."""
from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nowhere import Absent
if not TYPE_CHECKING:
    REAL = True
VALUE: Absent = 1


class Record:
    """A record."""

    size: int
    name: str = "n"

    def twice(self, by: Absent, *, also: Absent = 2) -> Absent:
        """Only words."""
        kept: Absent = by * also
        return kept


def empty(*rest: Absent) -> None:
    """Nothing else."""
'''


def test_what_a_program_needs_is_kept(tmp_path: Path) -> None:
    for package in ("base", "cli"):
        (tmp_path / "budu" / package).mkdir(parents=True)
    (tmp_path / "budu" / "__init__.py").touch()
    (tmp_path / "budu" / "base" / "sample.py").write_text(LEAN)
    (tmp_path / "budu" / "base" / "broken.py").write_text("def")
    modules = {module.name: module for module in compile_packages(tmp_path)}
    assert set(modules) == {"budu", "budu.base.sample"}
    space: dict = {"__name__": "sample"}
    exec(modules["budu.base.sample"].code, space)
    assert (space["REAL"], space["VALUE"]) == (True, 1)
    record = space["Record"]
    assert record.__annotations__ == {"size": "int", "name": "str"}
    assert record().twice(3) == 6
    assert record.twice.__doc__ is None
    assert space["empty"](1, 2) is None

"""The fixtures of tests that need a whole engine; conftest files import them from here."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.support.docker import Docker
from tests.support.engine import EngineProcess
from tests.support.images import push_all
from tests.support.leaks import assert_clean, assert_gone, helpers_of, remove_host_objects
from tests.support.registry import running_registry


class Registry:
    """A running registry and the digests of its images by `name:tag`."""

    def __init__(self, address: str, digests: dict[str, str]) -> None:
        self.address = address
        self.digests = digests


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that serves the test images as Docker Hub's."""
    with running_registry(tmp_path_factory.mktemp("registry")) as address:
        yield Registry(address, push_all(address))


@pytest.fixture
def target(tmp_path: Path) -> Iterator[str]:
    """The address of an empty registry."""
    (tmp_path / "registry").mkdir()
    with running_registry(tmp_path / "registry") as address:
        yield address


@contextmanager
def fresh_engine(
    registry: Registry,
    *arguments: str,
    data: Path | None = None,
    wrapper: tuple[str, ...] = (),
) -> Iterator[EngineProcess]:
    """A running engine, with its data elsewhere or under a `wrapper` if wished; at the end nothing
    of it may be left on the machine."""
    root = Path(tempfile.mkdtemp(prefix="bt-"))
    if data is not None:
        (root / "d").symlink_to(data)
    engine = EngineProcess(root, mirror=registry.address, arguments=arguments, wrapper=wrapper)
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, root, ignore_errors=True)
        undo.callback(remove_host_objects, engine)
        undo.callback(_end, engine)
        engine.start()
        yield engine


def _end(engine: EngineProcess) -> None:
    if not engine.is_running:
        engine.start()
    helpers = helpers_of(engine.pid)
    try:
        engine.remove_containers()
        assert_clean(engine)
    finally:
        engine.stop()
    assert_gone(engine, helpers)


@pytest.fixture(scope="module")
def engine(registry: Registry) -> Iterator[EngineProcess]:
    """One engine for all tests of a module, with busybox and app pulled."""
    with fresh_engine(registry) as engine:
        for name, tag in (("busybox", "latest"), ("app", "1.0")):
            reply = engine.request("POST", "/images/create", fromImage=name, tag=tag)
            assert b"errorDetail" not in reply.body, reply.body
        yield engine


@pytest.fixture
def make_engine(registry: Registry) -> Iterator[Callable[..., EngineProcess]]:
    """Engines of a test's own."""
    with ExitStack() as running:
        yield lambda *arguments: running.enter_context(fresh_engine(registry, *arguments))


@pytest.fixture(scope="module")
def docker(engine: EngineProcess) -> Docker:
    """The docker command line for the module's engine."""
    config = engine.root / "docker-config"
    config.mkdir()
    return Docker(engine, config)


@pytest.fixture
def clean(engine: EngineProcess) -> Iterator[None]:
    """The test's containers and volumes are removed after it, and nothing is left of them."""
    yield
    if not engine.is_running:
        engine.start()
    engine.remove_containers()
    assert_clean(engine)

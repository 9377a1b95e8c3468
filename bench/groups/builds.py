"""Builds: commands, files, and a build that has nothing to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from bench.case import Case, Context
from bench.peers import Site
from bench.targets import TimesFaster

COMMANDS, FEW, MANY = 5, 100, 5000
"""Commands of a Dockerfile, and files that are copied."""
IMAGE = "bench-built"
TARGETS = (TimesFaster("docker", 4), TimesFaster("podman", 4))


def folder(site: Site, files: int) -> Path:
    """The context with so many files."""
    return site.cache / f"context-{files}"


def write_context(files: int, commands: int) -> Callable[[Site], None]:
    """A step that makes a context: a Dockerfile, and files of 1 KiB in folders of a hundred."""

    def step(site: Site) -> None:
        root = folder(site, files)
        shutil.rmtree(root, ignore_errors=True)
        for number in range(files):
            path = root / "files" / str(number // 100) / str(number)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{number}\n" * (1024 // len(f"{number}\n")))
        lines = ["FROM busybox", "COPY files /files"]
        lines += [f"RUN echo {number} >/made-{number}" for number in range(commands)]
        (root / "Dockerfile").write_text("\n".join([*lines, 'CMD ["sh"]\n']))

    return step


def forget(files: int) -> Callable[[Site], None]:
    """A step that removes the image and the context."""

    def step(site: Site) -> None:
        site.run("rmi", "-f", IMAGE)
        shutil.rmtree(folder(site, files), ignore_errors=True)

    return step


def build(files: int, *flags: str) -> Callable[[Context], float]:
    """Measures a build, in ms."""

    def measure(context: Context) -> float:
        words = ["build", *flags, "-q", "-t", IMAGE, str(folder(context.site, files))]
        return context.site.run_as(context.peer, words).wall_s * 1000

    return measure


CASES: tuple[Case, ...] = (
    Case(
        name="build",
        title=f"`build --no-cache`, {COMMANDS} × RUN, {FEW} files",
        measure=build(FEW, "--no-cache"),
        setup=write_context(FEW, COMMANDS),
        teardown=forget(FEW),
        max_rounds=5,
        targets=TARGETS,
    ),
    Case(
        name="build.cached",
        title=f"`build` again, {COMMANDS} × RUN, {FEW} files",
        measure=build(FEW),
        setup=write_context(FEW, COMMANDS),
        teardown=forget(FEW),
        max_rounds=10,
        targets=(TimesFaster("docker", 1), TimesFaster("podman", 1)),
    ),
    Case(
        name="build.files",
        title=f"`build --no-cache`, {MANY} files",
        measure=build(MANY, "--no-cache"),
        setup=write_context(MANY, 0),
        teardown=forget(MANY),
        max_rounds=3,
        targets=(TimesFaster("docker", 1), TimesFaster("podman", 1)),
    ),
)
"""In the order of the table."""

"""`budu-hub seed [NAME…] --to URL`: official images, built here and published there."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from budu.base.errors import InvalidArgument
from budu.hub.seed import library
from budu.hub.seed.build import Builder
from budu.hub.seed.engine import SeedEngine
from budu.hub.seed.publish import Hub

DEFAULT_CACHE = "/var/cache/budu-hub-seed"
PASSWORD = "HUB_ADMIN_PASSWORD"
"""The variable of the environment that holds the password or token."""


def add_seed_flags(parser: argparse.ArgumentParser) -> None:
    """The arguments of `seed`."""
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="images to build and push; none: all")
    add("--to", default="http://127.0.0.1:5080", metavar="URL", help="the hub")
    add("--user", default="admin", help=f"who publishes; {PASSWORD} holds the password")
    add("--library", default=str(library.LIBRARY), metavar="DIR", help="the recipes")
    add("--cache", default=DEFAULT_CACHE, metavar="DIR", help="keeps layers between runs")
    add("--describe-all", action="store_true", help="texts of the images not named, too")
    add("--describe-only", action="store_true", help="texts alone, no image is built")
    add("--force", action="store_true", help="also what the hub has of the same recipe")


def run(given: argparse.Namespace) -> int:
    """Build and publish what was asked for. Raises: BuduError."""
    recipes = Path(given.library)
    wanted = given.names or library.names(recipes)
    described = library.names(recipes) if given.describe_all else wanted
    password = os.environ.get(PASSWORD)
    if not password:
        raise InvalidArgument(f"{PASSWORD} is not set: it holds the password of {given.user}")
    hub = Hub(given.to, given.user, password)
    for name in described:
        hub.describe(library.read_recipe(name, recipes))
    if not given.describe_only:
        publish(hub, wanted, recipes, Path(given.cache).absolute(), is_forced=given.force)
    return 0


def publish(
    hub: Hub,
    wanted: Sequence[str],
    recipes: Path,
    cache: Path,
    *,
    is_forced: bool = False,
    say: Callable[[str], object] = lambda line: print(line, file=sys.stderr, flush=True),
) -> None:
    """Build and push the images that the hub has not, or has of another recipe."""
    stale = [
        name
        for name in wanted
        if is_forced or not _is_current(hub, library.read_recipe(name, recipes))
    ]
    if not stale:
        return
    with SeedEngine(cache / "engine") as engine:
        builder = Builder(engine, cache, say)
        for recipe in library.in_order(stale, recipes):
            builder.build(recipe)
            if recipe.name in stale:
                say(f"{recipe.name}: {builder.push(recipe, hub)}")
        builder.forget()


def _is_current(hub: Hub, recipe: library.Recipe) -> bool:
    return hub.published_recipe(recipe.name, recipe.metadata.tags[0]) == recipe.fingerprint

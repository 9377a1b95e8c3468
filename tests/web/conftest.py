"""A real browser on a real hub; every page is watched for errors and for what its policy stops."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from tests.support.seeded_hub import RunningHub, running_hub, seed
from tests.web.visitor import Door

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """One hub with content for all tests; each makes accounts of its own."""
    with running_hub(tmp_path_factory.mktemp("hub")) as running:
        seed(running)
        yield running


@pytest.fixture
def door(browser: Browser, hub: RunningHub) -> Iterator[Door]:
    """Visitors of one test; the test fails when a page of theirs had errors."""
    door = Door(browser, hub)
    yield door
    assert door.close() == []

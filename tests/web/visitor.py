"""Somebody with a browser who looks at the hub; what goes wrong in the page is noted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page
from tests.support.seeded_hub import RunningHub

OUTPUT = Path(__file__).parent / "output"
_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""
_ANSWER = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
_NETWORK_CHANGED = "ERR_NETWORK_CHANGED"
"""Chromium drops requests when an interface of the machine comes or goes; the page asks again."""


@dataclass
class Visitor:
    """Somebody with a browser of his own."""

    page: Page
    context: BrowserContext
    hub: RunningHub
    problems: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to an address of the hub and wait until it rests."""
        for _ in range(5):
            try:
                self.page.goto(self.hub.address + path)
                break
            except Error as error:
                if _NETWORK_CHANGED not in error.message:
                    raise
        self.page.wait_for_load_state("networkidle")
        return self.page

    def picture(self, name: str) -> None:
        """Keep what is seen."""
        OUTPUT.mkdir(exist_ok=True)
        self.page.screenshot(path=OUTPUT / f"{name}.png", full_page=True)

    def violations(self) -> list[str]:
        """What the page's policy has stopped."""
        return list(self.page.evaluate("window.violations"))

    def listen(self) -> None:
        """Note what goes wrong in the page; refusals by the hub are its ordinary answers."""

        def note(message: ConsoleMessage) -> None:
            is_expected = _ANSWER.match(message.text) or _NETWORK_CHANGED in message.text
            if message.type in ("error", "warning") and not is_expected:
                self.problems.append(message.text)

        self.page.on("console", note)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))


class Door:
    """Lets visitors in."""

    def __init__(self, browser: Browser, hub: RunningHub) -> None:
        self._browser = browser
        self._hub = hub
        self._visitors: list[Visitor] = []

    def visitor(
        self, *, language: str = "en-US", theme: str = "light", width: int = 1280
    ) -> Visitor:
        """A new browser profile."""
        context = self._browser.new_context(
            locale=language,
            color_scheme=theme,
            viewport={"width": width, "height": 900},
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(20_000)
        context.add_init_script(_VIOLATIONS)
        visitor = Visitor(context.new_page(), context, self._hub)
        visitor.listen()
        self._visitors.append(visitor)
        return visitor

    def close(self) -> list[str]:
        """Close all; what went wrong in any."""
        problems = []
        for visitor in self._visitors:
            problems += [*visitor.problems, *visitor.violations()]
            visitor.context.close()
        return problems

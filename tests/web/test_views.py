"""Every page in both themes and on a phone: nothing overflows, everything is named and readable."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.support.seeded_hub import ADMIN, PASSWORD
from tests.web.people import sign_in
from tests.web.visitor import Door

PUBLIC = {
    "home": "/",
    "explore": "/explore",
    "search": "/explore?q=database",
    "nothing": "/explore?q=qzxjkv",
    "repository": "/r/library/httpd",
    "tags": "/r/library/httpd/tags",
    "tag": "/r/library/httpd/tags/latest",
    "account": "/u/library",
    "sign-in": "/sign-in",
    "sign-up": "/sign-up",
    "not-found": "/r/library/nothing-of-that-name",
}
PRIVATE = {
    "own": "/repositories",
    "new": "/new",
    "settings": "/r/library/httpd/settings",
    "settings-overview": "/r/library/httpd/settings/overview",
    "settings-tags": "/r/library/httpd/settings/tags",
    "settings-webhooks": "/r/library/httpd/settings/webhooks",
    "settings-access": "/r/library/httpd/settings/access",
    "settings-delete": "/r/library/httpd/settings/danger",
    "account-settings": "/settings",
    "tokens": "/settings/tokens",
    "organizations": "/organizations",
    "members": "/u/library/members",
    "teams": "/u/library/teams",
    "organization-settings": "/u/library/settings",
    "activity": "/activity",
    "admin": "/admin",
    "admin-mirrors": "/admin/mirrors",
    "admin-sweep": "/admin/sweep",
}
VIEWS = [
    ("en-US", "light", 1280),
    ("ko-KR", "dark", 1280),
    ("ko-KR", "light", 390),
    ("en-US", "dark", 390),
]
CHECKS = (Path(__file__).parent / "page_checks.js").read_text().partition("\n")[2]


def check(page: Page, name: str) -> None:
    """What holds for every page."""
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    for landmark in ("banner", "main", "contentinfo"):
        expect(page.get_by_role(landmark)).to_have_count(1)
    for question in ("unnamed", "contrast", "wider"):
        wrong = page.evaluate(f"({CHECKS.strip().removesuffix(';')}).{question}()")
        assert wrong == [], f"{name}: {question}"
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name


@pytest.mark.parametrize(("language", "theme", "width"), VIEWS)
def test_public_pages(door: Door, language: str, theme: str, width: int) -> None:
    visitor = door.visitor(language=language, theme=theme, width=width)
    for name, path in PUBLIC.items():
        page = visitor.open(path)
        visitor.picture(f"{name}-{language}-{theme}-{width}")
        check(page, name)


@pytest.mark.parametrize(("language", "theme", "width"), VIEWS)
def test_pages_of_somebody(door: Door, language: str, theme: str, width: int) -> None:
    visitor = door.visitor(language="en-US", theme=theme, width=width)
    sign_in(visitor, ADMIN, PASSWORD)
    visitor.page.evaluate(
        "language => localStorage.setItem('hub.language', language)", language[:2]
    )
    for name, path in PRIVATE.items():
        page = visitor.open(path)
        visitor.picture(f"{name}-{language}-{theme}-{width}")
        check(page, name)


def test_dark_can_be_chosen_and_is_kept(door: Door) -> None:
    page = door.visitor(theme="light").open("/")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Colours").click()
    page.get_by_role("button", name="Dark").click()
    after = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert after != before
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == after

"""What visitors do again and again."""

from __future__ import annotations

from tests.web.visitor import Visitor

PASSWORD = "correct horse battery"


def sign_up(visitor: Visitor, name: str) -> None:
    """Make an account by the form, in English."""
    page = visitor.open("/sign-up")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make an account").click()
    page.wait_for_url("**/repositories")


def sign_in(visitor: Visitor, name: str, password: str = PASSWORD) -> None:
    """Sign in by the form, in English."""
    page = visitor.open("/sign-in")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url(visitor.hub.address + "/")


def make_repository(visitor: Visitor, name: str, *, summary: str = "") -> None:
    """Make a repository by the form, in English."""
    page = visitor.open("/new")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Short description").fill(summary)
    page.get_by_role("button", name="Create").click()
    page.wait_for_url(f"**/r/*/{name}")

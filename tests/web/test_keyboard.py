"""Without a mouse: every step of the lesson, and nothing that traps the focus."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.web.visitor import Door

MOST_STEPS = 60


def focused(page: Page) -> str:
    """What has the focus, by its name."""
    return str(
        page.evaluate(
            "(document.activeElement.getAttribute('aria-label') "
            "|| document.activeElement.textContent || '').trim()"
        )
    )


def tab_to(page: Page, name: str) -> None:
    """Press Tab until something of that name has the focus."""
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        if focused(page).startswith(name):
            outline = page.evaluate(
                """() => {
                  const at = document.activeElement;
                  const card = at.closest(".card") ?? at;
                  return [at, card].some((e) => getComputedStyle(e).outlineStyle !== "none");
                }"""
            )
            assert outline, f"the focus on {name} can't be seen"
            return
    raise AssertionError(f"{name} is not reached by Tab")


def test_the_lesson_by_keyboard(door: Door) -> None:
    page = door.visitor().open("/")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to content"
    tab_to(page, "Explore")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Explore")).to_be_visible()
    tab_to(page, "Containers")
    page.keyboard.press("Enter")
    page.wait_for_url("**product=image*")
    tab_to(page, "httpd")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="httpd")).to_be_visible()
    tab_to(page, "Official image")
    expect(page.get_by_role("tooltip")).to_be_visible()
    tab_to(page, "Copy: docker pull httpd")
    page.keyboard.press("Enter")
    expect(page.locator("[aria-live=polite]").first).to_contain_text("docker pull httpd")
    assert page.evaluate("navigator.clipboard.readText()") == "docker pull httpd"


def test_skip_link_goes_to_the_content(door: Door) -> None:
    page = door.visitor().open("/explore")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_suggestions_are_chosen_by_arrows(door: Door) -> None:
    page = door.visitor().open("/")
    page.keyboard.press("/")
    page.keyboard.type("htt")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option").first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    page.wait_for_url("**/r/library/httpd")


def test_a_menu_closes_by_escape_and_gives_the_focus_back(door: Door) -> None:
    page = door.visitor().open("/")
    menu = page.get_by_role("button", name="Colours")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Dark")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Dark")).to_be_hidden()
    expect(menu).to_be_focused()

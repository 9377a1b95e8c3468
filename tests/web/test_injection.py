"""What people write can't do anything in a reader's browser."""

from __future__ import annotations

import urllib.parse

import pytest
from playwright.sync_api import Page, expect
from tests.support.seeded_hub import RunningHub
from tests.web.people import PASSWORD, make_repository, sign_up
from tests.web.visitor import Door

SCRIPTS = (
    "<script>window.hurt = 1</script>",
    '<img src="x" onerror="window.hurt = 1">',
    '"><svg onload="window.hurt = 1">',
    "javascript:window.hurt=1",
    "{{constructor.constructor('window.hurt=1')()}}",
    "'; window.hurt = 1; //",
)
MARKDOWN = """
<script>window.hurt = 1</script>
<img src=x onerror="window.hurt = 1">
<iframe srcdoc="<script>parent.hurt = 1</script>"></iframe>
<style>body { display: none }</style>

[click](javascript:window.hurt=1)
[data](data:text/html,<script>window.hurt=1</script>)
![image](https://127.0.0.1:9443/x.png "onerror=window.hurt=1")
<a href="x" onclick="window.hurt=1">x</a>

```html" onmouseover="window.hurt=1
code
```
"""


def is_unhurt(page: Page) -> bool:
    """Whether nothing of it has run."""
    return bool(page.evaluate("window.hurt === undefined"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_search_term_stays_a_word(door: Door, script: str) -> None:
    visitor = door.visitor()
    page = visitor.open("/explore?q=" + urllib.parse.quote(script))
    expect(page.get_by_role("heading", level=2).first).to_contain_text(script)
    box = page.get_by_role("combobox", name="Search images")
    box.fill(script + " ")
    page.wait_for_load_state("networkidle")
    assert is_unhurt(page)
    assert visitor.violations() == []


def test_an_overview_loses_what_could_act(door: Door) -> None:
    visitor = door.visitor()
    page = visitor.page
    sign_up(visitor, "pirate")
    make_repository(visitor, "cannon", summary=SCRIPTS[0])
    visitor.open("/r/pirate/cannon/settings/overview")
    page.get_by_role("textbox", name="Overview").fill(MARKDOWN)
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".markdown")).to_contain_text("click")
    assert is_unhurt(page)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[aria-live=polite]").first).to_contain_text("Saved")

    reader = door.visitor()
    shown = reader.open("/r/pirate/cannon")
    markdown = shown.locator(".markdown")
    expect(markdown).to_contain_text("click")
    expect(
        markdown.locator("script, iframe, style, [onclick], [onerror], [onmouseover]")
    ).to_have_count(0)
    for link in markdown.locator("a").all():
        assert (link.get_attribute("href") or "https:").startswith(("http", "/")), link
    expect(shown.get_by_text(SCRIPTS[0]).first).to_be_visible()
    found = reader.open("/explore?q=cannon")
    expect(found.get_by_text(SCRIPTS[0]).first).to_be_visible()
    assert is_unhurt(shown)
    for each in (visitor, reader):  # nobody has the image; that it is asked for is right
        each.problems = [told for told in each.problems if "CONNECTION_REFUSED" not in told]
    assert reader.violations() == []


@pytest.mark.parametrize("script", SCRIPTS[:3])
def test_names_of_accounts_and_repositories_are_refused(door: Door, script: str) -> None:
    visitor = door.visitor()
    page = visitor.open("/sign-up")
    page.get_by_label("Name", exact=True).fill(script[:39])
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make an account").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert is_unhurt(page)
    visitor.open("/r/" + urllib.parse.quote(script, safe="") + "/x")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert is_unhurt(page)


def test_the_policy_stops_what_gets_in_all_the_same(door: Door, hub: RunningHub) -> None:
    visitor = door.visitor()
    page = visitor.open("/")
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.hurt = 1";
          document.body.append(script);
          document.body.insertAdjacentHTML("beforeend", '<img src="/x" onerror="window.hurt = 1">');
        }"""
    )
    page.wait_for_function("window.violations.length > 0")
    assert is_unhurt(page)
    visitor.problems.clear()
    page.goto(hub.address + "/")


def test_signing_in_never_leads_elsewhere(door: Door, hub: RunningHub) -> None:
    visitor = door.visitor()
    sign_up(visitor, "lookout")
    other = door.visitor()
    page = other.open("/sign-in?back=" + urllib.parse.quote("//example.com/x"))
    page.get_by_label("Name", exact=True).fill("lookout")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url(hub.address + "/")

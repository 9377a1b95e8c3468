"""From signing up to an own image: repository, token, push, settings, delete."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from playwright.sync_api import expect
from tests.support.seeded_hub import RunningHub
from tests.web.people import PASSWORD, make_repository, sign_up
from tests.web.visitor import Door


def push(hub: RunningHub, image: str, user: str, secret: str, folder: Path) -> None:
    """Push busybox of the hub under another name, with skopeo."""
    source = f"docker://{hub.registry}/library/busybox:latest"
    subprocess.run(
        [
            "skopeo",
            f"--tmpdir={folder}",
            "copy",
            "--insecure-policy",
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
            f"--dest-creds={user}:{secret}",
            source,
            f"docker://{hub.registry}/{image}",
        ],
        check=True,
        capture_output=True,
    )


def test_a_token_pushes_and_the_tag_appears(door: Door, hub: RunningHub, tmp_path: Path) -> None:
    visitor = door.visitor()
    page = visitor.page
    sign_up(visitor, "fisher")
    expect(page.get_by_text("No repositories yet")).to_be_visible()
    visitor.picture("own-empty")
    make_repository(visitor, "boat", summary="A boat of mine")
    expect(page.get_by_role("heading", name="Nothing pushed yet")).to_be_visible()
    visitor.picture("repository-empty")

    visitor.open("/settings/tokens")
    page.get_by_label("What is it for?").fill("laptop")
    page.get_by_role("button", name="Make token").click()
    box = page.get_by_role("status").filter(has_text="shown this once")
    secret = box.locator("code").first.inner_text()
    visitor.picture("token-made")
    push(hub, "fisher/boat:1.0", "fisher", secret, tmp_path)

    visitor.open("/r/fisher/boat/tags")
    expect(page.get_by_role("link", name="1.0", exact=True)).to_be_visible()
    page.get_by_role("checkbox", name="Select 1.0").check()
    page.get_by_role("button", name="Delete 1 selected").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Nothing pushed yet")).to_be_visible()

    visitor.open("/settings/tokens")
    expect(page.get_by_text(secret)).to_have_count(0)
    page.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("No tokens yet")).to_be_visible()


def test_settings_are_kept_and_the_name_guards_the_delete(door: Door) -> None:
    visitor = door.visitor()
    page = visitor.page
    sign_up(visitor, "skipper")
    make_repository(visitor, "net")
    visitor.open("/r/skipper/net/settings")
    page.get_by_label("Short description (English)").fill("Catches things")
    page.get_by_label("Private: you").check()
    page.get_by_label("Security").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Catches things")).to_be_visible()

    visitor.open("/r/skipper/net/settings/overview")
    page.get_by_role("textbox", name="Overview").fill("# Net\n\n**strong**")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".markdown strong")).to_have_text("strong")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[aria-live=polite]").first).to_contain_text("Saved")
    visitor.open("/r/skipper/net")
    expect(page.get_by_text("Private")).to_be_visible()
    expect(page.locator(".markdown strong")).to_have_text("strong")

    stranger = door.visitor()
    stranger.open("/r/skipper/net")
    expect(stranger.page.get_by_text("There is nothing here")).to_be_visible()

    visitor.open("/r/skipper/net/settings/danger")
    button = page.get_by_role("button", name="Delete for good")
    page.get_by_label(re.compile("^Type")).fill("net")
    expect(button).to_be_disabled()
    page.get_by_label(re.compile("^Type")).fill("skipper/net")
    button.click()
    page.wait_for_url("**/repositories")
    visitor.open("/r/skipper/net")
    expect(page.get_by_text("There is nothing here")).to_be_visible()


def test_rules_show_what_they_would_delete(door: Door, hub: RunningHub, tmp_path: Path) -> None:
    visitor = door.visitor()
    page = visitor.page
    sign_up(visitor, "keeper")
    make_repository(visitor, "lamp")
    for tag in ("1", "2", "latest"):
        push(hub, f"keeper/lamp:{tag}", "keeper", "correct horse battery", tmp_path)
    visitor.open("/r/keeper/lamp/settings/tags")
    page.get_by_role("button", name="Add a rule").click()
    page.get_by_label("Keep the newest").fill("1")
    page.get_by_label("Delete after days").fill("")
    page.get_by_label("Never delete").fill("latest")
    retention = page.get_by_role("region", name="Retention")
    retention.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Tags that would go: 1. Tags that stay: 2.")).to_be_visible()
    visitor.picture("retention")
    retention.get_by_role("button", name="Save").click()
    expect(page.locator("[aria-live=polite]").first).to_contain_text("Saved")
    page.reload()
    expect(page.get_by_label("Keep the newest")).to_have_value("1")


def test_an_organization_with_a_team_shares_a_repository(door: Door) -> None:
    mate = door.visitor()
    sign_up(mate, "mate")
    visitor = door.visitor()
    page = visitor.page
    sign_up(visitor, "captain")
    visitor.open("/organizations")
    page.get_by_label("Name", exact=True).fill("fleet")
    page.get_by_role("button", name="Create").click()
    page.wait_for_url("**/u/fleet")
    visitor.open("/u/fleet/members")
    page.get_by_label("User name").fill("mate")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("listitem").filter(has_text="mate")).to_be_visible()
    visitor.open("/u/fleet/teams")
    page.get_by_label("Name", exact=True).fill("crew")
    page.get_by_role("button", name="Create").click()
    team = page.get_by_role("region", name="crew")
    team.get_by_label("User name").fill("mate")
    team.get_by_role("button", name="Add to team").click()
    expect(team.get_by_role("listitem").filter(has_text="mate")).to_be_visible()
    visitor.picture("teams")

    visitor.open("/new")
    page.get_by_label("Account").select_option("fleet")
    page.get_by_label("Name", exact=True).fill("log")
    page.get_by_label("Private: you").check()
    page.get_by_role("button", name="Create").click()
    page.wait_for_url("**/r/fleet/log")
    mate.open("/r/fleet/log")
    expect(mate.page.get_by_text("There is nothing here")).to_be_visible()
    visitor.open("/r/fleet/log/settings/access")
    page.get_by_label("Who").select_option("team")
    page.get_by_label("Name", exact=True).fill("crew")
    page.get_by_role("button", name="Grant access").click()
    expect(page.get_by_role("listitem").filter(has_text="crew")).to_be_visible()
    mate.open("/r/fleet/log")
    expect(mate.page.get_by_role("heading", level=1, name="fleet/log")).to_be_visible()

    visitor.open("/activity")
    expect(page.get_by_role("table")).to_be_visible()
    visitor.picture("activity")


def test_a_star_counts_once(door: Door) -> None:
    visitor = door.visitor()
    page = visitor.page
    sign_up(visitor, "stargazer")
    visitor.open("/r/library/nginx")
    star = page.get_by_role("button", name=re.compile("^Star"))
    expect(star).to_have_attribute("aria-pressed", "false")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    expect(star).to_contain_text("1")
    page.reload()
    expect(star).to_have_attribute("aria-pressed", "true")


def test_an_account_is_deleted_after_its_name_and_password(door: Door) -> None:
    visitor = door.visitor()
    page = visitor.page
    sign_up(visitor, "leaver")
    make_repository(visitor, "raft")
    visitor.open("/settings")
    panel = page.locator("form").filter(has_text="Delete this account")
    button = panel.get_by_role("button", name="Delete for good")
    panel.get_by_label("Type leaver to confirm").fill("leaver")
    expect(button).to_be_disabled()
    panel.get_by_label("Your password").fill("not my password")
    button.click()
    expect(panel.get_by_role("alert")).to_contain_text("The name or the password is wrong.")
    panel.get_by_label("Your password").fill(PASSWORD)
    button.click()
    page.wait_for_url(f"{visitor.hub.address}/")
    expect(page.get_by_role("banner").get_by_role("link", name="Sign in")).to_be_visible()
    visitor.open("/r/leaver/raft")
    expect(page.get_by_text("There is nothing here")).to_be_visible()
    visitor.open("/sign-up")
    page.get_by_label("Name", exact=True).fill("leaver")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make an account").click()
    expect(page.get_by_role("alert")).to_contain_text("leaver was given up lately.")


def test_an_owner_changes_and_deletes_an_organization(door: Door) -> None:
    visitor = door.visitor()
    page = visitor.page
    sign_up(visitor, "founder")
    visitor.open("/organizations")
    page.get_by_label("Name", exact=True).fill("shortlived")
    page.get_by_role("button", name="Create").click()
    page.wait_for_url("**/u/shortlived")
    page.get_by_role("link", name="Settings").click()
    page.get_by_label("Full name").fill("Shortlived Ltd")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1, name="Shortlived Ltd")).to_be_visible()
    stranger = door.visitor()
    sign_up(stranger, "passerby")
    stranger.open("/u/shortlived/settings")
    expect(stranger.page.get_by_label("Your password")).to_have_count(0)

    page.get_by_label("Type shortlived to confirm").fill("shortlived")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Delete for good").click()
    page.wait_for_url("**/organizations")
    expect(page.get_by_text("No organizations yet")).to_be_visible()


def test_activity_is_told_in_the_readers_words(door: Door) -> None:
    visitor = door.visitor()
    page = visitor.page
    sign_up(visitor, "logger")
    make_repository(visitor, "log")
    visitor.open("/activity")
    expect(page.get_by_role("cell", name="repository made")).to_be_visible()
    page.evaluate("localStorage.setItem('hub.language', 'ko')")
    visitor.open("/activity")
    expect(page.get_by_role("cell", name="저장소 생성")).to_be_visible()

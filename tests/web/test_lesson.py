"""The lesson's steps on the hub: Explore → Containers → httpd → what official means → copy."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect
from tests.web.visitor import Door


@dataclass(frozen=True)
class Words:
    """What the lesson's reader looks for."""

    language: str
    explore: str
    containers: str
    official: str
    explanation: str
    copied: str
    tags: str
    unpacked: str
    search: str
    terms: tuple[str, ...]


WORDS = [
    Words(
        language="en-US",
        explore="Explore",
        containers="Containers",
        official="Official image",
        explanation="This hub makes and maintains it",
        copied="Copied",
        tags="Tags",
        unpacked="Unpacked size",
        search="Search images",
        terms=("httpd", "apache", "web server"),
    ),
    Words(
        language="ko-KR",
        explore="둘러보기",
        containers="컨테이너",
        official="공식 이미지",
        explanation="이 허브가 직접 만들고 관리하는 이미지입니다",
        copied="복사됨",
        tags="태그",
        unpacked="압축을 푼 크기",
        search="이미지 검색",
        terms=("httpd", "아파치", "웹 서버"),
    ),
]


@pytest.mark.parametrize("words", WORDS, ids=lambda words: words.language)
def test_from_explore_to_the_pull_command(door: Door, words: Words) -> None:
    visitor = door.visitor(language=words.language)
    page = visitor.open("/")
    page.get_by_role("banner").get_by_role("link", name=words.explore).click()
    page.get_by_role("main").get_by_role("link", name=re.compile(f"^{words.containers}")).click()
    visitor.picture(f"lesson-containers-{words.language}")
    page.get_by_role("link", name="httpd", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="httpd")).to_be_visible()

    badge = page.get_by_role("main").get_by_role("button", name=words.official)
    tip = page.get_by_role("tooltip")
    expect(tip).to_be_hidden()
    badge.hover()
    expect(tip).to_contain_text(words.explanation)
    expect(tip).to_be_visible()
    page.mouse.move(0, 0)
    expect(tip).to_be_hidden()
    badge.click()
    page.mouse.move(0, 0)
    expect(tip).to_be_visible()
    visitor.picture(f"lesson-badge-{words.language}")
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()

    command = page.get_by_role("group").filter(has_text="docker pull httpd").last
    command.locator(".copy").click()
    expect(command.locator(".copy")).to_contain_text(words.copied)
    expect(page.locator("[aria-live=polite]").first).to_contain_text("docker pull httpd")
    assert page.evaluate("navigator.clipboard.readText()") == "docker pull httpd"
    page.get_by_role("button", name="budu", exact=True).click()
    expect(page.get_by_text("budu pull httpd")).to_be_visible()

    page.get_by_role("main").get_by_role("link", name=re.compile(f"^{words.tags} ")).click()
    expect(page.get_by_role("heading", name="2.4")).to_be_visible()
    page.get_by_role("link", name="2.4", exact=True).click()
    expect(page.get_by_text("RUN step 1").first).to_be_visible()
    facts = page.locator(".tag-facts")
    expect(facts).to_contain_text("linux/amd64")
    expect(facts.locator("dt").filter(has_text=words.unpacked)).to_be_visible()
    expect(facts.locator("dd").nth(2)).to_have_text(re.compile(r"^[\d.]+ [KMG]?B$"))
    expect(page.get_by_text("httpd-foreground").first).to_be_visible()
    visitor.picture(f"lesson-tag-{words.language}")


@pytest.mark.parametrize("words", WORDS, ids=lambda words: words.language)
def test_the_search_finds_httpd_by_every_name(door: Door, words: Words) -> None:
    page = door.visitor(language=words.language).open("/")
    for term in words.terms:
        page.keyboard.press("/")
        box = page.get_by_role("combobox", name=words.search)
        expect(box).to_be_focused()
        box.fill(term)
        options = page.get_by_role("option")
        expect(options.filter(has_text="httpd").first).to_be_visible()
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/explore\?q="))
        names = page.locator(".results .card-link")
        expect(names.first).to_be_visible()
        assert "httpd" in names.all_text_contents()[:3], term


def test_the_language_can_be_switched_and_is_kept(door: Door) -> None:
    page = door.visitor(language="en-US").open("/r/library/httpd")
    page.get_by_role("button", name="Language").click()
    page.get_by_role("button", name="한국어").click()
    expect(page.get_by_text("흔히 아파치라고 부르는")).to_be_visible()
    page.reload()
    expect(page.get_by_text("흔히 아파치라고 부르는")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "ko"


def test_filters_narrow_the_results(door: Door) -> None:
    page = door.visitor().open("/explore")
    page.get_by_label(re.compile("^Web servers")).check()
    expect(page.locator(".results .card-link")).to_have_text(
        ["httpd", "nginx"], use_inner_text=True
    )
    page.get_by_role("link", name="Clear filters").click()
    expect(page.get_by_label(re.compile("^Web servers"))).not_to_be_checked()
    page.get_by_label(re.compile("^Official images")).check()
    expect(page.locator(".results .card-link")).to_have_count(12)
    page.get_by_label("Sort by").select_option("name")
    expect(page.locator(".results .card-link").first).to_have_text("busybox")

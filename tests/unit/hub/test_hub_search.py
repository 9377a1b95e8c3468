"""What the search finds, and in which order."""

from __future__ import annotations

import pytest

from budu.hub.repositories.search import Entry, Wanted, search

HTTPD = Entry(
    name="library/httpd",
    is_official=True,
    stars=3,
    categories=("web-servers",),
    architectures=("amd64", "arm64"),
    systems=("linux",),
)
NGINX = Entry(
    name="library/nginx",
    is_official=True,
    stars=9,
    summary="Proxy and web server",
    categories=("web-servers",),
    architectures=("amd64",),
    systems=("linux",),
)
OTHER = Entry(name="bob/httpd", stars=1000, pulls=10**6, is_verified=True)
TOOLS = Entry(name="bob/httpd-tools", summary="ab and friends", synonyms=("벤치 마크",))
MODEL = Entry(name="ann/tiny", product="model", summary="Serves with httpd inside", pulls=5)
ALL = (MODEL, TOOLS, OTHER, NGINX, HTTPD)


def names(query: str, **filters: object) -> list[str]:
    return [each.name for each in search(ALL, Wanted(query=query, **filters)).entries]  # type: ignore[arg-type]


def test_exact_and_official_first() -> None:
    assert names("httpd") == ["library/httpd", "bob/httpd", "bob/httpd-tools", "ann/tiny"]


@pytest.mark.parametrize("word", ["apache", "Apache HTTPD", "아파치", "아파치 웹서버", "apache2"])
def test_synonyms_mean_the_official_one(word: str) -> None:
    assert names(word)[0] == "library/httpd"


@pytest.mark.parametrize("word", ["web server", "웹 서버", "webserver"])
def test_a_word_may_mean_several(word: str) -> None:
    assert names(word)[:2] == ["library/nginx", "library/httpd"]


def test_a_repository_has_synonyms_of_its_own() -> None:
    assert names("벤치마크") == ["bob/httpd-tools"]


def test_full_names_and_pull_commands_are_understood() -> None:
    assert names("docker pull library/httpd")[0] == "library/httpd"
    assert names("bob/httpd")[0] == "bob/httpd"


@pytest.mark.parametrize(("word", "meant"), [("httpdd", "httpd"), ("ngnix", "nginx")])
def test_a_near_miss_is_corrected_and_told(word: str, meant: str) -> None:
    found = search(ALL, Wanted(query=word))
    assert found.corrected == meant
    assert found.entries[0].title == meant


def test_nothing_near_finds_nothing() -> None:
    found = search(ALL, Wanted(query="qqqqqqqq"))
    assert (found.entries, found.corrected) == ((), None)


def test_parts_and_texts_are_found_after_names() -> None:
    assert names("tool") == ["bob/httpd-tools"]
    assert names("friends ab") == ["bob/httpd-tools"]


def test_filters_must_all_fit() -> None:
    assert names("", is_official=True) == ["library/nginx", "library/httpd"]
    assert names("", architectures=frozenset({"arm64", "s390x"})) == ["library/httpd"]
    assert names("", is_official=True, products=frozenset({"model"})) == []


def test_facets_count_with_the_other_filters() -> None:
    found = search(ALL, Wanted(is_official=True, architectures=frozenset({"arm64"})))
    assert found.facets["architecture"] == {"amd64": 2, "arm64": 1}
    assert found.facets["official"] == {"yes": 1}
    assert found.facets["product"] == {"image": 1}


def test_other_orders() -> None:
    assert names("httpd", sort="pulls")[0] == "bob/httpd"
    assert names("", sort="name")[0] == "bob/httpd"


def test_long_and_odd_queries_end() -> None:
    for query in ("a" * 100_000, "% _ ' \" \\ \0", "웹" * 5000, "( ] [ .*" * 100):
        search(ALL, Wanted(query=query))

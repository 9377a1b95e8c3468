"""Endpoints, insecure registries, mirrors and proxies."""

import pytest

from budu.base.errors import InvalidArgument
from budu.distribution.hosts import (
    Endpoint,
    hosts_config,
    proxies_from_environment,
    registry_domain,
    split_host_port,
)


def urls(endpoints: tuple[Endpoint, ...]) -> list[str]:
    return [endpoint.base for endpoint in endpoints]


def test_hub_images_come_from_the_hubs_own_host() -> None:
    assert urls(hosts_config().endpoints("docker.io")) == ["https://registry-1.docker.io/v2/"]


def test_mirrors_are_asked_before_the_hub_and_only_for_the_hub() -> None:
    config = hosts_config(mirrors=["https://one.example", "http://two.example:5000/cache/"])
    assert urls(config.endpoints("docker.io")) == [
        "https://one.example/v2/",
        "http://two.example:5000/cache/v2/",
        "https://registry-1.docker.io/v2/",
    ]
    assert [e.is_mirror for e in config.endpoints("docker.io")] == [True, True, False]
    assert urls(config.endpoints("quay.io")) == ["https://quay.io/v2/"]


def test_an_ordinary_registry_is_verified_and_never_asked_over_http() -> None:
    (endpoint,) = hosts_config().endpoints("registry.example:5000", ["10.1.2.3"])
    assert (endpoint.base, endpoint.verify) == ("https://registry.example:5000/v2/", True)


@pytest.mark.parametrize(
    ("domain", "addresses"),
    [
        ("127.0.0.1:5000", []),
        ("127.9.9.9", []),
        ("[::1]:5000", []),
        ("localhost:5000", ["127.0.0.1"]),
    ],
)
def test_loopback_is_insecure_by_default(domain: str, addresses: list[str]) -> None:
    secure, plain = hosts_config().endpoints(domain, addresses)
    assert urls((secure, plain)) == [f"https://{domain}/v2/", f"http://{domain}/v2/"]
    assert not secure.verify


@pytest.mark.parametrize(
    ("option", "domain", "insecure"),
    [
        ("reg.example:5000", "reg.example:5000", True),
        ("reg.example:5000", "reg.example:5001", False),
        ("reg.example", "reg.example:5001", True),
        ("http://reg.example:5000", "reg.example:5000", True),
        ("10.0.0.0/8", "10.200.1.1:80", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("fd00::/8", "[fd00::5]:5000", True),
    ],
)
def test_insecure_registry_option(option: str, domain: str, insecure: bool) -> None:
    assert hosts_config(insecure_registries=[option]).is_insecure(domain) is insecure


def test_an_insecure_network_covers_what_a_name_resolves_to() -> None:
    config = hosts_config(insecure_registries=["10.0.0.0/8"])
    assert config.is_insecure("reg.example", ["10.3.3.3"])
    assert not config.is_insecure("reg.example", ["192.0.2.1"])


@pytest.mark.parametrize(
    ("mirror", "sentence"),
    [
        ("one.example", "invalid mirror: no scheme specified"),
        ("ftp://one.example", 'invalid mirror: unsupported scheme "ftp"'),
        ("https://one.example/?a=b", "invalid mirror: query or fragment at end of the URI"),
        ("https://one.example/#x", "invalid mirror: query or fragment at end of the URI"),
    ],
)
def test_a_malformed_mirror_is_refused(mirror: str, sentence: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        hosts_config(mirrors=[mirror])
    assert caught.value.message.startswith(sentence)


def test_a_mirrors_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidArgument) as caught:
        hosts_config(mirrors=["https://ann:secret@one.example"])
    assert "username/password not allowed" in caught.value.message
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("text", ["ftp://x", "bad host", "-x", "host:99999", "a/b"])
def test_a_malformed_insecure_registry_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        hosts_config(insecure_registries=[text])


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("", "docker.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
        ("https://quay.io", "quay.io"),
        ("http://localhost:5000/v2/", "localhost:5000"),
    ],
)
def test_registry_domain(address: str, domain: str) -> None:
    assert registry_domain(address) == domain


@pytest.mark.parametrize(
    ("text", "parts"),
    [("a:1", ("a", 1)), ("a", ("a", None)), ("[::1]:5", ("::1", 5)), ("[::1]", ("::1", None))],
)
def test_split_host_port(text: str, parts: tuple[str, int | None]) -> None:
    assert split_host_port(text) == parts


def test_default_ports_follow_the_scheme() -> None:
    secure, plain = hosts_config().endpoints("127.0.0.1")
    assert (secure.port, plain.port) == (443, 80)


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://hub.example/v2/", "http://proxy:3128"),
        ("http://hub.example/v2/", "http://plain:3128"),
        ("https://inside.corp/v2/", None),
        ("https://a.inside.corp/v2/", None),
        ("https://notinside.corp/v2/", "http://proxy:3128"),
        ("https://10.1.2.3/", None),
        ("https://127.0.0.1:5000/v2/", None),
        ("http://localhost/v2/", None),
    ],
)
def test_proxy_choice(url: str, proxy: str | None) -> None:
    proxies = proxies_from_environment(
        {
            "https_proxy": "http://proxy:3128",
            "HTTP_PROXY": "plain:3128",
            "NO_PROXY": ".inside.corp, 10.0.0.0/8",
        }
    )
    assert proxies.for_url(url) == proxy

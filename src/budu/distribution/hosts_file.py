"""hosts.toml of containerd: mirrors and trust of one registry, in a file read at each use.

    /etc/budu/certs.d/docker.io/hosts.toml        (`_default` for registries without one)

    server = "https://registry-1.docker.io"
    [host."https://mirror.example:5000"]
      capabilities = ["pull", "resolve"]          push, too, for a place that is written to
      skip_verify = false
      ca = "mirror.crt"                           relative to the file
      client = [["client.cert", "client.key"]]
      override_path = false                       the URL's path stands in place of /v2
      [host."https://mirror.example:5000".header]
        x-team = "blue"
      [host."https://mirror.example:5000".rewrite]
        "^library/(.*)" = "hub/$1"                 what a repository is called there

The folder is `host`, `host:port`, or containerd's spelling `host_port_`.
Source: containerd docs/hosts.md; the table `rewrite` is that of K3s's registries.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from budu.base.errors import Hint, InvalidArgument
from budu.distribution.hosts import HUB_HOST, Endpoint, is_hub, split_host_port
from budu.spec.reference import DEFAULT_DOMAIN

DEFAULT_FOLDER = "_default"
_FILE = "hosts.toml"
_ALL = ("pull", "resolve", "push")


def read_hosts_file(folders: Iterable[str], domain: str) -> tuple[Endpoint, ...]:
    """The places that a file names for `domain`, mirrors first; nothing without a file.

    Raises: InvalidArgument for a malformed file, with its path.
    """
    name = DEFAULT_DOMAIN if is_hub(domain) else domain
    for folder in (name, *_spelt(name), DEFAULT_FOLDER):
        for root in folders:
            path = Path(root) / folder / _FILE
            try:
                text = path.read_text()
            except OSError:
                continue
            return _endpoints(path, text, domain)
    return ()


def _spelt(name: str) -> tuple[str, ...]:
    """How containerd writes a port where file systems know no colons."""
    host, port = split_host_port(name)
    return (f"{host}_{port}_",) if port is not None else ()


def _endpoints(path: Path, text: str, domain: str) -> tuple[Endpoint, ...]:
    import tomllib  # here, because few machines have such a file

    try:
        document = tomllib.loads(text)
        hosts = document.get("host", {})
        found = [_endpoint(path, url, fields, domain) for url, fields in hosts.items()]
        origin = f"https://{HUB_HOST if is_hub(domain) else domain}"
        server = document.get("server", origin)
        own = {key: value for key, value in document.items() if key not in {"server", "host"}}
        return (*found, _endpoint(path, server, own, domain, is_server=True))
    except (tomllib.TOMLDecodeError, AttributeError, TypeError, ValueError) as error:
        raise InvalidArgument(
            f"invalid {path}: {error}", hint=Hint("distribution.hosts-file", path=path)
        ) from None


def _endpoint(
    path: Path, url: str, fields: Mapping[str, object], domain: str, *, is_server: bool = False
) -> Endpoint:
    parts = urlsplit(url if "://" in url else f"https://{url}")
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError(f"{url!r} is no URL of a registry")
    capabilities = fields.get("capabilities", _ALL)
    if not isinstance(capabilities, list | tuple):
        raise TypeError("capabilities must be a list")
    headers = fields.get("header", {})
    if not isinstance(headers, dict):
        raise TypeError("header must be a table")
    rewrites = fields.get("rewrite", {})
    if not isinstance(rewrites, dict):
        raise TypeError("rewrite must be a table")
    origin = HUB_HOST if is_hub(domain) else domain
    is_other = parts.netloc not in {domain, origin}
    way = parts.path.rstrip("/")
    replaces = bool(fields.get("override_path"))
    return Endpoint(
        scheme=parts.scheme,
        host=parts.netloc,
        verify=parts.scheme == "https" and not fields.get("skip_verify", False),
        is_mirror=not is_server and is_other,
        path=way if replaces else way.removesuffix("/v2"),
        replaces_path=replaces,
        pulls="pull" in capabilities,
        pushes="push" in capabilities,
        authorities=tuple(_texts(path, fields.get("ca"))),
        clients=tuple(_pairs(path, fields.get("client"))),
        headers=tuple((name, _header(value)) for name, value in headers.items()),
        rewrites=tuple((_pattern(each), str(to)) for each, to in rewrites.items()),
        namespace=domain if is_other else "",
    )


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"rewrite {text!r}: {error}") from None
    return text


def _header(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _texts(path: Path, value: object) -> list[str]:
    values = value if isinstance(value, list) else [value] if value else []
    return [str(path.parent / str(each)) for each in values]


def _pairs(path: Path, value: object) -> list[tuple[str, str]]:
    """A file with certificate and key, or pairs of files."""
    values = value if isinstance(value, list) else [value] if value else []
    found = []
    for each in values:
        certificate, key = each if isinstance(each, list) else (each, each)
        found.append((str(path.parent / str(certificate)), str(path.parent / str(key))))
    return found

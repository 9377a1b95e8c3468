"""The client's settings file, config.json, shared with docker. Light.

Unknown keys are kept when the file is written. Source: docker/cli `cli/config/configfile/file.go`.
"""

from __future__ import annotations

import posix

from budu.base.errors import DataLoss, InvalidArgument
from budu.client.json import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_PROXIES = (
    ("httpProxy", "HTTP_PROXY"),
    ("httpsProxy", "HTTPS_PROXY"),
    ("noProxy", "NO_PROXY"),
    ("ftpProxy", "FTP_PROXY"),
    ("allProxy", "ALL_PROXY"),
)


def config_folder(environ: Mapping[str, str]) -> str:
    """Where config.json is: DOCKER_CONFIG, or `.docker` in the home folder."""
    chosen = environ.get("DOCKER_CONFIG")
    return chosen or f"{_home(environ).rstrip('/')}/.docker"


def _home(environ: Mapping[str, str]) -> str:
    if environ.get("HOME"):
        return environ["HOME"]
    from pwd import getpwuid

    return getpwuid(posix.getuid()).pw_dir


class ConfigFile:
    """The document of one folder's config.json; an absent file is an empty document."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.path = f"{folder.rstrip('/')}/config.json"
        self.document: dict[str, Any] = self._read()

    def _read(self) -> dict[str, Any]:
        try:
            with open(self.path, "rb") as file:  # noqa: PTH123 - pathlib is slow to import
                data = file.read()
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise InvalidArgument(f"loading config file: {self.path}: {error.strerror}") from None
        try:
            document = loads(data) if data.strip() else {}
        except DataLoss:
            raise InvalidArgument(
                f"parsing config file ({self.path}): it is not valid JSON"
            ) from None
        if not isinstance(document, dict):
            raise InvalidArgument(f"parsing config file ({self.path}): it is not an object")
        return document

    def text(self, name: str) -> str:
        """A setting that is text; empty when it is not there."""
        value = self.document.get(name)
        return value if isinstance(value, str) else ""

    def mapping(self, name: str) -> dict[str, Any]:
        """A setting that is an object; empty when it is not there."""
        value = self.document.get(name)
        return value if isinstance(value, dict) else {}

    def texts(self, name: str) -> list[str]:
        """A setting that is a list of texts; empty when it is not there."""
        value = self.document.get(name)
        return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []

    def save(self) -> None:
        """Write the document, atomically and readable by its owner only.

        Raises: OSError.
        """
        import json
        import os

        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        target = os.path.realpath(self.path)
        temporary = f"{target}.{os.getpid()}"
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with open(fd, "w", encoding="utf-8") as file:  # noqa: PTH123
                json.dump(self.document, file, indent="\t", ensure_ascii=False)
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise

    def proxy_environment(self, address: str) -> dict[str, str]:
        """Variables for containers from `proxies`, for an engine's address or `default`."""
        proxies = self.mapping("proxies")
        chosen = proxies.get(address) or proxies.get("default") or {}
        variables: dict[str, str] = {}
        for key, name in _PROXIES:
            value = chosen.get(key) if isinstance(chosen, dict) else None
            if value:
                variables[name] = variables[name.lower()] = str(value)
        return variables

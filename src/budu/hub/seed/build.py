"""Has an engine build recipes and push what they made.

Everything that a recipe makes is dated `EPOCH_S`, so that the same packages give the same image.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
import subprocess
import tarfile
import tempfile
import urllib.parse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

from budu.base.errors import Internal
from budu.hub.seed import rootfs
from budu.hub.seed.engine import SeedEngine
from budu.hub.seed.library import TEXTS, Recipe
from budu.hub.seed.publish import ACCOUNT, RECIPE, Hub

Say = Callable[[str], object]
_STEP = re.compile(r"Step \d+/\d+ : ((?:RUN|COPY|ADD)\b.*)", re.S)
_MOUNT = re.compile(r"--mount=\S+\s+")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy")


class Builder:
    """Builds recipes in order; images it has built serve as bases of later ones."""

    def __init__(self, engine: SeedEngine, cache: Path, say: Say) -> None:
        """`cache`: the folder of what is kept besides the engine. `say` is told what takes long."""
        self._engine = engine
        self._cache = cache
        self._say = say

    def build(self, recipe: Recipe) -> None:
        """Make the image of a recipe, unless the engine has it; what it needs was built before.

        Raises: Internal when a command fails, and for a recipe that is wrong.
        """
        if self._fingerprint(recipe.name) == recipe.fingerprint:
            return
        with tempfile.TemporaryFile(dir=self._cache) as context:
            self._pack(recipe, context)
            length = context.tell()
            context.seek(0)
            messages = self._engine.tell(
                "/build",
                body=context,
                headers={"Content-Type": "application/x-tar", "Content-Length": str(length)},
                t=recipe.name,
                networkmode="host",
                forcerm=1,
                labels=json.dumps({RECIPE: recipe.fingerprint}),
                buildargs=json.dumps({"SOURCE_DATE_EPOCH": str(rootfs.EPOCH_S), **_proxies()}),
            )
            self._follow(recipe, messages)

    def push(self, recipe: Recipe, hub: Hub) -> str:
        """Push the image under all its tags; the manifest's digest. Raises: Internal."""
        name, digest = f"{hub.registry}/{ACCOUNT}/{recipe.name}", ""
        login = {"username": hub.user, "password": hub.password, "serveraddress": hub.registry}
        headers = {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(login).encode()).decode()}
        for tag in recipe.metadata.tags:
            self._engine.call("POST", f"/images/{recipe.name}/tag", repo=name, tag=tag)
            path = f"/images/{urllib.parse.quote(name)}/push"
            for message in self._engine.tell(
                path, headers=headers, tag=tag, tlsVerify=int(hub.is_secure)
            ):
                if "error" in message:
                    raise Internal(f"{name}:{tag}: {message['error']}")
                digest = message.get("aux", {}).get("Digest", digest)
        return digest

    def forget(self) -> None:
        """Drop images of recipes that have changed since."""
        self._engine.call("POST", "/images/prune")

    def _fingerprint(self, name: str) -> str:
        """The recipe that the engine's image was made from; empty when it has none."""
        named = json.dumps({"reference": [f"{name}:latest"]})
        for image in self._engine.get("/images/json", filters=named):
            return str((image["Labels"] or {}).get(RECIPE, ""))
        return ""

    def _pack(self, recipe: Recipe, context: IO[bytes]) -> None:
        """The context: the recipe's files as nobody's in particular and of no time."""
        with tarfile.open(fileobj=context, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path in sorted(recipe.folder.iterdir()):
                if path.name not in TEXTS:
                    tar.add(path, path.name, filter=_neutral)
            if recipe.metadata.rootfs:
                say = partial(self._tell, recipe.name)
                tar.add(rootfs.archive(self._cache, say), "rootfs.tar", filter=_neutral)

    def _follow(self, recipe: Recipe, messages: Iterator[dict[str, Any]]) -> None:
        told = ""
        for message in messages:
            if "error" in message:
                raise Internal(f"the recipe of {recipe.name} failed:\n{told}{message['error']}")
            text = message.get("stream", "")
            if step := _STEP.match(text):
                self._tell(recipe.name, " ".join(_MOUNT.sub("", step[1]).split())[:90])
            told = (told + text)[-3000:]

    def _tell(self, name: str, line: str) -> None:
        self._say(f"{name}: {line}")


def _neutral(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = rootfs.EPOCH_S
    return member


def _proxies() -> dict[str, str]:
    """This machine's way to Debian's mirror, where it has one of its own."""
    found = {name: os.environ[name] for name in _PROXIES if name in os.environ}
    if "http_proxy" not in found and shutil.which("apt-config"):
        asked = ["apt-config", "shell", "proxy", "Acquire::http::Proxy"]
        told = subprocess.run(asked, capture_output=True, text=True).stdout
        proxy = "".join(shlex.split(told)).partition("=")[2]
        found |= {"http_proxy": proxy} if "://" in proxy else {}  # DIRECT is none
    return found

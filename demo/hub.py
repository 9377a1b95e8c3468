"""Our own hub on loopback, with official images made here from Debian's packages."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ADDRESS = "127.0.0.1:5080"
URL = f"http://{ADDRESS}"
IMAGES = ("busybox", "hello-world", "debian", "httpd")
"""What the demo builds; the other images are described alone, unless all are asked for."""
_PACKAGES = ("debootstrap",)
_PASSWORD = "HUB_ADMIN_PASSWORD"


def serve(cache: Path) -> None:
    """Run the hub unless it runs already. Its pull commands name no host: it stands in Docker
    Hub's place."""
    if answers():
        return
    cache.mkdir(parents=True, exist_ok=True)
    log = (cache / "hub.log").open("ab")
    command = [sys.executable, "-m", "budu.hub.main", "serve", f"--data={cache / 'hub'}"]
    process = subprocess.Popen(
        [*command, f"--listen={ADDRESS}", "--name=budu hub", "--pull-prefix="],
        env={**os.environ, _PASSWORD: password(cache)},
        stdout=log,
        stderr=log,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    (cache / "hub.pid").write_text(f"{process.pid}\n")
    deadline = time.monotonic() + 20
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the hub does not answer; see {log.name}")
        time.sleep(0.05)


def answers() -> bool:
    """Whether a hub answers at the address."""
    try:
        urllib.request.urlopen(f"{URL}/api/v1/session", timeout=2).close()
    except OSError:
        return False
    return True


def password(cache: Path) -> str:
    """The admin's password, made at the first run and kept in a file of the owner's alone."""
    path = cache / "hub.password"
    if not path.exists():
        path.touch(0o600)
        path.write_text(secrets.token_urlsafe(18))
    return path.read_text().strip()


def seed(cache: Path, *, takes_all: bool) -> None:
    """Publish the official images that the hub has not (a few minutes the first time)."""
    installer = Path(__file__).resolve().parent.parent / "packaging" / "install-packages"
    subprocess.run([installer, *_PACKAGES], check=True)
    names = () if takes_all else IMAGES
    flags = [f"--to={URL}", f"--cache={cache / 'seed'}", "--describe-all"]
    done = subprocess.run(
        [sys.executable, "-m", "budu.hub.main", "seed", *names, *flags],
        env={**os.environ, _PASSWORD: password(cache)},
    )
    if done.returncode:
        raise SystemExit(done.returncode)

"""Debian's docker-registry on loopback, with an httpd image made here."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from pathlib import Path

from demo import httpd
from demo.images import push

ADDRESS = "127.0.0.1:5050"
PACKAGES = ("docker-registry", "debootstrap")
_CONFIG = """version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {root}}}}}
http: {{addr: {address}}}
"""


def serve(cache: Path) -> str:
    """Run the registry unless it runs already; its address."""
    if answers():
        return ADDRESS
    installer = Path(__file__).resolve().parent.parent / "packaging" / "install-packages"
    subprocess.run([installer, *PACKAGES], check=True)
    cache.mkdir(parents=True, exist_ok=True)
    config = cache / "registry.yml"
    config.write_text(_CONFIG.format(root=cache / "registry", address=ADDRESS))
    subprocess.Popen(
        ["docker-registry", "serve", str(config)],
        stdout=(cache / "registry.log").open("ab"),
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 15
    while not answers():
        if time.monotonic() > deadline:
            raise SystemExit(f"the registry does not answer; see {cache / 'registry.log'}")
        time.sleep(0.05)
    return ADDRESS


def answers() -> bool:
    """Whether a registry answers at the address."""
    try:
        urllib.request.urlopen(f"http://{ADDRESS}/v2/", timeout=2)
    except OSError:
        return False
    return True


def publish_httpd(address: str, cache: Path) -> None:
    """Push the httpd image; its layers are made once (a minute or two)."""
    if not (cache / "apache.tar").exists():
        print("Making an httpd image from Debian's packages (once, a minute or two) …", flush=True)
    push(address, "library/httpd", ["latest", "2.4"], httpd.layers(cache), httpd.CONFIG)

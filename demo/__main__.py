"""`make demo`: from nothing to a web page served by a container, with every command shown."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from demo import hub

ROOT = Path(__file__).resolve().parent.parent
BUDU = ROOT / ".venv" / "bin" / "budu"
BUDUD = ROOT / ".venv" / "bin" / "budud"
CACHE = ROOT / ".cache" / "demo"
SOCKET = "/run/budu/budu.sock"
IMAGE, NAME, PORT = "httpd", "web", 8080
URL = f"http://127.0.0.1:{PORT}/"


def main() -> int:
    """Run the demo; the exit status."""
    if subprocess.run([BUDU, "version"], capture_output=True).returncode:
        return 1
    is_alone = not reaches_docker_hub()
    if is_alone:
        print(
            "Docker Hub cannot be reached: the image comes from a hub on this machine.", flush=True
        )
        hub.serve(CACHE)
        hub.seed(CACHE, takes_all="--all" in sys.argv[1:])
        if not has_mirror(hub.ADDRESS):
            use_mirror(hub.ADDRESS)
    show("pull", IMAGE)
    show("images")
    if not is_running():
        subprocess.run([BUDU, "rm", "-f", NAME], capture_output=True)
        show("run", "-d", "--name", NAME, "-p", f"{PORT}:80", IMAGE)
    print(f"$ curl {URL}\n{fetch(URL)}")
    show("ps")
    show("logs", NAME)
    print(f"\nThe page is served at {URL}")
    print(f"  end it with: {BUDU.relative_to(ROOT)} rm -f {NAME}")
    if is_alone:
        secret, pid = (CACHE.relative_to(ROOT) / name for name in ("hub.password", "hub.pid"))
        print(f"The hub is at {hub.URL}/explore (admin, password in {secret})")
        print(f"  end it with: kill $(cat {pid})")
    return 0


def show(*arguments: str) -> None:
    """Print a command and run it."""
    print(f"$ budu {' '.join(arguments)}", flush=True)
    status = subprocess.run([BUDU, *arguments]).returncode
    if status:
        raise SystemExit(status)


def quiet(*arguments: str) -> str:
    """The output of a command."""
    done = subprocess.run([BUDU, *arguments], capture_output=True, text=True)
    return done.stdout.strip()


def has_mirror(address: str) -> bool:
    """Whether the engine runs with the local hub as its mirror, from an earlier run."""
    return f"http://{address}/" in quiet("info", "--format", "{{json .RegistryConfig.Mirrors}}")


def is_running() -> bool:
    """Whether the container of an earlier run still serves."""
    return bool(quiet("ps", "-q", "--filter", f"name=^/{NAME}$"))


def reaches_docker_hub() -> bool:
    """Whether Docker Hub's registry answers, be it with a request for a token."""
    try:
        urllib.request.urlopen("https://registry-1.docker.io/v2/", timeout=5)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def use_mirror(address: str) -> None:
    """Start the engine anew with the local hub as Docker Hub's mirror; containers live on."""
    subprocess.run([BUDU, "system", "stop"], capture_output=True)
    log = (CACHE / "engine.log").open("ab")
    subprocess.Popen(
        [BUDUD, "--registry-mirror", f"http://{address}"],
        stdout=log,
        stderr=log,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 15
    while not engine_answers():
        if time.monotonic() > deadline:
            raise SystemExit(f"the engine does not start; see {log.name}")
        time.sleep(0.02)


def engine_answers() -> bool:
    """Whether an engine listens at the default socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(SOCKET) == 0


def fetch(url: str) -> str:
    """The page, as soon as the server answers."""
    deadline = time.monotonic() + 10
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.read().decode().strip()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())

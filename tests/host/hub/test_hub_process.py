"""The hub as processes of its own: TLS, two beside each other, one that is killed."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.tls import CERTIFICATE, write_certificate
from tests.support.postgres import new_database
from tests.support.whole_hub import PASSWORD, WholeHub


def ask(
    url: str, method: str = "GET", body: object = None, *, cookie: str = "", csrf: str = ""
) -> tuple[int, Any, str]:
    """Status, body and cookie of one request."""
    headers = {"Content-Type": "application/json", "Cookie": f"hub_session={cookie}"}
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={**headers, "X-CSRF-Token": csrf},
        method=method,
    )
    try:
        with urllib.request.urlopen(request) as answer:
            made = answer.headers.get("Set-Cookie", "").partition("=")[2].partition(";")[0]
            return answer.status, json.load(answer), made.strip('"')
    except urllib.error.HTTPError as error:
        return error.code, json.load(error), ""


def test_two_processes_and_a_killed_one(tmp_path: Path, postgres: str) -> None:
    database = new_database(postgres)
    blobs = (tmp_path / "blobs").as_uri()
    shared = ("--database", database, "--blobs", blobs)
    first = WholeHub(tmp_path / "first", *shared)
    key = tmp_path / "first" / "secret.key"
    second = WholeHub(tmp_path / "second", *shared, "--secret-key", str(key))
    first.start()
    second.start()
    try:
        body = {"name": "admin", "password": PASSWORD}
        _, session, cookie = ask(f"{first.url}/api/v1/session", "POST", body)
        repository = {"account": "library", "name": "httpd"}
        path = f"{second.url}/api/v1/repositories"
        status, made, _ = ask(path, "POST", repository, cookie=cookie, csrf=session["csrfToken"])
        assert (status, made["role"]) == (201, "owner")
        second.kill()
        assert ask(f"{first.url}/api/v1/repositories/library/httpd")[0] == 200
        second.start()
        again = ask(f"{second.url}/api/v1/session", cookie=cookie)[1]
        assert again["user"]["name"] == "admin"
    finally:
        first.stop()
        second.stop()
    assert PASSWORD not in first.log + second.log


def test_tls_and_what_is_told_once(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    hub = WholeHub(tmp_path / "hub", "--tls-cert", str(certificate), "--tls-key", str(key))
    hub.scheme = "https"
    hub.start()
    try:
        trusting = ssl.create_default_context(cadata=CERTIFICATE)
        with urllib.request.urlopen(f"{hub.url}/api/v1/session", context=trusting) as answer:
            assert json.load(answer)["hub"]["address"] == hub.url
    finally:
        hub.stop()


def test_the_first_password_is_shown_once_and_can_be_replaced(tmp_path: Path) -> None:
    hub = WholeHub(tmp_path / "hub", password="")
    hub.start()
    shown = hub.log.partition("shown this once: ")[2].split()[0]
    body = {"name": "admin", "password": shown}
    assert ask(f"{hub.url}/api/v1/session", "POST", body)[0] == 200
    hub.stop()
    command = [sys.executable, "-m", "budu.hub.main", "password", "--data", str(hub.data)]
    subprocess.run(command, input=b"a-newer-password\n", check=True, timeout=60)
    short = subprocess.run(command, input=b"short\n", capture_output=True, timeout=60)
    assert short.returncode == 1
    hub.start()
    try:
        assert hub.log.count("shown this once") == 1
        assert ask(f"{hub.url}/api/v1/session", "POST", body)[0] == 401
        body["password"] = "a-newer-password"
        assert ask(f"{hub.url}/api/v1/session", "POST", body)[0] == 200
    finally:
        hub.stop()


def test_who_lost_the_key_is_told_and_begins_anew(tmp_path: Path) -> None:
    hub = WholeHub(tmp_path / "hub")
    hub.start()
    hub.stop()
    (hub.data / "secret.key").unlink()
    run = [sys.executable, "-m", "budu.hub.main"]
    place = ["--data", str(hub.data)]
    refused = subprocess.run(
        [*run, "serve", *place, "--listen", "127.0.0.1:0"], capture_output=True, timeout=60
    )
    assert refused.returncode == 1
    assert b"sealed with another key" in refused.stderr
    assert b"budu hub forget-secrets" in refused.stderr
    done = subprocess.run([*run, "forget-secrets", *place], capture_output=True, timeout=60)
    assert (done.returncode, done.stdout.split()[0]) == (0, b"0")
    hub.start()
    try:
        body = {"name": "admin", "password": PASSWORD}
        assert ask(f"{hub.url}/api/v1/session", "POST", body)[0] == 200
    finally:
        hub.stop()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--tls-cert", "/nowhere", "--tls-key", "/nowhere"), "certificate /nowhere"),
        (("--database", "postgresql+psycopg://x@127.0.0.1:1/x"), "the database did not answer"),
        (("--blobs", "ftp://x"), "invalid address of blobs"),
        (("--address", "hub.example"), "invalid address"),
        (("--secret-key", "/nowhere"), "/nowhere: No such file or directory"),
    ],
)
def test_wrong_options_are_told(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    command = [sys.executable, "-m", "budu.hub.main", "serve", "--data", str(tmp_path / "x")]
    done = subprocess.run(
        [*command, "--listen", "127.0.0.1:0", *arguments], capture_output=True, timeout=60
    )
    assert done.returncode == 1
    assert told in done.stderr.decode()
    assert b"Traceback" not in done.stderr

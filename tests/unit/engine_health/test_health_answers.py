"""What comes of a probe: HTTP answers, cut output, time-outs."""

from __future__ import annotations

import pytest

from budu.base.units import SECOND_NS
from budu.engine.containers.health_config import ProbeKind, ProbeSettings
from budu.engine.containers.probe_net import read_answer
from budu.engine.containers.probes import ProbeResult, shortened, timed_out

URL = "http://127.0.0.1:80/"


@pytest.mark.parametrize(
    ("data", "code", "output"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nfine", 0, "200 OK\nfine"),
        (b"HTTP/1.0 204\r\n\r\n", 0, "204"),
        (b"HTTP/1.1 399 Odd\r\n\r\n", 0, "399 Odd"),
        (b"HTTP/1.1 301 Moved\r\nLocation: /x\r\n\r\n", 0, "301 Moved"),
        (b"HTTP/1.1 400 Bad\r\n\r\n", 1, "400 Bad"),
        (b"HTTP/1.1 500 Oh\r\n\r\nno", 1, "500 Oh\nno"),
        (b"HTTP/1.1 199 Early\r\n\r\n", 1, "199 Early"),
        (b"HTTP/1.1 20\r\n\r\n", 1, "20"),
        (b"SSH-2.0-OpenSSH\r\n", 1, "no answer that is HTTP"),
        (b"HTTP/1.1\r\n\r\n", 1, "no answer that is HTTP"),
        (b"", 1, "no answer that is HTTP"),
    ],
)
def test_http_answers(data: bytes, code: int, output: str) -> None:
    assert read_answer(data, url=URL) == ProbeResult(exit_code=code, output=f"{URL}: {output}")


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (b"", ""),
        (b"x" * 4096, "x" * 4096),
        (b"x" * 4097, "x" * 4096 + "..."),
        (b"\xff", "�"),
    ],
)
def test_output_is_cut(output: bytes, text: str) -> None:
    assert shortened(output) == text


@pytest.mark.parametrize(
    ("seconds", "output", "text"),
    [
        (30, "", "Health check exceeded timeout (30s)"),
        (0.25, "so far", "Health check exceeded timeout (250ms): so far"),
    ],
)
def test_words_for_a_timeout(seconds: float, output: str, text: str) -> None:
    settings = ProbeSettings(kind=ProbeKind.EXEC, timeout_ns=int(seconds * SECOND_NS))
    assert timed_out(settings, output) == ProbeResult(exit_code=-1, output=text)

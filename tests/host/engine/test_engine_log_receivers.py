"""The fluentd driver against the Fluent organisation's own server, gelf against graygelf's."""

from __future__ import annotations

import os
import socket

import pytest
from tests.support.engine import EngineProcess
from tests.support.ports import free_port
from tests.support.receivers import running_receiver
from tests.support.scenes import run

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


@pytest.mark.parametrize("acknowledged", ["", "true"])
@pytest.mark.parametrize("fine", ["", "true"])
def test_fluentd_understands(engine: EngineProcess, acknowledged: str, fine: str) -> None:
    options = {"tag": "app.{{.Name}}"}
    if acknowledged:
        options["fluentd-request-ack"] = acknowledged
    if fine:
        options["fluentd-sub-second-precision"] = fine
    script = "echo hello; echo trouble >&2; printf '%020000d\\n' 7"
    with running_receiver("fluentd.js") as fluentd:
        options["fluentd-address"] = f"127.0.0.1:{fluentd.port}"
        log = {"Type": "fluentd", "Config": options}
        id_ = run(engine, script, name="speaker", LogConfig=log)
        records = [fluentd.next() for _ in range(4)]
    assert {each["tag"] for each in records} == {"app.speaker"}
    assert {each["record"]["container_id"] for each in records} == {id_}
    assert {each["record"]["container_name"] for each in records} == {"/speaker"}
    said = {each["record"]["log"]: each["record"]["source"] for each in records}
    assert said.pop("hello") == "stdout"
    assert said.pop("trouble") == "stderr"
    assert sorted(map(len, said)) == [20000 - 16384, 16384]
    assert all((each["nanoseconds"] is not None) == bool(fine) for each in records)
    assert all(each["seconds"] > 1_700_000_000 for each in records)


@pytest.mark.parametrize("compression", ["gzip", "zlib", "none"])
def test_gelf_is_understood_in_pieces_too(engine: EngineProcess, compression: str) -> None:
    noise = os.urandom(5000).hex()
    script = f"echo hello; echo trouble >&2; echo {noise}"
    with running_receiver("gelf.js", str(free_port(socket.SOCK_DGRAM))) as server:
        options = {
            "gelf-address": f"udp://127.0.0.1:{server.port}",
            "gelf-compression-type": compression,
            "tag": "{{.Name}}",
        }
        log = {"Type": "gelf", "Config": options}
        id_ = run(engine, script, name="speaker", LogConfig=log)
        messages = [server.next() for _ in range(3)]
    levels = {each["short_message"]: each["level"] for each in messages}
    assert levels == {"hello": 6, "trouble": 3, noise: 6}
    assert {each["_container_id"] for each in messages} == {id_}
    assert {each["_tag"] for each in messages} == {"speaker"}
    assert {each["version"] for each in messages} == {"1.1"}

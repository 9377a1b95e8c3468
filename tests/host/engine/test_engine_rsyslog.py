"""The syslog driver against a real rsyslog, which tells what it understood."""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.engine import EngineProcess
from tests.support.ports import free_port
from tests.support.scenes import run
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

CERTIFICATES = Path(__file__).parents[2] / "unit" / "api" / "tls"
CONFIG = """
global(workDirectory="{root}" net.enableDNS="off" maxMessageSize="64k"
  defaultNetstreamDriverCAFile="{tls}/ca.pem"
  defaultNetstreamDriverCertFile="{tls}/server.pem"
  defaultNetstreamDriverKeyFile="{tls}/server.key")
module(load="imuxsock" SysSock.Use="off")
module(load="imudp")
module(load="{tcp_module}" {tcp})
template(name="understood" type="list" option.jsonf="on") {{
  property(outname="severity" name="syslogseverity-text" format="jsonf")
  property(outname="facility" name="syslogfacility-text" format="jsonf")
  property(outname="app" name="app-name" format="jsonf")
  property(outname="process" name="procid" format="jsonf")
  property(outname="version" name="protocol-version" format="jsonf")
  property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
}}
ruleset(name="all") {{
  action(type="omfile" file="{root}/out" template="understood")
}}
input(type="imuxsock" Socket="{root}/datagrams" UseSpecialParser="off" ParseHostname="on"
  ruleset="all")
input(type="imudp" port="{port}" address="127.0.0.1" ruleset="all")
input(type="imtcp" port="{port}" address="127.0.0.1" ruleset="all")
"""
TLS = 'StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon"'


class Rsyslog:
    """A running rsyslog of a test's own."""

    def __init__(self, root: Path, port: int) -> None:
        self.root = root
        self.port = port

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def lines(self) -> list[dict[str, Any]]:
        out = self.root / "out"
        text = out.read_text() if out.exists() else ""
        return [json.loads(line) for line in text.split("\n")[:-1]]


@pytest.fixture
def rsyslog(request: pytest.FixtureRequest) -> Iterator[Rsyslog]:
    with tempfile.TemporaryDirectory(prefix="rs-") as folder:
        root = Path(folder)
        server = Rsyslog(root, free_port())
        tcp = TLS if "tcp+tls" in request.node.name else ""
        config = CONFIG.format(
            root=root, port=server.port, tls=CERTIFICATES, tcp=tcp, tcp_module="imtcp"
        )
        (root / "conf").write_text(config)
        command = ["/usr/sbin/rsyslogd", "-n", "-C", "-f", f"{root}/conf", "-i", f"{root}/pid"]
        with (root / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            eventually(lambda: (root / "datagrams").exists(), "rsyslog")
            eventually(server.listens, f"rsyslog: {(root / 'log').read_text()}")
            yield server
        finally:
            process.terminate()
            process.wait(20)


@pytest.mark.parametrize("style", ["", "rfc3164", "rfc5424", "rfc5424micro"])
@pytest.mark.parametrize("scheme", ["udp", "tcp", "tcp+tls", "unixgram"])
def test_messages_are_understood(
    engine: EngineProcess, rsyslog: Rsyslog, scheme: str, style: str
) -> None:
    place = f"{rsyslog.root}/datagrams" if scheme == "unixgram" else f"127.0.0.1:{rsyslog.port}"
    options = {
        "syslog-address": f"{scheme}://{place}",
        "syslog-facility": "local3",
        "tag": "{{.Name}}",
    }
    if style:
        options["syslog-format"] = style
    if scheme == "tcp+tls":
        options["syslog-tls-ca-cert"] = str(CERTIFICATES / "ca.pem")
    script = "echo 'plain: [one] <2>'; echo trouble >&2; printf '%05000d\\n' 7; printf open"
    log = {"Type": "syslog", "Config": options}
    name = "speaker"
    id_ = run(engine, script, name=name, LogConfig=log)
    lines = eventually(
        lambda: found if len(found := rsyslog.lines()) == 4 else None, "all four lines"
    )
    messages = {line["message"].strip(): line for line in lines}
    assert set(messages) == {"plain: [one] <2>", "trouble", f"{7:05000d}", "open"}
    assert {line["facility"] for line in lines} == {"local3"}
    assert messages["trouble"]["severity"] == "err"
    assert messages["open"]["severity"] == "info"
    assert {line["app"] for line in lines} == {name}
    assert {line["version"] for line in lines} == {"1" if style.startswith("rfc5424") else "0"}
    assert {line["process"] for line in lines} != {"-"}
    assert id_

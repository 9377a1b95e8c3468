"""Reading, checking and completing the configuration of probes."""

from __future__ import annotations

import pytest

from budu.base.errors import InvalidArgument
from budu.base.units import SECOND_NS
from budu.engine.containers.health_config import (
    Address,
    OnUnhealthy,
    ProbeKind,
    check_health,
    complete_health,
    health_warnings,
    parse_address,
    read_settings,
)
from budu.spec.api.container import ContainerConfig, HealthConfig
from budu.spec.image import Healthcheck


def read(test: list[str] | None, **fields: object) -> object:
    shell = fields.pop("shell", None)
    health = HealthConfig(test=test, **fields)  # type: ignore[arg-type]
    return read_settings(ContainerConfig(healthcheck=health, shell=shell))  # type: ignore[arg-type]


@pytest.mark.parametrize("test", [None, [], ["NONE"], ["GRPC", "80"], ["HTTP"], ["TCP", "x"]])
def test_no_probe(test: list[str] | None) -> None:
    assert read(test) is None
    assert read_settings(ContainerConfig()) is None


@pytest.mark.parametrize(
    ("test", "argv"),
    [
        (["CMD", "a", "b c"], ("a", "b c")),
        (["CMD-SHELL", "a b"], ("/bin/sh", "-c", "a b")),
        (["CMD"], ()),
        (["CMD-SHELL"], ()),
    ],
)
def test_programs(test: list[str], argv: tuple[str, ...]) -> None:
    settings = read(test)
    assert (settings.kind, settings.argv) == (ProbeKind.EXEC, argv)  # type: ignore[attr-defined]


def test_the_containers_shell_is_used() -> None:
    settings = read(["CMD-SHELL", "x"], shell=["/bin/bash", "-lc"])
    assert settings.argv == ("/bin/bash", "-lc", "x")  # type: ignore[attr-defined]


def test_an_action_that_nobody_knows_is_none() -> None:
    settings = read(["CMD", "x"], on_unhealthy="reboot")
    assert settings.on_unhealthy is OnUnhealthy.NONE  # type: ignore[attr-defined]


def test_defaults() -> None:
    settings = read_settings(ContainerConfig(healthcheck=HealthConfig(test=["CMD", "x"])))
    assert settings is not None
    assert settings.interval_ns == settings.timeout_ns == 30 * SECOND_NS
    assert (settings.start_period_ns, settings.start_interval_ns) == (0, 5 * SECOND_NS)
    assert (settings.retries, settings.on_unhealthy) == (3, OnUnhealthy.NONE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80", Address(port=80)),
        (":80", Address(port=80)),
        ("localhost:80", Address(port=80)),
        (":80/ok", Address(port=80, path="/ok")),
        (":80/a/b?c=d", Address(port=80, path="/a/b?c=d")),
        ("10.0.0.5:80/", Address(host="10.0.0.5", port=80)),
        ("[::1]:80", Address(host="::1", port=80)),
    ],
)
def test_addresses(text: str, expected: Address) -> None:
    assert parse_address(text, with_path=True) == expected


@pytest.mark.parametrize(
    ("text", "with_path"),
    [
        ("", True),
        (":", True),
        ("http", True),
        (":0", True),
        (":65536", True),
        (":80/a b", True),
        (":80/\r\nx", True),
        (":80/é", True),
        ("80/", False),
        ("²", False),
        ("-1", False),
        ("example.com:80", False),
        ("::1:80", True),
        ("a b:80", True),
        ("[]:80", True),
    ],
)
def test_what_is_no_address(text: str, with_path: bool) -> None:
    with pytest.raises(InvalidArgument, match="invalid address"):
        parse_address(text, with_path=with_path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"interval": 999_999}, "Interval in Healthcheck cannot be less than 1ms"),
        ({"timeout": -1}, "Timeout in Healthcheck cannot be less than 1ms"),
        ({"start_period": 1}, "StartPeriod in Healthcheck cannot be less than 1ms"),
        ({"start_interval": 1}, "StartInterval in Healthcheck cannot be less than 1ms"),
        ({"retries": -1}, "Retries in Healthcheck cannot be negative"),
        (
            {"on_unhealthy": "reboot"},
            "OnUnhealthy in Healthcheck must be one of none, restart, stop, kill, not 'reboot'",
        ),
        ({"test": ["TCP"]}, "Test TCP in Healthcheck takes one address"),
        ({"test": ["HTTP", "x"]}, "invalid address 'x' in Healthcheck"),
    ],
)
def test_senseless_config_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_health(HealthConfig(**fields))  # type: ignore[arg-type]
    assert caught.value.message == message


def test_sensible_config_passes() -> None:
    check_health(None)
    check_health(HealthConfig(interval=1_000_000, retries=0, on_unhealthy="kill"))


def test_nothing_comes_of_nothing() -> None:
    assert complete_health(None, None, {}) is None


def test_the_merged_probe_is_kept_without_labels() -> None:
    merged = Healthcheck(test=("CMD", "x"), retries=7)
    assert complete_health(None, merged, {"a": "b"}) == HealthConfig(test=["CMD", "x"], retries=7)


LABELS = {"budu.health-http": ":80/ok", "budu.on-unhealthy": "restart"}


def test_labels_stand_above_the_image() -> None:
    image = Healthcheck(test=("CMD", "x"), interval=SECOND_NS)
    expected = HealthConfig(test=["HTTP", ":80/ok"], interval=SECOND_NS, on_unhealthy="restart")
    assert complete_health(None, image, LABELS) == expected
    assert complete_health(None, None, {"budu.health-tcp": "5432"}) == HealthConfig(
        test=["TCP", "5432"]
    )


def test_the_clients_config_stands_above_labels() -> None:
    own = HealthConfig(test=["NONE"], on_unhealthy="stop")
    merged = Healthcheck(test=("NONE",), on_unhealthy="stop")
    assert complete_health(own, merged, LABELS) == own


@pytest.mark.parametrize("labels", [{"budu.on-unhealthy": "x"}, {"budu.health-tcp": "x"}])
def test_senseless_labels_are_refused(labels: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument):
        complete_health(None, None, labels)


@pytest.mark.parametrize(
    ("test", "action", "is_told"),
    [
        (None, "restart", True),
        (["NONE"], "stop", True),
        (["GRPC", "80"], "kill", True),
        (None, "none", False),
        (None, "", False),
        (["CMD", "x"], "restart", False),
        (["TCP", "80"], "kill", False),
    ],
)
def test_an_action_without_a_probe_is_told(
    test: list[str] | None, action: str, is_told: bool
) -> None:
    health = HealthConfig(test=test, on_unhealthy=action)
    assert bool(health_warnings(ContainerConfig(healthcheck=health))) is is_told
    assert health_warnings(ContainerConfig()) == []

"""Who sees which variable of a build."""

import pytest

from budu.base.errors import InvalidArgument
from budu.build.arguments import BuildArguments, StageArguments, latest_ns
from budu.build.dockerfile.model import Arg
from budu.spec.platform import Platform

ARM = Platform(os="linux", architecture="arm64", variant="")
AMD = Platform(os="linux", architecture="amd64", variant="")


def arguments(**given: str | None) -> BuildArguments:
    return BuildArguments(given, target=ARM, here=AMD)


def arg(name: str, default: str | None = None) -> Arg:
    return Arg(line=1, source="", pairs=((name, default),))


def test_from_lines_know_the_platforms() -> None:
    known = arguments().variables
    assert (known["TARGETPLATFORM"], known["TARGETARCH"]) == ("linux/arm64", "arm64")
    assert (known["BUILDPLATFORM"], known["BUILDOS"]) == ("linux/amd64", "linux")
    assert arguments(TARGETARCH="riscv64").variables["TARGETARCH"] == "riscv64"


def test_a_stage_sees_only_what_it_declares() -> None:
    build = arguments(A="given")
    build.declare(arg("A", "default"))
    build.declare(arg("B", "b"))
    stage = StageArguments(build)
    assert stage.variables(()) == {}
    stage.declare(arg("A"))
    stage.declare(arg("B"))
    stage.declare(arg("TARGETOS"))
    stage.declare(arg("C"))
    assert stage.variables(()) == {"A": "given", "B": "b", "TARGETOS": "linux"}
    stage.declare(arg("B", "own"))
    assert stage.variables(())["B"] == "own"


def test_an_environment_wins_over_an_argument() -> None:
    stage = StageArguments(arguments(A="given"))
    stage.declare(arg("A"))
    assert stage.variables(("A=env", "B=1")) == {"A": "env", "B": "1"}
    assert stage.declared(("A=env",)) == ()
    assert stage.declared(()) == (("A", "given"),)


def test_an_argument_taken_away_has_its_default() -> None:
    stage = StageArguments(arguments(A=None))
    stage.declare(arg("A", "default"))
    assert stage.variables(()) == {"A": "default"}


def test_proxies_need_no_declaration() -> None:
    build = arguments(http_proxy="http://p", NO_PROXY="x", OTHER="1")
    stage = StageArguments(build)
    assert stage.proxies(()) == (("NO_PROXY", "x"), ("http_proxy", "http://p"))
    assert stage.proxies(("NO_PROXY=own",)) == (("http_proxy", "http://p"),)
    stage.declare(arg("http_proxy"))
    assert stage.proxies(()) == (("NO_PROXY", "x"),)
    assert stage.declared(()) == (("http_proxy", "http://p"),)
    assert build.unused() == ["OTHER"]


def test_what_is_for_builders_is_never_unused() -> None:
    assert arguments(BUILDKIT_INLINE_CACHE="1", SOURCE_DATE_EPOCH="1").unused() == []


def test_a_time_that_nothing_is_later_than() -> None:
    assert latest_ns({}) is None
    assert latest_ns({"SOURCE_DATE_EPOCH": "7"}) == 7 * 10**9
    with pytest.raises(InvalidArgument, match=r"^invalid SOURCE_DATE_EPOCH: soon$"):
        latest_ns({"SOURCE_DATE_EPOCH": "soon"})

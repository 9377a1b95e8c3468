"""Docker's grammar of flags."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budu.base.errors import Hint
from budu.cli.declare import Call, Command, Flag
from budu.cli.failures import Exit
from budu.cli.parser import parse
from budu.cli.values import read_filter

FLAGS = (
    Flag("interactive", short="i", help=("", "")),
    Flag("tty", short="t", help=("", "")),
    Flag("rm", help=("", "")),
    Flag("proxy", default=True, help=("", "")),
    Flag("env", "list", short="e", help=("", "")),
    Flag("name", "string", help=("", "")),
    Flag("number", "int", short="n", default=-1, help=("", "")),
    Flag("network", "list", also="net", help=("", "")),
    Flag("filter", "filter", short="f", read=read_filter, help=("", "")),
    Flag("platform", "strings", help=("", "")),
)


def command(*, options_first: bool = False, least: int = 0, most: int | None = None) -> Command:
    return Command(
        lambda _context, _call: 0,
        usage="[OPTIONS] X",
        help=("", ""),
        flags=FLAGS,
        options_first=options_first,
        least=least,
        most=most,
    )


def read(line: str, **how: bool) -> Call:
    call = parse(command(**how), "budu do", line.split())
    assert call is not None
    return call


def refusal(line: str) -> Exit:
    with pytest.raises(Exit) as caught:
        parse(command(), "budu do", line.split())
    return caught.value


@pytest.mark.parametrize("line", ["-i -t", "-it", "-ti", "--interactive --tty", "-i=true -t=1"])
def test_booleans_cluster(line: str) -> None:
    call = read(line)
    assert (call.on("interactive"), call.on("tty")) == (True, True)


@pytest.mark.parametrize("line", ["-e A=1", "-eA=1", "-e=A=1", "--env A=1", "--env=A=1", "-itea=1"])
def test_every_spelling_of_a_value(line: str) -> None:
    assert read(line).texts("env")[0].upper() == "A=1"


def test_booleans_take_a_value_only_with_an_equals_sign() -> None:
    call = read("--rm=false --proxy=F --tty false")
    assert (call.on("rm"), call.on("proxy"), call.on("tty")) == (False, False, True)
    assert call.args == ["false"]


def test_lists_keep_every_value_in_order() -> None:
    assert read("-e b --env a -e b").texts("env") == ["b", "a", "b"]


def test_other_flags_keep_the_last_value() -> None:
    assert read("--name a --name=b").text("name") == "b"


def test_a_second_spelling_counts_for_the_same_flag() -> None:
    assert read("--net a --network b").texts("network") == ["a", "b"]


def test_comma_lists_are_split() -> None:
    assert read("--platform a,b --platform c").texts("platform") == ["a", "b", "c"]


def test_flags_may_follow_arguments() -> None:
    call = read("one -t two")
    assert (call.args, call.on("tty")) == (["one", "two"], True)


def test_nothing_is_parsed_after_the_first_argument_of_run() -> None:
    call = read("-t image ls -l --rm -- x", options_first=True)
    assert call.args == ["image", "ls", "-l", "--rm", "--", "x"]
    assert not call.on("rm")


def test_two_dashes_end_the_flags() -> None:
    assert read("-t -- -i --rm").args == ["-i", "--rm"]


def test_a_dash_alone_is_an_argument() -> None:
    assert read("- -t").args == ["-"]


def test_given_names_only_what_was_typed() -> None:
    assert read("--name= -t").given == {"name", "tty"}


def test_defaults() -> None:
    call = read("")
    assert (call.number("number"), call.on("proxy"), call.texts("env")) == (-1, True, [])


def test_numbers_may_be_negative_and_octal() -> None:
    assert read("-n -5").number("number") == -5
    assert read("-n 0x10").number("number") == 16
    assert read("-n 010").number("number") == 8


@pytest.mark.parametrize("line", ["--help", "-h", "-t --help", "x -h", "-th"])
def test_help_is_asked_for(line: str) -> None:
    assert parse(command(least=3), "budu do", line.split()) is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--foo", "unknown flag: --foo"),
        ("--foo=1", "unknown flag: --foo"),
        ("-x", "unknown shorthand flag: 'x' in -x"),
        ("-tx", "unknown shorthand flag: 'x' in -x"),
        ("-xt", "unknown shorthand flag: 'x' in -xt"),
        ("--name", "flag needs an argument: --name"),
        ("-e", "flag needs an argument: 'e' in -e"),
        ("---x", "bad flag syntax: ---x"),
        ("--=x", "bad flag syntax: --=x"),
        ("-n x", 'invalid argument "x" for "-n, --number" flag: strconv.ParseInt: parsing "x": '
                 "invalid syntax"),
        ("--rm=x", 'invalid argument "x" for "--rm" flag: strconv.ParseBool: parsing "x": '
                   "invalid syntax"),
        ("-f x", 'invalid argument "x" for "-f, --filter" flag: bad format of filter (expected '
                 "name=value)"),
    ],
)  # fmt: skip
def test_refusals_are_dockers(line: str, message: str) -> None:
    refused = refusal(line)
    assert refused.status == 125
    assert refused.message == (
        f"{message}\n\nUsage:  budu do [OPTIONS] X\n\nRun 'budu do --help' for more information"
    )


def test_a_near_flag_is_named() -> None:
    assert refusal("--intractive").hint == Hint("cli.flag-near", flag="--interactive")
    assert refusal("--zzzzzzz").hint is None


@pytest.mark.parametrize(
    ("least", "most", "words", "demand"),
    [
        (1, None, [], "requires at least 1 argument"),
        (2, None, ["a"], "requires at least 2 arguments"),
        (1, 1, [], "requires 1 argument"),
        (2, 2, ["a"], "requires 2 arguments"),
        (0, 0, ["a"], "accepts no arguments"),
        (0, 1, ["a", "b"], "requires at most 1 argument"),
        (1, 2, [], "requires at least 1 and at most 2 arguments"),
    ],
)
def test_the_number_of_arguments_is_checked(
    least: int, most: int | None, words: list[str], demand: str
) -> None:
    with pytest.raises(Exit) as caught:
        parse(command(least=least, most=most), "budu do", words)
    assert caught.value.status == 1
    assert caught.value.message.startswith(f"budu: 'budu do' {demand}\n\nUsage:  budu do ")


@given(st.lists(st.text(alphabet="-=itexn \"'\\a1", max_size=6), max_size=5))
def test_no_line_ends_in_anything_but_a_call_or_a_refusal(words: list[str]) -> None:
    try:
        call = parse(command(), "budu do", words)
    except Exit as refused:
        assert refused.status in (1, 125)
    else:
        assert call is None or len(call.args) <= len(words)

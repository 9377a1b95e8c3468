"""Build checks: Docker's rules and sentences."""

from __future__ import annotations

import pytest

from budu.base.errors import InvalidArgument
from budu.build.dockerfile.check_options import (
    CheckOptions,
    parse_check_options,
    refuse_remarks,
)
from budu.build.dockerfile.model import Remark
from budu.build.dockerfile.parse import parse
from budu.build.dockerfile.remarks import remarks


def told(text: str, environment: dict[str, str] | None = None) -> list[tuple[int, str, str]]:
    environments = None if environment is None else {0: environment}
    found = remarks(parse(text), environments=environments)
    return [(remark.line, remark.rule, remark.message) for remark in found]


@pytest.mark.parametrize(
    ("text", "line", "rule", "message"),
    [
        ("FROM scratch AS Build", 1, "StageNameCasing", "Stage name 'Build' should be lowercase"),
        ("FROM scratch as a", 1, "FromAsCasing", "'as' and 'FROM' keywords' casing do not match"),
        ("from scratch AS a", 1, "FromAsCasing", "'AS' and 'from' keywords' casing do not match"),
        ("FROM scratch\nRUN a \\\n\n b\n", 4, "NoEmptyContinuation", "Empty continuation line"),
        ("FROM scratch\nrun a\nRUN b", 2, "ConsistentInstructionCasing",
         "Command 'run' should match the case of the command majority (uppercase)"),
        ("from scratch\nrun a\nRun b", 3, "ConsistentInstructionCasing",
         "Command 'Run' should match the case of the command majority (lowercase)"),
        ("FROM scratch AS a\nFROM scratch AS a", 2, "DuplicateStageName",
         'Duplicate stage name "a", stage names should be unique'),
        ("FROM scratch AS context", 1, "ReservedStageName",
         'Stage name should not use the same name as reserved stage "context"'),
        ("FROM scratch\nCMD a", 2, "JSONArgsRecommended",
         "JSON arguments recommended for CMD to prevent unintended behavior related to OS signals"),
        ("FROM scratch\nENTRYPOINT a", 2, "JSONArgsRecommended",
         "JSON arguments recommended for ENTRYPOINT to prevent unintended behavior related to OS "
         "signals"),
        ("FROM scratch\nMAINTAINER me", 2, "MaintainerDeprecated",
         "Maintainer instruction is deprecated in favor of using label"),
        ("FROM scratch\nENV A b", 2, "LegacyKeyValueFormat",
         '"ENV key=value" should be used instead of legacy "ENV key value" format'),
        ("FROM scratch\nLABEL a b", 2, "LegacyKeyValueFormat",
         '"LABEL key=value" should be used instead of legacy "LABEL key value" format'),
        ("ARG VERSION=1\nFROM a:1$VERSON", 2, "UndefinedArgInFrom",
         "FROM argument 'VERSON' is not declared (did you mean VERSION?)"),
        ("FROM scratch\nARG NAME\nUSER $NMAE", 3, "UndefinedVar",
         "Usage of undefined variable '$NMAE'"),
        ("FROM scratch\nENV NAME=a\nUSER $NAMES", 3, "UndefinedVar",
         "Usage of undefined variable '$NAMES' (did you mean $NAME?)"),
        ("FROM scratch AS a\nFROM a\nCOPY <<x /\n$Y\nx\n", 3, "UndefinedVar",
         "Usage of undefined variable '$Y'"),
        ("FROM scratch\nWORKDIR a", 2, "WorkdirRelativePath",
         'Relative workdir "a" can have unexpected results if the base image changes'),
        ('FROM scratch\nCMD ["a"]\nCMD ["b"]', 2, "MultipleInstructionsDisallowed",
         "Multiple CMD instructions should not be used in the same stage because only the last one "
         "will be used"),
        ("FROM scratch\nHEALTHCHECK NONE\nHEALTHCHECK CMD a", 2, "MultipleInstructionsDisallowed",
         "Multiple HEALTHCHECK instructions should not be used in the same stage because only the "
         "last one will be used"),
        ("FROM scratch\nARG API_KEY", 2, "SecretsUsedInArgOrEnv",
         'Do not use ARG or ENV instructions for sensitive data (ARG "API_KEY")'),
        ("FROM scratch\nENV db_Password=x", 2, "SecretsUsedInArgOrEnv",
         'Do not use ARG or ENV instructions for sensitive data (ENV "db_Password")'),
        ("FROM --platform=$TARGETPLATFORM scratch", 1, "RedundantTargetPlatform",
         "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the "
         "default behavior"),
        ("ARG TAG\nFROM a:${TAG}", 2, "InvalidDefaultArgInFrom",
         "Default value for ARG a:${TAG} results in empty or invalid base image name"),
        ("FROM --platform=linux/arm64 scratch AS a", 1, "FromPlatformFlagConstDisallowed",
         'FROM --platform flag should not use constant value "linux/arm64"'),
        ("FROM scratch\nEXPOSE 80/TcP", 2, "ExposeProtoCasing",
         "Defined protocol '80/TcP' in EXPOSE instruction should be lowercase"),
        ("FROM scratch\nEXPOSE 127.0.0.1:80:80", 2, "ExposeInvalidFormat",
         "EXPOSE instruction should not define an IP address or host-port mapping, found "
         "'127.0.0.1:80:80'"),
    ],
)  # fmt: skip
def test_a_rule_says_what_docker_says(text: str, line: int, rule: str, message: str) -> None:
    assert told(text) == [(line, rule, message)]


@pytest.mark.parametrize(
    "text",
    [
        "FROM scratch AS a\nFROM a AS b\nFROM b\n",
        "ARG V\nFROM a:${V:-1}\n",
        "FROM --platform=$BUILDPLATFORM a\n",
        "FROM --platform=linux/arm64 a AS build-arm64\n",
        'FROM scratch\nSHELL ["/bin/bash", "-c"]\nCMD a\n',
        "FROM scratch\nWORKDIR /a\nWORKDIR b\n",
        "FROM scratch AS a\nWORKDIR /a\nFROM a\nWORKDIR b\n",
        "FROM a\nWORKDIR $HOME\n",
        "FROM scratch\nENV PUBLIC_KEY=1 KEY_FILE=2 KEYS=3 MONKEY=4\n",
        "FROM scratch\nARG A\nUSER $A\nENV B=c\nUSER $B$PATH\n",
        "FROM scratch AS a\nARG A\nENV B=c\nFROM a\nUSER $A$B\n",
        "FROM scratch\nRUN echo $UNKNOWN\n",
        'FROM scratch\nCMD ["a"]\nFROM scratch\nCMD ["b"]\n',
        "FROM debian\nUSER $WHO\n",
        "FROM scratch\nUSER ${A\n",
    ],
)
def test_what_is_right_is_left_alone(text: str) -> None:
    assert told(text) == []


def test_variables_of_a_base_image_are_known_when_given() -> None:
    text = "FROM debian\nWORKDIR $HOME/$APP\n"
    assert told(text, {"HOME": "/root", "APP": "x"}) == []
    assert told(text, {"HOME": "/root"}) == [
        (2, "UndefinedVar", "Usage of undefined variable '$APP'")
    ]


def test_remarks_come_by_line() -> None:
    lines = [line for line, _, _ in told("FROM scratch as A\nMAINTAINER x\nrun a\nCMD a\nCMD b\n")]
    assert lines == sorted(lines)
    assert len(lines) == 7


def test_a_directive_leaves_rules_out() -> None:
    text = "FROM scratch as A\nCMD a\n"
    rules = [rule for _, rule, _ in told(f"# check=skip=FromAsCasing, JSONArgsRecommended\n{text}")]
    assert rules == ["StageNameCasing"]
    assert told(f"# check=skip=all\n{text}") == []


def test_a_comment_leaves_rules_out_for_the_instruction_below() -> None:
    text = (
        "FROM scratch\n# check=skip=LegacyKeyValueFormat // as it was\nENV A b\nENV C d\n"
        "# check=skip=all\nLABEL a b\n# check=what\nMAINTAINER x\n"
    )
    assert [(line, rule) for line, rule, _ in told(text)] == [
        (4, "LegacyKeyValueFormat"),
        (8, "MaintainerDeprecated"),
    ]


def test_a_directive_makes_remarks_errors() -> None:
    options = parse_check_options("skip=A;error=true")
    assert options == CheckOptions(skips=frozenset({"A"}), fails=True)
    refuse_remarks(options, [])
    found = [Remark(rule=rule, line=1, message="") for rule in ("C", "B", "C")]
    refuse_remarks(CheckOptions(), found)
    with pytest.raises(InvalidArgument) as caught:
        refuse_remarks(options, found)
    assert caught.value.message == "lint violation found for rules: B, C"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("skip", 'invalid check option "skip"'),
        ("skip=A;fail=true", 'invalid check option "fail"'),
        ("error=maybe", 'failed to parse check option "error=maybe": strconv.ParseBool: parsing '
                        '"maybe": invalid syntax'),
    ],
)  # fmt: skip
def test_a_wrong_directive_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        remarks(parse(f"# check={text}\nFROM scratch"))
    assert caught.value.message == f"failed to parse check options: {sentence}"

"""Instructions of `commit --change` and `import --change`."""

from __future__ import annotations

import pytest

from budu.base.errors import InvalidArgument
from budu.build.dockerfile.changes import apply_changes
from budu.spec.image import ExecConfig, Healthcheck

ENVIRONMENT = ("PATH=/bin", "HOME=/root")
BASE = ExecConfig(env=ENVIRONMENT, cmd=("sh",), working_dir="/srv")


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ('CMD ["a", "b c"]', "cmd", ("a", "b c")),
        ("cmd echo $HOME", "cmd", ("/bin/sh", "-c", "echo $HOME")),
        ("CMD [broken", "cmd", ("/bin/sh", "-c", "[broken")),
        ("CMD", "cmd", ()),
        ('ENTRYPOINT ["/a"]', "entrypoint", ("/a",)),
        ("ENTRYPOINT a b", "entrypoint", ("/bin/sh", "-c", "a b")),
        ("ENV A=1 B='x y' C=$HOME/c", "env",
         ("PATH=/bin", "HOME=/root", "A=1", "B=x y", "C=/root/c")),
        ("ENV PATH /usr/bin:$PATH", "env", ("PATH=/usr/bin:/bin", "HOME=/root")),
        ("EXPOSE 80 53/udp 9000-9001", "exposed_ports",
         {"80/tcp": {}, "53/udp": {}, "9000/tcp": {}, "9001/tcp": {}}),
        ('LABEL a=b "c d"="e"', "labels", {"a": "b", "c d": "e"}),
        ("USER nobody:$HOME", "user", "nobody:/root"),
        ("WORKDIR sub/../x", "working_dir", "/srv/x"),
        ("WORKDIR /", "working_dir", "/"),
        ('VOLUME ["/a", "$HOME/b"]', "volumes", {"/a": {}, "/root/b": {}}),
        ("VOLUME /a /b", "volumes", {"/a": {}, "/b": {}}),
        ("STOPSIGNAL SIGINT", "stop_signal", "SIGINT"),
        ("ONBUILD RUN make", "on_build", ("RUN make",)),
        ('SHELL ["/bin/bash", "-c"]', "shell", ("/bin/bash", "-c")),
        ("HEALTHCHECK NONE", "healthcheck", Healthcheck(test=("NONE",))),
        ("HEALTHCHECK --interval=5s --retries=2 CMD curl -f x", "healthcheck",
         Healthcheck(test=("CMD-SHELL", "curl -f x"), interval=5_000_000_000, retries=2)),
        ('HEALTHCHECK --start-period=1m CMD ["a"]', "healthcheck",
         Healthcheck(test=("CMD", "a"), start_period=60_000_000_000)),
    ],
)  # fmt: skip
def test_an_instruction_changes_its_field(line: str, field: str, value: object) -> None:
    assert getattr(apply_changes(BASE, [line]), field) == value


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("RUN make", "RUN is not a valid change command"),
        ("frob x", "frob is not a valid change command"),
        ("ENV A", "ENV must have two arguments"),
        ("ENV A=1 B", 'Syntax error - can\'t find = in "B". Must be of the form: name=value'),
        ("ENV =1", "ENV names can not be blank"),
        ("EXPOSE", "EXPOSE requires at least one argument"),
        ("EXPOSE 70000", "invalid containerPort: 70000"),
        ("EXPOSE 80/foo", "invalid proto: foo"),
        ("USER", "USER requires exactly one argument"),
        ("CMD [1]", "when using JSON array syntax, arrays must be comprised of strings only"),
        ("ONBUILD ONBUILD RUN x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"),
        ("ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"),
        ("HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"),
        ("HEALTHCHECK TCP x", 'Unknown type "TCP" in HEALTHCHECK (try CMD)'),
        ("HEALTHCHECK --retries=-1 CMD x", "--retries cannot be negative (-1)"),
        ("HEALTHCHECK --often=1 CMD x", "unknown flag: --often"),
        ("VOLUME", "VOLUME requires at least one argument"),
        ("STOPSIGNAL", "STOPSIGNAL requires exactly one argument"),
        ("WORKDIR ''", "cannot normalize nothing"),
        ("ENV A=${B", "failed to process \"${B\": syntax error: missing '}'"),
    ],
)
def test_a_wrong_instruction_is_refused_in_dockers_words(line: str, sentence: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        apply_changes(BASE, [line])
    assert caught.value.message == sentence


def test_an_entrypoint_drops_the_cmd_of_before_only() -> None:
    assert apply_changes(BASE, ["ENTRYPOINT a"]).cmd is None
    assert apply_changes(BASE, ["CMD b", "ENTRYPOINT a"]).cmd == ("/bin/sh", "-c", "b")


def test_lines_go_on_and_comments_are_left_out() -> None:
    changed = apply_changes(BASE, ["# nothing\n\nENV A=1 \\\n  B=2", "ENV C=$A"])
    assert changed.env == (*ENVIRONMENT, "A=1", "B=2", "C=1")


def test_an_empty_cmd_does_not_outlive_an_entrypoint() -> None:
    assert apply_changes(BASE, ["CMD []", "ENTRYPOINT a"]).cmd is None


def test_the_shell_of_before_runs_the_commands() -> None:
    changed = apply_changes(BASE, ['SHELL ["/bin/bash", "-ec"]', "CMD a", 'ENTRYPOINT ["b"]'])
    assert (changed.cmd, changed.entrypoint) == (("/bin/bash", "-ec", "a"), ("b",))


def test_a_directive_chooses_the_escape() -> None:
    assert apply_changes(BASE, ["# escape=`", "ENV A=b` \\c"]).env == (*ENVIRONMENT, "A=b \\c")


def test_nothing_changes_nothing() -> None:
    assert apply_changes(BASE, []) == apply_changes(BASE, ["", "# a comment"]) == BASE


def test_values_that_hold_each_other_have_an_end() -> None:
    line = "ENV A0=" + "x" * 4000
    lines = [line] + [f"ENV A{i}={'$A' + str(i - 1)}$A{i - 1}" for i in range(1, 40)]
    with pytest.raises(InvalidArgument, match="more than"):
        apply_changes(BASE, lines)
    with pytest.raises(InvalidArgument, match="labels of an image may not have more than"):
        apply_changes(BASE, [line, *(f"LABEL l{i}=" + "$A0" * 200 for i in range(6))])

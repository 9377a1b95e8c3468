"""Hints of `build`."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "build.misspelt-instruction": (
        "Line {line}: write {near} instead of {name}.",
        "{line}번째 줄: {name} 대신 {near}을(를) 쓰세요.",
    ),
    "build.no-instruction": (
        "Line {line} begins with {name}, which is no instruction. If it continues the line above, "
        "end that line with \\ (a backslash); several commands in one RUN are joined by && or "
        "stand in a here-document.",
        "{line}번째 줄이 명령어가 아닌 {name}(으)로 시작합니다. 윗줄에서 이어지는 줄이라면 윗줄 "
        "끝에 \\ (백슬래시)를 붙이세요. RUN 하나에 여러 명령을 쓰려면 &&로 잇거나 here-document를 "
        "쓰세요.",
    ),
    "build.at-line": (
        "It is on line {line}.",
        "{line}번째 줄에 있습니다.",
    ),
    "build.open-heredoc": (
        "The here-document of line {line} ends with a line that holds nothing but {name}: add "
        "that line, without spaces around it.",
        "{line}번째 줄의 here-document는 {name}만 있는 줄에서 끝납니다. 앞뒤에 공백 없이 그 줄을 "
        "추가하세요.",
    ),
    "build.from-first": (
        "Line {line}: {name} stands before the first FROM. Only ARG may; begin with "
        "`FROM <image>`, or `FROM scratch` for an empty image.",
        "{line}번째 줄: {name}이(가) 첫 FROM보다 앞에 있습니다. FROM 앞에는 ARG만 올 수 있습니다. "
        "`FROM <이미지>`로 시작하고, 빈 이미지라면 `FROM scratch`를 쓰세요.",
    ),
    "build.no-stage": (
        "Add a line `FROM <image>`, or `FROM scratch` for an empty image.",
        "`FROM <이미지>` 줄을 추가하세요. 빈 이미지라면 `FROM scratch`를 쓰세요.",
    ),
    "build.insecure": (
        "No command of a build gets all rights: a Dockerfile may come from anybody. Do that step "
        "in a container (budu run --privileged), then budu commit.",
        "Dockerfile은 누구나 쓸 수 있으므로 빌드 중의 명령에는 모든 권한을 주지 않습니다. 그 "
        "단계는 컨테이너에서 (budu run --privileged) 실행한 다음 budu commit 하세요.",
    ),
    "build.host-network": (
        "Only you can allow this, not the Dockerfile: build with --network host.",
        "Dockerfile이 아니라 빌드하는 사람만 허용할 수 있습니다. --network host 로 빌드하세요.",
    ),
    "build.no-session": (
        "Secrets and SSH agents come by BuildKit's protocol, which is not served. Mount a file of "
        "another stage (RUN --mount=type=bind,from=…), or leave `required` out.",
        "비밀 값과 SSH 에이전트는 BuildKit 프로토콜로 전달되는데, 지원하지 않습니다. 다른 단계의 "
        "파일을 마운트하거나 (RUN --mount=type=bind,from=…) `required`를 빼세요.",
    ),
    "build.out-of-memory": (
        "The command needed more memory than there is. Allow it more with --memory, or let it do "
        "less at a time.",
        "명령에 필요한 메모리가 모자랐습니다. --memory 로 늘리거나 한 번에 하는 일을 줄이세요.",
    ),
}

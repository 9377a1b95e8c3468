"""Hints about reaching an engine, in English and Korean."""

TEXTS: dict[str, tuple[str, str]] = {
    "client.plain": ("{text}", "{text}"),
    "client.no-ssh": (
        "An ssh:// address needs the ssh program: apt-get install openssh-client.",
        "ssh:// 주소에는 ssh 프로그램이 필요합니다: apt-get install openssh-client.",
    ),
    "client.socket-denied": (
        "You may not open {path} (it belongs to {owner}). Use your own engine "
        "(unset DOCKER_HOST and BUDU_HOST), or run the command with sudo.",
        "{path} 소켓을 열 권한이 없습니다(소유자: {owner}). DOCKER_HOST와 BUDU_HOST를 지우고 "
        "자신의 엔진을 쓰거나 sudo로 실행하세요.",
    ),
    "client.socket-absent": (
        "There is no socket at {path}. It was chosen by {source}.",
        "{path} 위치에 소켓이 없습니다. 이 주소는 {source}(으)로 정해졌습니다.",
    ),
    "client.socket-refused": (
        "The socket {path} exists, but no engine listens on it. It was chosen by {source}.",
        "{path} 소켓은 있지만 응답하는 엔진이 없습니다. 이 주소는 {source}(으)로 정해졌습니다.",
    ),
    "client.host-unknown": (
        "The name {host} has no address. It was chosen by {source}.",
        "{host} 이름의 주소를 찾을 수 없습니다. 이 주소는 {source}(으)로 정해졌습니다.",
    ),
    "client.host-refused": (
        "{host} answers, but nothing listens on port {port}. It was chosen by {source}.",
        "{host}의 {port}번 포트에서 기다리는 프로그램이 없습니다. "
        "이 주소는 {source}(으)로 정해졌습니다.",
    ),
}

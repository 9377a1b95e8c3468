"""Hints of the engine's start."""

TEXTS: dict[str, tuple[str, str]] = {
    "daemon.known-settings": (
        "Known settings: {known}.",
        "사용할 수 있는 설정: {known}.",
    ),
    "daemon.builder-settings": (
        "Of `builder` the engine knows gc.enabled and gc.defaultMaxUsedSpace (or "
        "gc.defaultKeepStorage). Its own setting for the size of the build cache is build-budget.",
        "`builder`에서 쓸 수 있는 설정은 gc.enabled 와 gc.defaultMaxUsedSpace "
        "(또는 gc.defaultKeepStorage) 입니다. 빌드 캐시의 크기는 build-budget 으로도 정합니다.",
    ),
    "daemon.second-engine": (
        "Another engine (pid {pid}) has these folders. Use it, end it (budu system stop), or give "
        "this one its own --data-root and --exec-root.",
        "다른 엔진(pid {pid})이 이 폴더를 쓰고 있습니다. 그 엔진을 쓰거나, 끝내거나"
        "(budu system stop), 이 엔진에 다른 --data-root 와 --exec-root 를 주세요.",
    ),
}

"""Hints of the HTTP edge, in English and Korean."""

TEXTS: dict[str, tuple[str, str]] = {
    "api.unserved": (
        "The request was understood and nothing was changed; only this operation is missing here.",
        "요청은 이해했고 바뀐 것은 없습니다. 이 기능만 아직 여기에 없습니다.",
    ),
    "api.buildkit": (
        "The engine builds by itself, and understands BuildKit's Dockerfiles: budu build, or "
        "DOCKER_BUILDKIT=0 docker build",
        "이 엔진은 직접 빌드하며 BuildKit 문법의 Dockerfile도 이해합니다. budu build 또는 "
        "DOCKER_BUILDKIT=0 docker build 를 쓰세요.",
    ),
    "api.build-squash": (
        "One layer of everything comes from a last stage of its own: FROM scratch, then "
        "COPY --from=STAGE / / and the CMD, ENV … that the image needs.",
        "레이어를 하나로 만들려면 마지막 스테이지를 따로 두세요. FROM scratch 다음에 "
        "COPY --from=STAGE / / 를 쓰고 필요한 CMD, ENV 등을 적으면 됩니다.",
    ),
    "api.build-outputs": (
        "Build an image, then take it out: budu save, or budu create and budu export for its "
        "files.",
        "이미지를 빌드한 다음 꺼내세요. 이미지는 budu save, 파일만이라면 budu create 와 "
        "budu export 를 쓰세요.",
    ),
}

"""Hints about files of containers and volumes."""

TEXTS: dict[str, tuple[str, str]] = {
    "files.rootfs-read-only": (
        "The container was made with --read-only. Copy into one of its volumes, or make the "
        "container without it.",
        "--read-only로 만든 컨테이너입니다. 볼륨 안으로 복사하거나 --read-only 없이 다시 만드세요.",
    ),
    "files.volume-read-only": (
        "It is mounted read-only in this container (:ro). Copy into the volume itself: budu cp … "
        "volume:NAME/path",
        "이 컨테이너에는 읽기 전용(:ro)으로 연결되어 있습니다. 볼륨에 직접 복사하세요: budu cp … "
        "volume:이름/경로",
    ),
    "files.virtual": (
        "{path} is no file on disk but a window into the kernel. Read it inside the container: "
        "budu exec {ref} cat {path}",
        "{path} 은(는) 디스크의 파일이 아니라 커널이 보여 주는 값입니다. 컨테이너 안에서 읽으세요: "
        "budu exec {ref} cat {path}",
    ),
}

"""Texts of the hints about volumes: key to English and Korean."""

TEXTS: dict[str, tuple[str, str]] = {
    "volume.no-quota": (
        "The disk of the volumes has no project quota and {program} is not installed, so a size "
        "cannot be kept. Install it (apt install e2fsprogs), or mount the disk with prjquota.",
        "볼륨이 있는 디스크에 프로젝트 쿼터가 없고 {program} 도 설치되어 있지 않아 크기를 제한할 "
        "수 없습니다. apt install e2fsprogs 로 설치하거나 디스크를 prjquota 로 마운트하세요.",
    ),
    "volume.not-mine": (
        "With :mine the owner of {path} is shown inside as the container's user; this needs a "
        "file system with id-mapped mounts (ext4, xfs, btrfs, tmpfs). Leave :mine out, or run "
        "the container with --user $(id -u):$(id -g).",
        ":mine 은 {path} 의 소유자를 컨테이너 사용자로 보여 줍니다. ID 매핑 마운트가 되는 파일 "
        "시스템(ext4, xfs, btrfs, tmpfs)이어야 합니다. :mine 을 빼거나 --user $(id -u):$(id -g) "
        "로 실행하세요.",
    ),
    "volume.kernel-lacks": (
        "This kernel has no {type} file system. Load its module (modprobe {type}), or install the "
        "kernel's package of extra modules.",
        "이 커널에는 {type} 파일 시스템이 없습니다. 모듈을 올리거나(modprobe {type}) 커널의 추가 "
        "모듈 패키지를 설치하세요.",
    ),
    "volume.server-silent": (
        "The server of {device} does not answer. Try from this host: mount -t {type}, with the "
        "options that `budu volume inspect` shows.",
        "{device} 의 서버가 대답하지 않습니다. 이 호스트에서 mount -t {type} 를 budu volume "
        "inspect 가 보여 주는 옵션으로 해 보세요.",
    ),
    "volume.bind-folder": (
        "{path} was missing and is made as a folder, but the image has a file at {destination}. "
        "Make the file first (touch {path}).",
        "{path} 이(가) 없어서 폴더로 만들지만 이미지의 {destination} 은(는) 파일입니다. 먼저 "
        "파일을 만드세요(touch {path}).",
    ),
}

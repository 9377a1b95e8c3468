"""Messages and hints of the command line, in English and Korean."""

TEXTS: dict[str, tuple[str, str]] = {
    "cli.flag-near": ("Did you mean {flag}?", "{flag} 옵션을 찾으셨나요?"),
    "cli.command-near": ("Did you mean: {command}", "혹시 이 명령인가요: {command}"),
    "cli.progress-left": ("{time} left", "{time} 남음"),
    "cli.progress-present": (
        "{present} of {layers} layers were here already",
        "레이어 {layers}개 중 {present}개는 이미 있음",
    ),
    "cli.cp-many": (
        "Several things can only be copied into a folder that is there. Make it first, or name "
        "another one.",
        "여러 개는 이미 있는 폴더 안으로만 복사할 수 있습니다. 폴더를 먼저 만들거나 다른 폴더를 "
        "고르세요.",
    ),
    "cli.engine-starting": ("Starting the budu engine …", "budu 엔진을 시작합니다 …"),
    "cli.engine-failed": (
        "The engine did not come up. The end of its log {log}:\n{lines}",
        "엔진이 시작되지 않았습니다. 로그 {log}의 끝부분:\n{lines}",
    ),
    "cli.engine-stopped": (
        "The engine has stopped. Containers keep running.",
        "엔진을 끝냈습니다. 컨테이너는 계속 실행됩니다.",
    ),
    "cli.engine-not-running": ("No engine is running.", "실행 중인 엔진이 없습니다."),
    "cli.push-manifest": (
        "Only one platform of the image is on this machine, so its manifest was pushed in place of "
        "the list: {index} → {manifest}",
        "이 컴퓨터에는 이미지의 플랫폼 하나만 있어서 목록 대신 그 매니페스트를 올렸습니다: "
        "{index} → {manifest}",
    ),
    "cli.tags-more": (
        "{shown} of {total} tags. More: --limit N",
        "태그 {total}개 중 {shown}개입니다. 더 보려면: --limit N",
    ),
    "cli.explore-counts": (
        "{added} added, {changed} changed, {removed} removed, {wasted} of lower layers wasted",
        "추가 {added}, 변경 {changed}, 삭제 {removed}, 아래 레이어에서 낭비 {wasted}",
    ),
    "cli.explore-sum": (
        "{size} in all, {wasted} ({share} %) of it wasted",
        "전체 {size}, 그중 {wasted} ({share} %) 낭비",
    ),
    "cli.storage-seen": (
        "{blobs} blobs and {layers} layers",
        "블롭 {blobs}개, 레이어 {layers}개",
    ),
    "cli.storage-missing": ("{count} missing", "빠진 것 {count}개"),
    "cli.storage-broken": ("{count} broken", "손상된 것 {count}개"),
    "cli.storage-orphans": (
        "{count} in nobody's use ({size})",
        "쓰이지 않는 것 {count}개 ({size})",
    ),
    "cli.storage-repaired": (
        "{count} repaired, {freed} freed",
        "{count}개 고침, {freed} 비움",
    ),
    "cli.storage-concerns": (
        "{name} needs what is missing or broken.",
        "{name}에 필요한 것이 없거나 손상되었습니다.",
    ),
    "cli.storage-pull": (
        "{name} lacks something that is only in its registry: budu pull {name}",
        "{name}에 빠진 것은 레지스트리에만 있습니다: budu pull {name}",
    ),
    "cli.storage-repair": (
        "Put it right: budu doctor storage --repair",
        "고치려면: budu doctor storage --repair",
    ),
    "cli.cleanup-nothing": ("No image has to go.", "지울 이미지가 없습니다."),
    "cli.no-tty": (
        "-t wants a terminal, but the input is a file or a pipe. Leave -t out: -i alone.",
        "-t에는 터미널이 필요한데 입력이 파일이나 파이프입니다. -t를 빼고 -i만 쓰세요.",
    ),
    "cli.no-images": (
        "budu works. No images yet – try: budu pull httpd",
        "정상입니다. 아직 이미지가 없습니다. 예: budu pull httpd",
    ),
    "cli.no-such-image": (
        "There is no image named {name}. You have: {present}",
        "{name} 이미지가 없습니다. 가지고 있는 이미지: {present}",
    ),
    "cli.port-not-published": (
        "{image} listens on port {port}, which is not published. "
        "To open it at http://localhost:{host}: budu run -d -p {host}:{port} {image}",
        "{image} 이미지의 {port}번 포트가 공개되지 않았습니다. "
        "http://localhost:{host} 으로 열려면: budu run -d -p {host}:{port} {image}",
    ),
    "cli.foreground": (
        "Running in the foreground: Ctrl-C stops it. With -d it runs behind.",
        "앞에서 실행 중입니다. Ctrl-C로 멈춥니다. -d를 붙이면 뒤에서 실행됩니다.",
    ),
    "cli.shell-without-terminal": (
        "The program is a shell; without a terminal it ends at once. "
        "For a shell: budu run -it {image}",
        "실행할 프로그램이 셸뿐이라 터미널이 없으면 바로 끝납니다. 셸: budu run -it {image}",
    ),
    "cli.password-unencrypted": (
        "WARNING! Your credentials are stored unencrypted in '{path}'.",
        "경고! 로그인 정보가 암호화되지 않은 채 '{path}'에 저장되었습니다.",
    ),
    "cli.why-created": ("never ran", "실행된 적 없음"),
    "cli.why-running": ("has been running for {since}", "{since} 전부터 실행 중"),
    "cli.why-before": ("The run before: {sentence}", "그 전 실행: {sentence}"),
    "cli.why-paused": ("paused; it was started {since} ago", "일시 정지됨, {since} 전에 시작"),
    "cli.why-exited": (
        "ended {since} ago with exit code {code}",
        "{since} 전에 종료 코드 {code} 로 끝남",
    ),
    "cli.why-dead": (
        "ended {since} ago, its removal failed",
        "{since} 전에 끝났으나 삭제하지 못함",
    ),
    "cli.why-restarting": (
        "ended {since} ago with exit code {code}, is about to be started again",
        "{since} 전에 종료 코드 {code} 로 끝났고 곧 다시 시작됨",
    ),
    "cli.why-restarts": (", restarted {count} times", ", {count}번 다시 시작함"),
    "cli.why-log": ("  Last {count} lines of its log:", "  로그 마지막 {count}줄:"),
    "cli.doctor-inside": ("From inside {name}:", "{name} 안에서:"),
    "cli.doctor-nobody": (
        "No container with a network runs; only the host was looked at.",
        "네트워크가 있는 컨테이너가 실행되고 있지 않아 호스트만 살폈습니다.",
    ),
    "cli.doctor-failed": ("The first that fails: {step}.", "처음 실패한 것: {step}."),
    "cli.build-here": (
        "There is a Dockerfile in this folder: budu build .",
        "이 폴더에 Dockerfile이 있습니다: budu build .",
    ),
    "cli.build-no-file": (
        "There is no Dockerfile in {folder}. If it has another name: -f NAME",
        "{folder}에 Dockerfile이 없습니다. 이름이 다르면 -f 이름으로 알려 주세요.",
    ),
    "cli.build-no-git": (
        "A repository is cloned with the git of this machine. Install it: apt install git",
        "저장소는 이 컴퓨터의 git으로 복제합니다. 먼저 설치하세요: apt install git",
    ),
    "cli.build-file-near": (
        "There is {path}: budu build -f {path} {folder}",
        "{path} 파일이 있습니다: budu build -f {path} {folder}",
    ),
    "cli.build-file-inside": (
        "-f counts from the current folder, not from the context: -f {path}",
        "-f 경로는 컨텍스트가 아니라 지금 폴더에서 셉니다: -f {path}",
    ),
    "cli.build-unreadable": (
        "Leave it out with a line {path} in .dockerignore, or let yourself read it.",
        ".dockerignore에 {path} 줄을 넣어 빼거나 읽기 권한을 주세요.",
    ),
    "cli.build-burden": (
        "{size} of the context were {name}. If no step needs it: echo {name} >> .dockerignore",
        "컨텍스트 중 {size}가 {name}입니다. 필요 없다면: echo {name} >> .dockerignore",
    ),
    "cli.build-changed": (
        "Something writes to {path}. Build again when that is done, or leave it out with a line in "
        ".dockerignore.",
        "다른 프로그램이 {path} 파일을 쓰고 있습니다. 끝난 뒤 다시 빌드하거나 .dockerignore에 적어 "
        "빼세요.",
    ),
    "cli.prune-builds": (
        "WARNING! This will remove all dangling build cache. Are you sure you want to continue?",
        "경고! 쓰지 않는 빌드 캐시를 모두 지웁니다. 계속할까요?",
    ),
    "cli.prune-all-builds": (
        "WARNING! This will remove all build cache. Are you sure you want to continue?",
        "경고! 빌드 캐시를 모두 지웁니다. 계속할까요?",
    ),
    "cli.prune-containers": (
        "WARNING! This will remove all stopped containers.\nAre you sure you want to continue?",
        "경고! 멈춘 컨테이너를 모두 지웁니다.\n계속할까요?",
    ),
    "cli.prune-images": (
        "WARNING! This will remove all dangling images.\nAre you sure you want to continue?",
        "경고! 이름 없는 이미지를 모두 지웁니다.\n계속할까요?",
    ),
    "cli.prune-all-images": (
        "WARNING! This will remove all images without at least one container associated to them.\n"
        "Are you sure you want to continue?",
        "경고! 컨테이너가 쓰지 않는 이미지를 모두 지웁니다.\n계속할까요?",
    ),
    "cli.prune-networks": (
        "WARNING! This will remove all custom networks not used by at least one container.\n"
        "Are you sure you want to continue?",
        "경고! 컨테이너가 쓰지 않는 사용자 네트워크를 모두 지웁니다.\n계속할까요?",
    ),
    "cli.prune-volumes": (
        "WARNING! This will remove anonymous local volumes not used by at least one container.\n"
        "Are you sure you want to continue?",
        "경고! 컨테이너가 쓰지 않는 익명 볼륨을 모두 지웁니다.\n계속할까요?",
    ),
    "cli.prune-all-volumes": (
        "WARNING! This will remove all local volumes not used by at least one container.\n"
        "Are you sure you want to continue?",
        "경고! 컨테이너가 쓰지 않는 볼륨을 모두 지웁니다.\n계속할까요?",
    ),
    "cli.prune-system": ("WARNING! This will remove:", "경고! 다음을 지웁니다:"),
    "cli.prune-system-containers": ("all stopped containers", "멈춘 컨테이너 모두"),
    "cli.prune-system-networks": (
        "all networks not used by at least one container",
        "컨테이너가 쓰지 않는 네트워크 모두",
    ),
    "cli.prune-system-volumes": (
        "all anonymous volumes not used by at least one container",
        "컨테이너가 쓰지 않는 익명 볼륨 모두",
    ),
    "cli.prune-system-images": ("all dangling images", "이름 없는 이미지 모두"),
    "cli.prune-system-all-images": (
        "all images without at least one container associated to them",
        "컨테이너가 쓰지 않는 이미지 모두",
    ),
    "cli.prune-system-builds": ("unused build cache", "쓰지 않는 빌드 캐시"),
    "cli.prune-system-all-builds": ("all build cache", "빌드 캐시 모두"),
    "cli.prune-system-filtered": (
        "Items to be pruned will be filtered with:",
        "다음 조건에 맞는 것만 지웁니다:",
    ),
    "cli.prune-sure": ("Are you sure you want to continue?", "계속할까요?"),
}

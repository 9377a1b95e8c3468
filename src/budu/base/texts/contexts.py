"""Hints of the builder's file work: contexts, COPY and ADD."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "contexts.missing": (
        "Paths are looked up in the build context, the folder that the build command names, and "
        "not beside the Dockerfile. Look whether {path} is there, and whether .dockerignore leaves "
        "it out.",
        "경로는 Dockerfile 옆이 아니라 빌드 컨텍스트(빌드 명령에 준 폴더)에서 찾습니다. {path} "
        "이(가) 거기에 있는지, .dockerignore 로 제외되지 않았는지 확인하세요.",
    ),
    "contexts.kinds-differ": (
        "{path} is in the image already and is of the other kind (a folder, or no folder). Copy to "
        "another place, or to where the link leads, or remove it in a RUN before.",
        "{path} 이(가) 이미지에 이미 있는데 종류가 다릅니다(폴더와 파일). 다른 곳이나 링크가 "
        "가리키는 곳에 복사하거나, 앞의 RUN 에서 지우세요.",
    ),
    "contexts.checksum": (
        "The file behind the URL is another one than the checksum is of. If it was changed on "
        "purpose, its checksum is now {found}.",
        "URL 의 파일이 체크섬과 다릅니다. 의도된 변경이라면 지금 체크섬은 {found} 입니다.",
    ),
    "contexts.no-git": (
        "The engine fetches repositories with the host's git. Install it there, or clone the "
        "repository yourself and build the folder.",
        "엔진은 호스트의 git 으로 저장소를 가져옵니다. 호스트에 git 을 설치하거나, 직접 clone 한 "
        "폴더를 빌드하세요.",
    ),
    "contexts.git-failed": (
        "The engine fetches with no credentials but those in the address and its ssh agent. Look "
        "whether the address, branch and rights are right, or clone the repository yourself and "
        "build the folder.",
        "엔진은 주소에 있는 자격 증명과 ssh 에이전트만 사용합니다. 주소, 브랜치, 권한을 확인하거나 "
        "직접 clone 한 폴더를 빌드하세요.",
    ),
    "contexts.whiteout": (
        "In a layer such a name hides a file of the layers below. Leave it out with "
        "--exclude={name} or in .dockerignore.",
        "레이어에서 이런 이름은 아래 레이어의 파일을 지우는 표시입니다. --exclude={name} 나 "
        ".dockerignore 로 빼세요.",
    ),
}

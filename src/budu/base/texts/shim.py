"""Texts of the hints about shims: key to English and Korean."""

TEXTS: dict[str, tuple[str, str]] = {
    "shim.no-terminal": (
        "Only a container that was created with -t has a terminal to resize.",
        "-t로 만든 컨테이너만 크기를 바꿀 터미널이 있습니다.",
    ),
    "shim.zygote-silent": (
        "Process {pid} (budu-zygote) should start containers and does not;"
        " the machine may be out of memory or processes. Look with: free -m; ps -e | wc -l",
        "컨테이너를 시작하는 프로세스 {pid}(budu-zygote)가 응답하지 않습니다."
        " 메모리나 프로세스 수가 모자랄 수 있습니다. 확인: free -m; ps -e | wc -l",
    ),
    "shim.died": (
        "Something killed process {pid} (budu-shim), often the kernel for lack of memory."
        " Look with: dmesg | tail",
        "프로세스 {pid}(budu-shim)가 종료되었습니다. 메모리 부족일 때가 많습니다."
        " 확인: dmesg | tail",
    ),
}

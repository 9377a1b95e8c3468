"""Why containers ended: in a word, in a sentence, and what to do about it."""

TEXTS: dict[str, tuple[str, str]] = {
    "ending.short-finished": ("finished", "정상 종료"),
    "ending.short-failed": ("ended by itself with an error", "오류로 스스로 종료"),
    "ending.short-signal": ("{signal} from somebody else", "다른 곳에서 온 {signal}"),
    "ending.short-crash": ("crashed ({signal})", "비정상 종료({signal})"),
    "ending.short-asked": ("by {by}", "{by} 요청"),
    "ending.short-asked-signal": ("by {by} ({signal})", "{by} 요청({signal})"),
    "ending.short-asked-timeout": (
        "by {by}, killed after its time was up",
        "{by} 요청, 시간 초과로 강제 종료",
    ),
    "ending.short-asked-no-handler": (
        "by {by}, killed: handles no stop signal",
        "{by} 요청, 종료 신호를 처리하지 않아 강제 종료",
    ),
    "ending.short-out-of-memory": ("out of memory (limit {limit})", "메모리 부족(한도 {limit})"),
    "ending.short-out-of-memory-host": (
        "out of memory (the machine's)",
        "메모리 부족(컴퓨터 전체)",
    ),
    "ending.short-child-out-of-memory": (
        "error after a process was killed for memory",
        "프로세스 하나가 메모리 부족으로 죽은 뒤 오류",
    ),
    "ending.short-not-found": ("program not found", "프로그램을 찾을 수 없음"),
    "ending.short-not-executable": ("program cannot be run", "프로그램을 실행할 수 없음"),
    "ending.short-not-started": ("could not be started", "시작하지 못함"),
    "ending.short-lost": ("lost: nobody saw its end", "종료 순간을 알 수 없음"),
    "ending.long-finished": (
        "The program finished normally (exit code 0).",
        "프로그램이 정상적으로 끝났습니다(종료 코드 0).",
    ),
    "ending.long-failed": (
        "The program ended by itself with exit code {code}: it met an error of its own.",
        "프로그램이 종료 코드 {code} 로 스스로 끝났습니다. 프로그램 안의 오류입니다.",
    ),
    "ending.long-signal": (
        "{signal} killed process 1. It did not come from this engine: the program sent it to "
        "itself, or somebody on this machine did.",
        "{signal} 신호로 1번 프로세스가 종료되었습니다. 엔진이 보낸 신호가 아닙니다. 프로그램 "
        "자신이나 이 컴퓨터의 다른 누군가가 보냈습니다.",
    ),
    "ending.long-crash": (
        "The program crashed: {signal} killed process 1 (exit code {code}).",
        "프로그램이 비정상 종료했습니다. {signal} 신호로 1번 프로세스가 죽었습니다(종료 코드 "
        "{code}).",
    ),
    "ending.long-asked": (
        "It was ended by `{by}`, as somebody asked (exit code {code}).",
        "누군가 `{by}` 을(를) 요청하여 종료되었습니다(종료 코드 {code}).",
    ),
    "ending.long-asked-signal": (
        "It was ended by `{by}`, as somebody asked: {signal} killed process 1 (exit code {code}).",
        "누군가 `{by}` 을(를) 요청하여 {signal} 신호로 1번 프로세스가 종료되었습니다(종료 코드 "
        "{code}).",
    ),
    "ending.long-asked-timeout": (
        "It was ended by `{by}`. It did not end in the time it was given, so SIGKILL followed.",
        "`{by}` 요청으로 종료되었습니다. 주어진 시간 안에 끝나지 않아 SIGKILL 로 강제 "
        "종료했습니다.",
    ),
    "ending.long-asked-no-handler": (
        "It was ended by `{by}`. Process 1 has no handler for the stop signal, so waiting would "
        "have been in vain and SIGKILL came at once.",
        "`{by}` 요청으로 종료되었습니다. 1번 프로세스가 종료 신호를 처리하지 않으므로 기다리지 "
        "않고 바로 SIGKILL 로 종료했습니다.",
    ),
    "ending.long-out-of-memory": (
        "It ran out of memory: its limit of {limit} was reached and the kernel killed process 1.",
        "메모리가 부족했습니다. 한도 {limit} 에 이르러 커널이 1번 프로세스를 죽였습니다.",
    ),
    "ending.long-out-of-memory-host": (
        "The machine ran out of memory and the kernel killed process 1. The container has no "
        "limit of its own.",
        "컴퓨터 전체의 메모리가 부족하여 커널이 1번 프로세스를 죽였습니다. 이 컨테이너에는 "
        "메모리 한도가 없습니다.",
    ),
    "ending.long-child-out-of-memory": (
        "The program ended with exit code {code} after the kernel had killed {count} of its "
        "processes for want of memory (limit {limit}).",
        "메모리 부족(한도 {limit})으로 커널이 프로세스 {count}개를 죽인 뒤, 프로그램이 종료 코드 "
        "{code} 로 끝났습니다.",
    ),
    "ending.long-not-found": (
        "It never ran: the image {image} has no program {program}.",
        "실행되지 못했습니다. {image} 이미지 안에 {program} 프로그램이 없습니다.",
    ),
    "ending.long-not-executable": (
        "It never ran: {program} in the image {image} is not executable.",
        "실행되지 못했습니다. {image} 이미지 안의 {program} 은(는) 실행할 수 없는 파일입니다.",
    ),
    "ending.long-not-started": (
        "It never ran: something that it needs could not be prepared.",
        "실행되지 못했습니다. 필요한 것을 준비하지 못했습니다.",
    ),
    "ending.long-lost": (
        "Nobody saw its end: the machine was restarted or went down, or somebody killed the "
        "container together with the process that kept it.",
        "종료 순간을 본 것이 없습니다. 컴퓨터가 다시 시작되었거나, 누군가 컨테이너와 그것을 "
        "지키던 프로세스를 함께 죽였습니다.",
    ),
    "ending.cure-failed": (
        "The last lines of its log mostly name the error. To look around inside: "
        "budu run -it --entrypoint sh {image}",
        "대개 로그 마지막 줄에 원인이 있습니다. 안을 직접 보려면: budu run -it --entrypoint sh "
        "{image}",
    ),
    "ending.cure-failed-by-signal": (
        "Exit code {code} mostly means that a child of process 1 was killed by {signal}; the log "
        "may name it.",
        "종료 코드 {code} 은(는) 대개 1번 프로세스의 자식이 {signal} 로 죽었다는 뜻입니다. "
        "로그를 확인하세요.",
    ),
    "ending.cure-signal": (
        "Look who sends signals on this machine, and at the last lines of the log.",
        "이 컴퓨터에서 누가 신호를 보내는지, 그리고 로그 마지막 줄을 확인하세요.",
    ),
    "ending.cure-crash": (
        "It is a fault of the program or of a library, or the image is for another processor: "
        "budu image inspect {image}",
        "프로그램이나 라이브러리의 결함이거나, 다른 프로세서용 이미지일 수 있습니다: budu image "
        "inspect {image}",
    ),
    "ending.cure-out-of-memory": (
        "Give it more: budu update -m {more} --memory-swap {more} {name} && budu start {name}. "
        "Or let the program use less.",
        "메모리를 늘리세요: budu update -m {more} --memory-swap {more} {name} && budu start "
        "{name}. 또는 프로그램이 메모리를 덜 쓰게 하세요.",
    ),
    "ending.cure-out-of-memory-host": (
        "Look what fills the memory (budu stats, free -m), and give the hungry one a limit with "
        "-m.",
        "무엇이 메모리를 쓰는지 확인하고(budu stats, free -m), 많이 쓰는 컨테이너에 -m 으로 "
        "한도를 주세요.",
    ),
    "ending.cure-child-out-of-memory": (
        "Give it more memory: budu update -m {more} --memory-swap {more} {name}",
        "메모리를 늘리세요: budu update -m {more} --memory-swap {more} {name}",
    ),
    "ending.cure-not-found": (
        "Check the spelling of the command after the image's name, or see what the image starts: "
        "budu image inspect {image}",
        "이미지 이름 뒤에 쓴 명령의 철자를 확인하거나, 이미지가 무엇을 실행하는지 보세요: "
        "budu image inspect {image}",
    ),
    "ending.cure-not-executable": (
        "Make the file executable in the image (chmod +x), or start it with its interpreter.",
        "이미지 안에서 실행 권한을 주거나(chmod +x), 인터프리터로 실행하세요.",
    ),
    "ending.cure-lost": (
        "Start it again with: budu start {name}. With --restart unless-stopped it comes back by "
        "itself.",
        "다시 시작: budu start {name}. --restart unless-stopped 를 주면 스스로 다시 시작합니다.",
    ),
}

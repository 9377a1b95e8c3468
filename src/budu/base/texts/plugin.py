"""Texts of the hints about plugins: key to English and Korean."""

TEXTS: dict[str, tuple[str, str]] = {
    "plugin.missing": (
        "No socket or spec file of the name {name} is in {places}. Is the plugin installed and"
        " running?",
        "{places} 어디에도 {name}(이)라는 소켓이나 spec 파일이 없습니다. 플러그인이 설치되어"
        " 실행 중인지 확인하세요.",
    ),
    "plugin.bad-spec": (
        "A .spec file holds one address such as unix:///run/plugin.sock or tcp://localhost:8080;"
        ' a .json file {{"Name": …, "Addr": …}}. Mend {path}.',
        ".spec 파일에는 unix:///run/plugin.sock 또는 tcp://localhost:8080 같은 주소 하나를,"
        ' .json 파일에는 {{"Name": …, "Addr": …}}를 적습니다. {path}를 고치세요.',
    ),
    "plugin.died": (
        "Nothing answers at {address}: the plugin {name} is not running. Start it and try again;"
        " what it keeps is not lost.",
        "{address}에서 응답이 없습니다. 플러그인 {name}(이)가 실행되고 있지 않습니다. 시작한 뒤"
        " 다시 시도하세요. 플러그인이 보관하는 것은 그대로 있습니다.",
    ),
    "plugin.slow": (
        "The plugin {name} at {address} took the call but does not answer. Its own log may tell"
        " why; restarting it helps most times.",
        "{address}의 플러그인 {name}(이)가 요청을 받고도 응답하지 않습니다. 플러그인의 로그를"
        " 확인하거나 다시 시작해 보세요.",
    ),
    "plugin.broken": (
        "The answer of the plugin {name} is not what Docker's plugin protocol asks for: the fault"
        " is the plugin's.",
        "플러그인 {name}의 응답이 Docker 플러그인 규약에 맞지 않습니다. 플러그인의 잘못입니다.",
    ),
    "plugin.refused": (
        "These are the words of the plugin {name}; its own log may tell more.",
        "플러그인 {name}(이)가 보낸 말입니다. 플러그인의 로그에 더 자세한 내용이 있을 수 있습니다.",
    ),
    "plugin.other-kind": (
        "The plugin {name} is no {kind}; it says that it is: {implements}.",
        "플러그인 {name}(은)는 {kind}(이)가 아닙니다. 스스로 밝힌 종류: {implements}.",
    ),
}

"""Hints about registries and pulls, in English and Korean."""

TEXTS: dict[str, tuple[str, str]] = {
    "distribution.access-denied": (
        'Check the spelling of "{name}". If the repository is private, log in first: '
        "budu login {registry}",
        '"{name}"의 철자를 확인하세요. 비공개 저장소라면 먼저 로그인하세요: budu login {registry}',
    ),
    "distribution.push-denied": (
        'You may not write to "{name}". Log in as somebody who may (budu login {registry}), or '
        "push under a name of your own: budu tag {name} {registry}/YOU/NAME",
        '"{name}"에 쓸 권한이 없습니다. 권한이 있는 사용자로 로그인하거나(budu login {registry}), '
        "자기 이름으로 푸시하세요: budu tag {name} {registry}/사용자/이름",
    ),
    "distribution.blob-missing": (
        "A part of the image is not on this machine, and the registry does not have it either. "
        "Pull the image again, or look with: budu doctor storage",
        "이미지의 일부가 이 컴퓨터에도 레지스트리에도 없습니다. 이미지를 다시 받거나 확인하세요: "
        "budu doctor storage",
    ),
    "distribution.repository-unknown": (
        'The registry {registry} answered, but has no repository "{name}". Check the spelling.',
        '레지스트리 {registry}는 응답했지만 "{name}" 저장소가 없습니다. 철자를 확인하세요.',
    ),
    "distribution.tag-near": (
        '"{name}" has no tag "{tag}". Near ones: {near}. Try: budu pull {name}:{first}',
        '"{name}"에는 "{tag}" 태그가 없습니다. 비슷한 태그: {near}. '
        "이렇게 해 보세요: budu pull {name}:{first}",
    ),
    "distribution.name-near": (
        'There is no image "{name}". Did you mean: {near}? Try: budu pull {first}',
        '"{name}" 이미지가 없습니다. 혹시 이것인가요: {near}? 이렇게 해 보세요: budu pull {first}',
    ),
    "distribution.tag-none": (
        '"{name}" exists, but has no tags at all yet.',
        '"{name}" 저장소는 있지만 아직 태그가 하나도 없습니다.',
    ),
    "distribution.platform-missing": (
        "{reference} is not made for {platform}, but for: {offered}. "
        "Try: budu pull --platform {first} {reference}",
        "{reference} 이미지는 {platform}용이 아니라 {offered}용입니다. "
        "이렇게 해 보세요: budu pull --platform {first} {reference}",
    ),
    "distribution.platform-none": (
        "{reference} is a list without a single image.",
        "{reference}는 이미지가 하나도 없는 목록입니다.",
    ),
    "distribution.login-needed": (
        "The registry wants to know who you are: budu login {registry}",
        "레지스트리가 로그인을 요구합니다: budu login {registry}",
    ),
    "distribution.login-refused": (
        "{registry} was reached and refused the user name or password.",
        "{registry}에 연결되었지만 사용자 이름이나 비밀번호가 거부되었습니다.",
    ),
    "distribution.rate-limit": (
        "{registry} limits how often this address may pull. Log in (budu login {registry}), "
        "use a mirror (budud --registry-mirror URL), or try again later.",
        "{registry}에서 이 주소의 다운로드 횟수를 제한하고 있습니다. "
        "로그인하거나(budu login {registry}), "
        "미러를 쓰거나(budud --registry-mirror URL), 나중에 다시 시도하세요.",
    ),
    "distribution.rate-limit-until": (
        "{registry} limits how often this address may pull, until {time} at the latest (in "
        "{minutes} minutes). Log in (budu login {registry}) or use a mirror "
        "(budud --registry-mirror URL).",
        "{registry}에서 이 주소의 다운로드 횟수를 제한하고 있습니다. "
        "늦어도 {time}({minutes}분 뒤)에 풀립니다. 로그인하거나(budu login {registry}) "
        "미러를 쓰세요(budud --registry-mirror URL).",
    ),
    "distribution.hosts-file": (
        "The file {path} is in containerd's format; correct it, or move it away.",
        "{path} 파일은 containerd 형식이어야 합니다. 고치거나 다른 곳으로 옮기세요.",
    ),
    "distribution.policy": (
        'The rule "{rule}" for "{scope}" in {path} decides about this image (key: {keys}).',
        '{path}에 있는 "{scope}"의 "{rule}" 규칙이 이 이미지를 거부했습니다(키: {keys}).',
    ),
    "distribution.registry-broken": (
        "{registry} was reached, but has a fault of its own (HTTP {status}). Try again later.",
        "{registry}에 연결되었지만 서버 오류(HTTP {status})가 있습니다. 나중에 다시 시도하세요.",
    ),
    "distribution.name-unknown": (
        'Step 1 of 4 failed (name): the name servers know no host "{host}". Check the spelling.',
        '4단계 중 1단계(이름) 실패: 이름 서버에 "{host}" 호스트가 없습니다. 철자를 확인하세요.',
    ),
    "distribution.name-server-silent": (
        'Step 1 of 4 failed (name): the name servers ({servers}) did not answer for "{host}". '
        "Check the network connection.",
        '4단계 중 1단계(이름) 실패: 이름 서버({servers})가 "{host}"에 대해 응답하지 않습니다. '
        "네트워크 연결을 확인하세요.",
    ),
    "distribution.no-name-server": (
        'Step 1 of 4 failed (name): /etc/resolv.conf names no name server to ask for "{host}".',
        '4단계 중 1단계(이름) 실패: /etc/resolv.conf에 "{host}"를 물어볼 이름 서버가 없습니다.',
    ),
    "distribution.no-route": (
        "Step 2 of 4 failed (route): this machine has no default route, so it is offline.",
        "4단계 중 2단계(경로) 실패: 기본 경로가 없어 이 컴퓨터는 오프라인 상태입니다.",
    ),
    "distribution.host-unreachable": (
        "Step 2 of 4 failed (route): no way leads to {host}, port {port}. "
        "Check the network and firewall.",
        "4단계 중 2단계(경로) 실패: {host}의 {port} 포트에 도달할 수 없습니다. "
        "네트워크와 방화벽을 확인하세요.",
    ),
    "distribution.connection-refused": (
        "Step 2 of 4 failed (route): {host} is there, but nothing listens on its port {port}. "
        "Is the registry running?",
        "4단계 중 2단계(경로) 실패: {host}의 {port} 포트에서 아무것도 실행되고 있지 않습니다. "
        "레지스트리가 실행 중인가요?",
    ),
    "distribution.connect-timeout": (
        "Step 2 of 4 failed (route): {host}, port {port}, did not answer. "
        "A firewall or a missing proxy setting (HTTPS_PROXY) is the usual cause.",
        "4단계 중 2단계(경로) 실패: {host}의 {port} 포트가 응답하지 않습니다. "
        "보통 방화벽이나 프록시 설정(HTTPS_PROXY) 문제입니다.",
    ),
    "distribution.plain-http": (
        "Step 3 of 4 failed (TLS): {registry} speaks plain HTTP. To trust it, start the engine "
        "with --insecure-registry {registry}",
        "4단계 중 3단계(TLS) 실패: {registry}는 암호화되지 않은 HTTP를 사용합니다. 신뢰한다면 "
        "--insecure-registry {registry} 옵션으로 엔진을 시작하세요.",
    ),
    "distribution.certificate-unknown": (
        "Step 3 of 4 failed (TLS): the certificate of {registry} was signed by nobody this machine "
        "trusts. Put the authority's file at /etc/budu/certs.d/{registry}/ca.crt",
        "4단계 중 3단계(TLS) 실패: {registry}의 인증서를 서명한 기관을 신뢰할 수 없습니다. "
        "기관 인증서를 /etc/budu/certs.d/{registry}/ca.crt 에 두세요.",
    ),
    "distribution.certificate-expired": (
        "Step 3 of 4 failed (TLS): the certificate of {registry} is not valid today. "
        "Check this machine's clock with: date",
        "4단계 중 3단계(TLS) 실패: {registry}의 인증서가 현재 유효하지 않습니다. "
        "컴퓨터 시계를 확인하세요: date",
    ),
    "distribution.certificate-name": (
        "Step 3 of 4 failed (TLS): the certificate that {registry} shows belongs to another host.",
        "4단계 중 3단계(TLS) 실패: {registry}가 제시한 인증서는 다른 호스트의 것입니다.",
    ),
    "distribution.tls-failed": (
        "Step 3 of 4 failed (TLS): no secure connection to {registry} came about.",
        "4단계 중 3단계(TLS) 실패: {registry}와 보안 연결을 맺지 못했습니다.",
    ),
    "distribution.cut-off": (
        "Step 4 of 4 failed (HTTP): {registry} was reached, but broke off. Try again; what has "
        "arrived is kept.",
        "4단계 중 4단계(HTTP) 실패: {registry}에 연결되었지만 도중에 끊겼습니다. 다시 시도하세요. "
        "받은 부분은 보관됩니다.",
    ),
    "distribution.wrong-digest": (
        "{registry} sent other bytes than the image names. They were thrown away; try again, and "
        "if it happens again tell whoever runs the registry.",
        "{registry}가 이미지에 적힌 것과 다른 데이터를 보냈습니다. 데이터는 버렸습니다. "
        "다시 시도하고, 계속되면 레지스트리 운영자에게 알리세요.",
    ),
    "distribution.url-failed": (
        "The engine fetches the URL, not the command line: {host} must be reachable from the "
        "engine's machine. Or fetch it here and pass it on: curl -fL URL | budu import -",
        "URL은 명령줄이 아니라 엔진이 받습니다. 엔진이 있는 컴퓨터에서 {host} 에 연결할 수 있어야 "
        "합니다. 여기서 받아 넘길 수도 있습니다: curl -fL URL | budu import -",
    ),
}

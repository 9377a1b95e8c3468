"""Texts of the hints about networks and ports: key to English and Korean."""

TEXTS: dict[str, tuple[str, str]] = {
    "network.port-held-by-container": (
        "Port {port} is published by container {container}. Port {free} is free.",
        "{port}번 포트는 컨테이너 {container}(이)가 쓰고 있습니다. {free}번은 비어 있습니다.",
    ),
    "network.port-held-by-process": (
        "Port {port} is used by {process} (pid {pid}). Port {free} is free.",
        "{port}번 포트는 {process}(pid {pid})(이)가 쓰고 있습니다. {free}번은 비어 있습니다.",
    ),
    "network.port-in-use": (
        "Another program uses port {port}; `ss -lntup` shows it. Port {free} is free.",
        "다른 프로그램이 {port}번 포트를 쓰고 있습니다(`ss -lntup`으로 확인)."
        " {free}번은 비어 있습니다.",
    ),
    "network.port-privileged": (
        "Port {port} is below 1024, which needs root. Choose a higher one, or run"
        " `sysctl net.ipv4.ip_unprivileged_port_start={port}`.",
        "{port}번은 1024보다 작아 root 권한이 필요합니다. 더 큰 번호를 고르거나"
        " `sysctl net.ipv4.ip_unprivileged_port_start={port}`를 실행하세요.",
    ),
    "network.address-not-here": (
        "{address} is not an address of this host; `ip -4 addr` lists them.",
        "{address}은(는) 이 호스트의 주소가 아닙니다. `ip -4 addr`로 확인하세요.",
    ),
    "network.range-used-up": (
        "Every host port of {range} is taken. Name a wider range, or stop a container.",
        "호스트 포트 {range}(이)가 모두 쓰이고 있습니다. 범위를 넓히거나 컨테이너를 멈추세요.",
    ),
    "network.protocols": (
        "A port's protocol is tcp, udp or sctp: 53/udp.",
        "포트의 프로토콜은 tcp, udp, sctp 중 하나입니다: 53/udp.",
    ),
    "network.addresses-used-up": (
        "All {count} addresses of {subnet} are taken. Remove containers, or make a network with a"
        " larger one (--subnet; for the default network `bip` in daemon.json).",
        "{subnet}의 주소 {count}개가 모두 쓰이고 있습니다. 컨테이너를 지우거나 더 큰 서브넷으로"
        " 네트워크를 만드세요(--subnet, 기본 네트워크는 daemon.json의 `bip`).",
    ),
    "network.address-outside": (
        "{address} is not in {subnet}, the network's subnet.",
        "{address}은(는) 네트워크의 서브넷 {subnet}에 없습니다.",
    ),
    "network.subnets-used-up": (
        "Every default pool overlaps a network or a route of this host ({routes}). Remove networks"
        " (budu network prune), name a free subnet (--subnet; for the default network `bip` in"
        " daemon.json), or set `default-address-pools` there.",
        "기본 주소 풀이 모두 호스트의 네트워크나 경로({routes})와 겹칩니다. 네트워크를 지우거나"
        "(budu network prune) 비어 있는 서브넷(--subnet, 기본 네트워크는 daemon.json의 `bip`)이나"
        " `default-address-pools`를 정하세요.",
    ),
    "network.needs-root": (
        "Making networks needs root (CAP_NET_ADMIN). Start the engine as root.",
        "네트워크를 만들려면 root 권한(CAP_NET_ADMIN)이 필요합니다. 엔진을 root로 시작하세요.",
    ),
    "network.nft-missing": (
        "Install it: apt-get install {package}.",
        "설치하세요: apt-get install {package}.",
    ),
    "network.option-values": (
        "Known values: {known}.",
        "쓸 수 있는 값: {known}.",
    ),
    "network.link-name": (
        "A link's name has 1 to 15 characters, without `/`, `:` and spaces: {name}.",
        "링크 이름은 `/`, `:`, 공백 없이 1~15자여야 합니다: {name}.",
    ),
    "network.kernel-lacks": (
        "This kernel cannot make {kind} links. Load the module: modprobe {module}.",
        "이 커널은 {kind} 링크를 만들지 못합니다. 모듈을 올리세요: modprobe {module}.",
    ),
    "network.no-ipv6": (
        "Remove ipv6.disable=1 from the kernel's command line, or make the network without IPv6.",
        "커널 명령줄에서 ipv6.disable=1을 지우거나 IPv6 없이 네트워크를 만드세요.",
    ),
    "network.link-failed": (
        "The kernel refused this step: {step}.",
        "커널이 이 단계를 거부했습니다: {step}.",
    ),
    "network.conntrack-full": (
        "The kernel's table of connections is full ({count} of {limit}): new connections to and"
        " from containers are lost. Make it larger:"
        " sysctl -w net.netfilter.nf_conntrack_max={double}",
        "커널의 연결 추적 표가 가득 찼습니다({limit}개 중 {count}개)."
        " 컨테이너의 새 연결이 끊깁니다. 늘리세요:"
        " sysctl -w net.netfilter.nf_conntrack_max={double}",
    ),
    "network.forward-dropped": (
        "Another firewall ({chain}) drops forwarded packets, so containers on {bridge} cannot"
        " reach other hosts. Let them through: iptables -I FORWARD -i {bridge} -j ACCEPT;"
        " iptables -I FORWARD -o {bridge} -j ACCEPT",
        "다른 방화벽({chain})이 전달 패킷을 버려서 {bridge}의 컨테이너가 밖에 닿지 못합니다."
        " 허용하세요: iptables -I FORWARD -i {bridge} -j ACCEPT;"
        " iptables -I FORWARD -o {bridge} -j ACCEPT",
    ),
}

"""Hints of the engine: what was found, and one command that cures it."""

TEXTS: dict[str, tuple[str, str]] = {
    "engine.deaf": (
        "{name} has no handler for {signal}, which process 1 of a container would need: it was "
        "killed at once instead of after ten seconds. With --init a small init passes signals on; "
        "-t N waits in any case.",
        "{name} 은(는) {signal} 을(를) 처리하지 않습니다. 컨테이너의 1번 프로세스에는 이 신호가 "
        "통하지 않으므로 10초를 기다리지 않고 바로 종료했습니다. --init 을 주면 작은 init 이 "
        "신호를 전달합니다. -t N 을 주면 그만큼 기다립니다.",
    ),
    "engine.tag-near": (
        '"{name}" is here with these tags: {present}.',
        '"{name}"에 있는 태그: {present}.',
    ),
    "engine.artifact-run": (
        "It is kept as it is, for push and save; there is nothing in it that could run.",
        "푸시와 저장을 위해 그대로 보관되며, 실행할 내용은 없습니다.",
    ),
    "engine.artifact-look": (
        "It is kept as it is, for push and save; it has no layers of files to look into.",
        "푸시와 저장을 위해 그대로 보관되며, 들여다볼 파일 레이어가 없습니다.",
    ),
    "engine.check-room": (
        "To compare a layer with its archive takes room for its files. Free some space, or look "
        "without reading every byte: budu doctor storage --quick",
        "레이어를 원본과 비교하려면 그 파일만큼의 공간이 필요합니다. 공간을 확보하거나, 내용을 "
        "모두 읽지 않고 확인하세요: budu doctor storage --quick",
    ),
    "engine.push-tag-first": (
        "{source} is here. Give it the name to push under first: budu tag {source} {target}",
        "{source} 이미지가 있습니다. 먼저 푸시할 이름을 붙이세요: budu tag {source} {target}",
    ),
    "engine.archive-digest": (
        "The archive is damaged or was changed: {path} holds other bytes than its name says. "
        "Nothing of it was kept.",
        "아카이브가 손상되었거나 변경되었습니다. {path}의 내용이 이름과 맞지 않습니다. 아무것도 "
        "남기지 않았습니다.",
    ),
    "engine.archive-unknown": (
        "It is no image archive. Files of a root file system are taken in with: budu import FILE",
        "이미지 아카이브가 아닙니다. 루트 파일 시스템의 파일이라면 이렇게 하세요: budu import FILE",
    ),
    "engine.storage-opt": (
        "A container's own layer has no limit here. A volume can have one: "
        "--mount type=volume,target=/data,volume-opt=size=1g",
        "컨테이너 자체의 레이어에는 크기 제한을 둘 수 없습니다. 볼륨에는 둘 수 있습니다: "
        "--mount type=volume,target=/data,volume-opt=size=1g",
    ),
    "engine.device-requests": (
        "Nothing here chooses devices by driver or capability. Name the device files: "
        "--device /dev/dri/renderD128",
        "이 엔진은 드라이버나 기능 이름으로 장치를 고르지 않습니다. 장치 파일을 직접 지정하세요: "
        "--device /dev/dri/renderD128",
    ),
    "engine.image-near": (
        "Images with a similar name: {near}.",
        "비슷한 이름의 이미지: {near}.",
    ),
    "engine.bind-source": (
        "{path} is not on this machine. Make it first (mkdir -p {path}), or use -v, which makes "
        "the folder.",
        "이 컴퓨터에 {path} 이(가) 없습니다. 먼저 만드세요(mkdir -p {path}). -v 를 쓰면 폴더가 "
        "자동으로 만들어집니다.",
    ),
    "engine.exec-not-found": (
        "Image {image} has no such program, or it cannot be run."
        " Small images often have `sh` only.",
        "{image} 이미지에 그런 프로그램이 없거나 실행할 수 없습니다."
        " 작은 이미지에는 보통 `sh`만 있습니다.",
    ),
    "engine.not-found": (
        "The image {image} has no program {program}. Check the spelling, or look inside with "
        "another program of the image, such as sh.",
        "{image} 이미지 안에 {program} 프로그램이 없습니다. 철자를 확인하거나, 이미지에 있는 다른 "
        "프로그램(예: sh)으로 안을 살펴보세요.",
    ),
    "engine.not-executable": (
        "{program} is in the image {image} but cannot be run: it is a folder, or it lacks the "
        "permission to execute (chmod +x).",
        "{image} 이미지 안의 {program} 은(는) 실행할 수 없습니다. 폴더이거나 실행 권한이 없습니다"
        "(chmod +x).",
    ),
    "engine.health-address": (
        "A probe goes to a port of the container: {form}, or with an address before it: "
        "10.0.0.5:80, [::1]:80.",
        "검사는 컨테이너의 포트로 갑니다: {form}. 앞에 주소를 붙일 수도 있습니다: 10.0.0.5:80, "
        "[::1]:80.",
    ),
    "engine.runtimes": (
        "This engine has a runtime of its own; it answers to the names {known}.",
        "이 엔진은 자체 런타임을 씁니다. 쓸 수 있는 이름: {known}.",
    ),
    "engine.network-missing": (
        "Networks of this engine: {known}.",
        "이 엔진의 네트워크: {known}.",
    ),
    "engine.doctor-no-network": (
        "{name} is in no network of its own.",
        "{name} 컨테이너에는 자기 네트워크가 없습니다.",
    ),
    "engine.doctor-name-ok": (
        "{server} knows {name}.",
        "{server}이(가) {name} 이름을 압니다.",
    ),
    "engine.doctor-name-failed": (
        "The resolver at {server} gives no address for {name}. Restart the container; if that does "
        "not help, look for a rule in it that catches port 53.",
        "{server} 리졸버가 {name}의 주소를 주지 않습니다. 컨테이너를 다시 시작하고, 그래도 안 되면 "
        "안에서 53번 포트를 가로채는 규칙이 있는지 보세요.",
    ),
    "engine.doctor-no-way-out": (
        "The container's networks are internal: there is no way out, by wish.",
        "내부 네트워크에만 있어서 바깥으로 나가는 길이 일부러 막혀 있습니다.",
    ),
    "engine.doctor-route-ok": (
        "The gateway {gateway} answers.",
        "게이트웨이 {gateway}이(가) 응답합니다.",
    ),
    "engine.doctor-route-failed": (
        "The gateway {gateway} cannot be reached ({error}). Connect the container anew: "
        "budu network disconnect and connect.",
        "게이트웨이 {gateway}에 닿지 않습니다({error}). budu network disconnect, connect로 다시 "
        "연결하세요.",
    ),
    "engine.doctor-nat-ok": (
        "The outside answers: {server}.",
        "바깥이 응답합니다: {server}.",
    ),
    "engine.doctor-nat-nobody": (
        "This host has no name server elsewhere that could be asked.",
        "물어볼 수 있는 바깥 네임 서버가 이 호스트에 없습니다.",
    ),
    "engine.doctor-nat-silent": (
        "{server} does not answer this host either.",
        "{server}은(는) 이 호스트에도 응답하지 않습니다.",
    ),
    "engine.doctor-nat-failed": (
        "{server} answers this host, but not the container: packets are not forwarded or not "
        "translated. Look at sysctl net.ipv4.ip_forward, at iptables, ip-forward and ip-masq in "
        "daemon.json, and at other firewalls (nft list ruleset).",
        "{server}이(가) 호스트에는 응답하지만 컨테이너에는 응답하지 않습니다. 패킷이 전달되거나 "
        "변환되지 않습니다. sysctl net.ipv4.ip_forward, daemon.json의 iptables·ip-forward·ip-masq, "
        "다른 방화벽(nft list ruleset)을 보세요.",
    ),
    "engine.doctor-port-ok": (
        "{port} leads to {inside} of {name}.",
        "{port}에서 {name}의 {inside}(으)로 이어집니다.",
    ),
    "engine.doctor-port-nobody": (
        "Nothing listens at {inside} in {name}, so {port} leads nowhere. A program that listens at "
        "127.0.0.1 inside is not reached: let it listen at 0.0.0.0.",
        "{name} 안에서 {inside}을(를) 듣는 프로그램이 없어 {port}이(가) 아무 데도 이어지지 "
        "않습니다. 안에서 127.0.0.1로 듣고 있다면 0.0.0.0으로 바꾸세요.",
    ),
    "engine.doctor-port-failed": (
        "{inside} of {name} answers inside, but not at {port}. Look at other firewalls "
        "(nft list ruleset).",
        "{name} 안에서는 {inside}이(가) 응답하지만 {port}에서는 응답하지 않습니다. 다른 방화벽"
        "(nft list ruleset)을 보세요.",
    ),
    "engine.no-ps": (
        "The host has no ps (Debian: apt install procps). Without options, top needs none.",
        "호스트에 ps가 없습니다 (Debian: apt install procps). 옵션이 없으면 top은 ps 없이도 "
        "됩니다.",
    ),
    "engine.update-swap": (
        "Memory and memory with swap are limited together. Both at once: "
        "budu update --memory {memory} --memory-swap {swap} {name}",
        "메모리와 스왑은 함께 제한됩니다. 둘을 같이 주세요: "
        "budu update --memory {memory} --memory-swap {swap} {name}",
    ),
}

"""What is there: lists, inspections, files, and what clears them away."""

from __future__ import annotations

from tests.api.tour.scenes.words import CALM, IDLE

_FILTERS = (
    "-f name=o",
    "-f name=^/one$",
    "-f status=created",
    "-f status=running -f status=created",
    "-f exited=3",
    "-f label=tier=a",
    "-f label=tier -f name=two",
    "-f ancestor=busybox",
    "-f ancestor=nope",
    "-f before=two",
    "-f since=one",
    "-f volume=vol",
    "-f volume=/data",
    "-f network=none",
    "-f network=bridge",
    "-f publish=80",
    "-f publish=1-65535",
    "-f expose=80-90/tcp",
    "-f expose=90",
    "-f is-task=false",
    "-f is-task=true",
    "-f health=none",
    "-f id=$(docker ps -qa -f name=two)",
)

_WRONG_FILTERS = (
    "nope=1",
    "status=nope",
    "before=nope",
    "since=nope",
    "exited=x",
    "health=nope",
    "publish=x",
    "expose=x",
    "is-task=x",
)

LIST = [
    "docker run --name one -l tier=a -e X=1 busybox sh -c 'exit 3'",
    "docker create --name two -l tier=b --network none -v vol:/data busybox true",
    f"docker run -d --name three -p 127.0.0.1::80 --expose 90 busybox {CALM}",
    "docker ps -a --format 'table {{.Names}}\\t{{.Status}}\\t{{.Ports}}\\t{{.Labels}}'",
    "docker ps",
    "docker ps -aq | wc -l",
    "docker ps -a --no-trunc --format '{{.Command}}'",
    "docker ps -n 2 --format '{{.Names}}'",
    "docker ps -l --format '{{.Names}} {{.Mounts}}'",
    "docker ps -a --format '{{.Names}} {{.Label \"tier\"}} {{.Networks}} {{.RunningFor}}'",
    "docker ps -a --format '{{.Names}} {{.Mounts}} {{.Image}} {{.ID}}'",
    "docker ps -as --format '{{.Names}} {{.Size}}'",
    "docker ps -a --format json -f name=two",
    "docker ps --format '{{.Nope}}'",
    "docker container ls -aq --no-trunc -f name=one",
    *(f"docker ps -a --format '{{{{.Names}}}}' {filters}" for filters in _FILTERS),
    *(f"docker ps -f {words}" for words in _WRONG_FILTERS),
    "docker port three",
    "docker port three 80",
    "docker port three 80/tcp",
    "docker port three 81/tcp",
    "docker port three x",
    "docker top three -o pid,comm | head -1",
    "docker top three | head -1",
    "docker top three -eo comm,pid | awk '{ print $1 }'",
    "docker top three nope",
    "docker top three -o comm",
    "docker rm -f one two three; docker volume rm vol",
]

_FIELDS = (
    "Name",
    "Path",
    "Args",
    "State",
    "RestartCount",
    "Driver",
    "Platform",
    "MountLabel",
    "ProcessLabel",
    "AppArmorProfile",
    "ExecIDs",
    "Mounts",
    "Config",
    "HostConfig",
    "NetworkSettings",
)

INSPECT = [
    "docker create --name c1 -it -p $PORT:80/tcp -m 64m --cpus 0.5 --restart on-failure:3 "
    "-l a=b -e A=1 --health-cmd true --health-retries 2 -h box -u 1:2 -w /tmp "
    "--stop-timeout 3 --stop-signal INT --label-file /dev/null busybox sh -c 'echo $A'",
    *(f"docker inspect -f '{{{{json .{field}}}}}' c1" for field in _FIELDS),
    "docker start c1",
    "docker wait c1",
    "docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' c1",
    "docker inspect -f '{{json .NetworkSettings}}' c1",
    "docker inspect -s -f '{{.SizeRw}}' c1",
    "docker inspect --type image c1",
    "docker inspect --type nope c1",
    "docker inspect -f '{{.Nope}}' c1",
    "docker inspect -f '{{' c1",
    "docker inspect c1 nope -f '{{.Name}}'",
    "docker inspect -f '{{range $k, $v := .}}{{$k}} {{end}}' c1",
    "docker rm -f c1",
]

FLAGS = [
    "docker create --name c1 -c 512 --cpu-period 50000 --cpu-quota 20000 "
    "--cpuset-cpus 0 --cpuset-mems 0 --memory 128m --memory-reservation 64m --memory-swap 256m "
    "--memory-swappiness 10 --pids-limit 7 --shm-size 8m --oom-score-adj 5 busybox true",
    "docker inspect -f '{{json .HostConfig}}' c1",
    "docker create --name c2 --cap-add NET_ADMIN --cap-drop chown --security-opt "
    "no-new-privileges --group-add 7 --device /dev/null:/dev/mine:r --device-cgroup-rule "
    "'c 1:3 mr' --sysctl net.ipv4.ip_forward=0 --ulimit nofile=10:20 --ulimit core=0 "
    "--tmpfs /t:size=1m --read-only --init --pid host --ipc shareable --uts host "
    "--cgroup-parent /nope busybox true",
    "docker inspect -f '{{json .HostConfig}}' c2",
    "docker create --name c3 --dns 9.9.9.9 --dns-search a.b --dns-option ndots:3 "
    "--add-host x:1.2.3.4 --expose 90/udp -p 127.0.0.1:8080-8081:80-81 -p 5353:53/udp -P "
    "--network none --log-driver local --log-opt max-size=1m busybox true",
    "docker inspect -f '{{json .HostConfig}}' c3",
    "docker inspect -f '{{json .Config}} {{json .NetworkSettings.Networks}}' c3",
    "docker create --name c4 -v named:/n:ro -v /anon -v /usr/lib:/host:rslave "
    "--mount type=tmpfs,dst=/t,tmpfs-size=1m --mount type=bind,src=/usr/lib,dst=/b,readonly "
    "--mount type=volume,src=other,dst=/o,volume-nocopy --rm busybox true",
    "docker inspect -f '{{range .HostConfig.Binds}}{{println .}}{{end}}' c4 | sort",
    "docker inspect -f '{{json .HostConfig.Mounts}} "
    "{{json .HostConfig.AutoRemove}} {{json .Config.Volumes}}' c4",
    "docker inspect -f '{{range .Mounts}}{{.Type}} {{.Name}} {{.Destination}} {{.Driver}} "
    "{{.Mode}} {{.RW}} {{.Propagation}}{{println}}{{end}}' c4 | sort",
    "docker create --name d4 -v named:/n -v /usr/lib:/host busybox true",
    "docker create --name c5 --pull never --volumes-from d4:ro --link c1:al --entrypoint sh "
    "-t -h box --domainname d.e busybox -c true",
    "docker inspect -f '{{json .HostConfig.VolumesFrom}} {{json .HostConfig.Links}} "
    "{{json .HostConfig.MaskedPaths}} {{json .HostConfig.SecurityOpt}} {{json .Config}}' c5",
    "docker inspect -f '{{range .Mounts}}{{.Type}} {{.Name}} {{.Destination}} {{.RW}}{{println}}"
    "{{end}}' c5 | sort",
    "docker ps -a --format '{{.Names}}' -f name=c1 -f name=al",
    "docker rm --link /c5/al",
    "docker rm -fv c1 c2 c3 c4 d4 c5; docker volume ls -q",
]

FILES = [
    IDLE,
    "docker exec c1 sh -c 'mkdir -p /a/b; echo x > /a/b/f; ln -s f /a/b/l; rm /etc/group'",
    "docker diff c1 | grep -v -E ' /(dev|proc|sys)' | sort",
    "docker cp c1:/a got; find got | sort; cat got/b/f",
    "docker cp -q c1:/a/. flat; find flat | sort",
    "docker cp -q c1:/a/b/l link; readlink link",
    "docker cp -qL c1:/a/b/l file; cat file",
    "docker cp c1:/a/b/f - | tar t",
    "docker cp c1:/a - | tar t | sort",
    "echo new > new; docker cp -q new c1:/tmp/; docker exec c1 cat /tmp/new",
    "docker cp new c1:/tmp/other; docker exec c1 cat /tmp/other",
    "docker cp -qa new c1:/tmp/kept; docker exec c1 cat /tmp/kept",
    "tar cf - new | docker cp - c1:/a; docker exec c1 ls /a",
    "docker cp -q got c1:/put; docker exec c1 find /put | sort",
    "docker cp -q got/. c1:/tmp; docker exec c1 find /tmp/b | sort",
    "docker cp c1:/nope .",
    "docker cp c1:/a/b/f no/where/",
    "docker cp c1:/a/b/f no/where",
    "docker cp nope c1:/",
    "docker cp new c1:/no/where/",
    "docker cp new c1:/nope/x",
    "docker cp got c1:/tmp/new",
    "docker cp new/ c1:/tmp",
    "docker cp c1:/a c1:/b",
    "docker cp new other",
    "docker cp c1:/a/b/f new; cat new",
    "docker export c1 | tar t | grep -E '^(a/|tmp/new)' | sort",
    "docker export -o out.tar c1; tar tf out.tar | grep -c a/b/f",
    "docker stop -t 1 c1; docker cp -q c1:/a/b/f stopped; cat stopped",
    "docker cp -q new c1:/tmp/late; docker diff c1 | grep late",
    "docker commit -m note -a me -c 'CMD [\"echo\",\"committed\"]' -c 'ENV Z=1' c1 made:1",
    "docker run --rm made:1",
    "docker image inspect -f '{{.Comment}} {{.Author}} {{.Config.Cmd}} {{.Config.Env}}' made:1",
    "docker history --format '{{.CreatedBy}} {{.Comment}}' made:1 | head -1",
    "docker commit -p=false -c 'LABEL a=b' -c 'EXPOSE 80' -c 'USER 7' -c 'WORKDIR /w' "
    "-c 'ENTRYPOINT [\"x\"]' -c 'VOLUME /v' c1 made:2",
    "docker image inspect -f '{{with .Config}}{{.User}} {{.WorkingDir}} {{json .ExposedPorts}} "
    "{{json .Volumes}} {{json .Entrypoint}} {{json .Labels}}{{end}}' made:2",
    "docker commit -c 'NOPE x' c1",
    "docker commit c1 Upper",
    "docker import -m note -c 'CMD [\"sh\"]' out.tar taken:1",
    "docker image inspect -f '{{.Comment}} {{.Config.Cmd}}' taken:1",
    "docker import nope.tar",
    "docker export -o no/where/x c1",
    "docker rm -f c1; docker rmi made:1 made:2 taken:1 | grep Untagged",
]

PRUNE = [
    "docker run --name c1 busybox true; docker create --name d1 -l keep=1 busybox true",
    f"docker run -d --name e1 busybox {CALM}",
    "docker container prune -f --filter label!=keep",
    "docker ps -a --format '{{.Names}}'",
    "docker container prune -f --filter until=1h",
    "docker container prune -f --filter until=nope",
    "docker container prune -f --filter nope=1",
    "docker container prune -f",
    "docker container prune -f",
    "echo n | docker container prune",
    "docker image prune -f",
    "docker image prune -f --filter nope=1",
    "docker image prune -f --filter until=nope",
    "docker network create n1; docker volume create v1",
    "docker system prune -f",
    "docker volume ls -q",
    "docker system prune -f --volumes --filter until=1h",
    "docker system prune -f --volumes",
    "docker system prune -f --filter until=nope",
    "docker system prune -f --filter nope=1",
    "docker rm -f e1",
]

SYSTEM = [
    "docker run --name c1 -v v1:/d busybox true",
    "docker system df --format '{{.Type}} {{.TotalCount}} {{.Active}}'",
    "docker system df | awk '{ print $1, $2 }'",
    "docker system df -v | grep -E 'usage|NAME|REPOSITORY|CONTAINER ID|CACHE ID'",
    "docker system df -v | grep -E '(c1|v1)( |$)' | awk '{ print $1, $2, $NF }' "
    "| sed 's/^[^v][^ ]*/ID/'",
    "docker system df -v --format '{{range .Volumes}}{{.Name}} {{.Links}}{{end}}'",
    "docker system df -v --format '{{range .Containers}}{{.Names}} {{.LocalVolumes}}{{end}}'",
    "docker rm -v c1",
    "docker version -f '{{.Server.Os}} {{.Server.Arch}} {{.Client.APIVersion}}'",
    "docker version -f '{{.Nope}}'",
    "docker info -f '{{.Containers}} {{.ContainersRunning}} {{.ContainersPaused}} "
    "{{.ContainersStopped}} {{.Images}} {{.OSType}} {{.Architecture}}'",
    "docker info -f '{{.MemoryLimit}} {{.PidsLimit}} {{.CPUShares}} {{.CPUSet}} "
    "{{.IPv4Forwarding}}'",
    "docker info -f '{{.IndexServerAddress}} {{.DefaultRuntime}} {{.LiveRestoreEnabled}} "
    "{{.Isolation}} {{.InitBinary}} {{.HTTPProxy}} {{.NoProxy}} {{json .Labels}} "
    "{{.ExperimentalBuild}}'",
    "docker info -f '{{json .Swarm.LocalNodeState}} {{json .Swarm.ControlAvailable}} "
    "{{json .GenericResources}} {{json .Plugins.Volume}} {{json .Plugins.Authorization}}'",
    "docker info -f '{{json .Plugins.Network}}'",
    "docker info -f '{{json .Plugins.Log}}'",
    "docker info -f '{{.Nope}}'",
    "docker swarm leave",
    "docker node ls",
    "docker service ls",
    "docker plugin ls",
    "docker plugin inspect nope",
    "docker images --format '{{.Repository}}:{{.Tag}}'",
    "docker image inspect nope",
    "docker rmi nope",
    "docker tag busybox other:1; docker rmi other:1",
    "docker tag nope x",
    "docker tag busybox Upper",
    "docker history -q nope",
    "docker save nope",
    "docker create --name c1 busybox true; docker rmi busybox 2>&1 | sed 's/container .*//'",
    "docker rm c1",
    "docker image ls -f nope=1",
    "docker image ls -f dangling=true -q",
    "docker image ls -f reference='busy*' --format '{{.Repository}}'",
    "docker image ls -f before=nope",
]

CONTEXTS = [
    "docker context ls --format '{{.Name}} {{.Current}}'",
    "docker context create mine --description words --docker host=unix:///x",
    "docker context create mine --docker host=unix:///y",
    "docker context create 'm!' --docker host=unix:///y",
    "docker context create bad --docker nope=1",
    "docker context inspect -f '{{.Name}} {{json .Endpoints}}' mine",
    "docker context update mine --description other",
    "docker context ls --format '{{.Name}} {{.Description}} {{.DockerEndpoint}}' 2>/dev/null",
    "docker context show",
    "docker context use mine",
    "docker context use nope",
    "docker context export mine out.tar; tar tf out.tar",
    "docker context import copy out.tar",
    "docker context import mine out.tar",
    "docker context inspect -f '{{.Name}} {{.Endpoints.docker.Host}}' copy",
    "docker context rm default",
    "docker context rm mine copy",
    "docker context use default; docker context rm -f mine copy",
    "docker context inspect nope",
    "docker --context nope ps",
]

SCENES = {
    "list": LIST,
    "inspect": INSPECT,
    "flags": FLAGS,
    "files": FILES,
    "prune": PRUNE,
    "system": SYSTEM,
    "contexts": CONTEXTS,
}

"""Containers made, started, stopped, signalled, watched and removed."""

from __future__ import annotations

from tests.api.tour.scenes.words import CALM, IDLE, became, ready, until

LIFE = [
    f"docker create --name c1 busybox {CALM}",
    "docker ps -a --format '{{.Names}} {{.State}} {{.Status}} {{.Image}} {{.Command}}'",
    "docker start c1",
    "docker start c1",
    "docker ps --format '{{.Names}} {{.State}} {{.Ports}} {{.LocalVolumes}} {{.Networks}}'",
    ready("c1"),
    "docker restart c1",
    "docker pause c1",
    "docker pause c1",
    "docker ps --format '{{.Names}} {{.State}} {{.Status}}' -f status=paused",
    "docker exec c1 true",
    "docker restart -t 1 c1",
    "docker unpause c1",
    "docker pause c1; docker unpause c1",
    ready("c1"),
    "docker stop c1",
    "docker stop c1",
    "docker inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}}' c1",
    "docker wait c1",
    "docker rm c1",
    "docker rm c1",
    "docker rm -f c1",
    "docker ps -a",
]

MANY = [
    f"docker create --name c1 busybox {CALM}",
    f"docker create --name c2 busybox {CALM}",
    "docker start c1 c2",
    ready("c1"),
    ready("c2"),
    "docker pause c1 c2 nope",
    "docker unpause c1 c2",
    "docker stop c1 nope c2",
    "docker start c1 nope c2",
    ready("c1"),
    ready("c2"),
    "docker restart -t 3 c1 c2",
    ready("c1"),
    ready("c2"),
    "docker kill -s TERM c1 c2",
    "docker wait c1 c2 nope",
    "docker start c2; docker kill c1 c2",
    "docker inspect -f '{{.Name}} {{.State.Status}} {{.State.ExitCode}}' c1 c2",
    "docker start nope c1",
    "docker rm c1 c2 nope",
    "docker rm -f c1 c2",
]

_ABOUT_NONE = (
    "start",
    "stop",
    "restart",
    "kill",
    "pause",
    "unpause",
    "wait",
    "rm",
    "inspect",
    "container inspect",
    "logs",
    "top",
    "port",
    "diff",
    "attach",
    "commit",
    "export",
    "update --memory 64m",
    "stats --no-stream",
)

ERRORS = [
    *(f"docker {words} nope" for words in _ABOUT_NONE),
    "docker rename nope new",
    "docker exec nope true",
    "docker cp nope:/etc/hosts .",
    "docker cp scenes nope:/",
    f"docker create --name c1 busybox {CALM}",
    f"docker create --name c1 busybox {CALM}",
    "docker stop c1",
    "docker kill c1",
    "docker pause c1",
    "docker unpause c1",
    "docker exec c1 true",
    "docker top c1",
    "docker attach c1",
    "docker stats --no-stream --format '{{.Name}} {{.PIDs}} {{.CPUPerc}}' c1",
    "docker port c1",
    "docker start c1",
    "docker rm c1",
    "docker unpause c1",
    "docker kill -s NOPE c1",
    "docker kill -s 99 c1",
    "docker rename c1 c1",
    "docker rename c1 '!'",
    "docker create --name d1 busybox true; docker rename d1 c1",
    "docker rename d1 ''",
    "docker rm -f c1 nope",
]

SIGNALS = [
    "docker run -d --name c1 busybox sh -c \"trap 'echo got' USR1; trap 'exit 5' TERM; "
    'echo ready; while :; do sleep 1000 & wait; done"',
    until("docker logs c1 | grep ready"),
    "docker kill -s USR1 c1",
    until("docker logs c1 | grep got"),
    "docker logs c1",
    "docker kill --signal SIGTERM c1; docker wait c1",
    "docker start c1; docker kill c1; docker wait c1",
    "docker start c1; docker kill -s 9 c1; docker wait c1",
    "docker rm c1",
]

POLICIES = [
    "docker run -d --name c1 --restart on-failure:2 busybox sh -c 'exit 3'",
    became("c1", "exited 2", "{{.State.Status}} {{.RestartCount}}"),
    "docker ps -a --format '{{.Names}} {{.State}}'",
    "docker wait c1",
    "docker inspect -f '{{.RestartCount}} {{.State.ExitCode}} {{json .HostConfig.RestartPolicy}}' "
    "c1",
    f"docker run -d --name d1 --restart always busybox {CALM}",
    ready("d1"),
    "docker stop d1",
    "docker inspect -f '{{.State.Status}} {{.RestartCount}}' d1",
    "docker update --restart no d1",
    "docker inspect -f '{{json .HostConfig.RestartPolicy}}' d1",
    "docker run --restart on-failure:x busybox true",
    "docker run --restart always:3 busybox true",
    "docker run --restart on-failure:-1 busybox true",
    "docker run --restart '' --name e1 busybox true",
    "docker rm -f c1 d1 e1",
]

HEALTH = [
    f"docker run -d --name c1 --health-cmd 'test -e /ok' --health-interval 50ms "
    f"--health-retries 1 busybox {CALM}",
    became("c1", "unhealthy", "{{.State.Health.Status}}"),
    "docker ps --format '{{.Names}} {{.State}} {{.Status}}'",
    "docker ps --format '{{.Names}}' -f health=unhealthy",
    "docker inspect -f '{{with index .State.Health.Log 0}}{{.ExitCode}} {{.Output}}{{end}}' c1",
    "docker exec c1 touch /ok",
    became("c1", "healthy", "{{.State.Health.Status}}"),
    "docker ps --format '{{.Names}}' -f health=healthy",
    "docker inspect -f '{{.State.Health.FailingStreak}} {{json .Config.Healthcheck}}' c1",
    "docker rm -f c1",
    f"docker run -d --name c1 --no-healthcheck busybox {CALM}",
    "docker inspect -f '{{json .State.Health}} {{json .Config.Healthcheck}}' c1",
    "docker run --no-healthcheck --health-cmd true busybox true",
    "docker run --health-interval 1us busybox true",
    "docker run --health-cmd true --health-retries -1 busybox true",
    "docker rm -f c1",
]

EVENTS = [
    "date +%s.%N > since",
    "docker run -d --name c1 -l a=b busybox sleep 60",
    "docker exec c1 true",
    "docker pause c1; docker unpause c1; docker rename c1 d1; docker update -m 64m d1",
    "docker kill d1; docker wait d1; docker commit d1 made:2; docker rm d1; docker rmi -f made:2",
    "docker events --since $(cat since) --until $(date +%s.%N) -f container=c1 "
    "--format '{{.Action}}'",
    "docker events --since $(cat since) --until $(date +%s.%N) -f type=container -f label=a "
    "--format '{{.Type}} {{.Action}} {{.Scope}} {{json .Actor.Attributes}}'",
    "docker events --since $(cat since) --until $(date +%s.%N) -f image=made:2 "
    "--format '{{.Action}}'",
    "docker volume create v1; docker network create n1; docker volume rm v1; docker network rm n1",
    "docker events --since $(cat since) --until $(date +%s.%N) -f type=volume -f type=network "
    "--format '{{.Type}} {{.Action}} {{json .Actor.Attributes}}'",
    "docker events --since $(cat since) --until $(date +%s.%N) -f event=create -f event=destroy "
    "--format '{{.Type}} {{.Action}}'",
    "docker events --since nope",
    "docker events -f nope=1 --since 0 --until 1",
    "docker events --since 5 --until 1",
]

FIGURES = [
    IDLE,
    ready("c1"),
    "docker stats --no-stream --format '{{.Name}} {{.PIDs}}' c1",
    "docker stats --no-stream c1 | head -1",
    "docker stats --no-stream -a --no-trunc --format '{{.ID}} {{.Container}}'",
    "docker top c1 | wc -l",
    "docker update -m 64m --memory-swap 128m --cpus 0.5 --pids-limit 50 --restart always c1",
    "docker inspect -f '{{with .HostConfig}}{{.Memory}} {{.MemorySwap}} {{.NanoCpus}} "
    "{{.PidsLimit}} {{.RestartPolicy.Name}}{{end}}' c1",
    "docker update -c 512 --cpuset-cpus 0 --memory-reservation 32m c1",
    "docker inspect -f '{{with .HostConfig}}{{.CpuShares}} {{.CpusetCpus}} {{.MemoryReservation}}"
    "{{end}}' c1",
    "docker update -m 1m c1",
    "docker update --restart nope c1",
    "docker update --cpus 0.5 --cpu-quota 100 c1",
    "docker update c1",
    "docker update -m 256m c1",
    "docker update -m 100m c1 nope",
    "docker rename c1 d1",
    "docker ps --format '{{.Names}}'",
    "docker rename d1 d1",
    "docker rm -f d1",
]

SCENES = {
    "life": LIFE,
    "many": MANY,
    "life_errors": ERRORS,
    "signals": SIGNALS,
    "policies": POLICIES,
    "health": HEALTH,
    "events": EVENTS,
    "figures": FIGURES,
}

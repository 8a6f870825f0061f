#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What a broker costs, beside the least that its work can cost on this machine. `make bench` builds and calls it.
#
# It loads, in this order of preference: the broker at PORT whose process is PID; a broker that it starts, with the
# ZooKeeper of ZOOKEEPER=host:port or one from Debian's package; with NETWORK_ONLY=1 a listener whose handler does next
# to nothing, which shows the network's share.
#
# GIGABYTES (1) and RUNS (3) say how much and how often; medians are printed. PARTITIONS (10000), TAILS (1000) and
# TAIL_MEGABYTES (10240) say how large the broker is that is stopped, killed and started.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${BIN:-$PWD/.build/release}
gigabytes=${GIGABYTES:-1}
runs=${RUNS:-3}
home=$(mktemp -d "${TMPDIR:-/var/tmp}/martlet-bench.XXXXXX")
started=()
finish() {
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$home"
}
trap finish EXIT

free_port() {
    local port=$1
    while grep -qi "$(printf ':%04X [0-9A-F]*:0000 0A' "$port")" /proc/net/tcp /proc/net/tcp6 2>/dev/null; do
        port=$((port + 1))
    done
    echo "$port"
}

start_zookeeper() {
    local port
    port=$(free_port 12181)
    mkdir -p "$home/zookeeper"
    printf '%s\n' "dataDir=$home/zookeeper" "clientPort=$port" clientPortAddress=127.0.0.1 admin.enableServer=false \
        >"$home/zoo.cfg"
    java -Xmx256m -XX:+UseSerialGC -cp /usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar \
        org.apache.zookeeper.server.quorum.QuorumPeerMain "$home/zoo.cfg" >"$home/zookeeper.log" 2>&1 &
    started+=($!)
    until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do sleep 0.2; done
    ZOOKEEPER=127.0.0.1:$port/bench
}

# Starts the broker as PID, and tells how long it took to answer.
start_broker() {
    local since
    since=$(date +%s%N)
    "$bin/martlet" broker "$home/server.properties" >>"$home/broker.log" 2>&1 &
    PID=$!
    started+=("$PID")
    "$bin/loadgen" await --port "$PORT" --since "$since" || { tail "$home/broker.log" >&2; exit 1; }
}

if [[ -n ${NETWORK_ONLY-} ]]; then
    "$bin/loadgen" serve --work "${WORK:-append}" --directory "$home" >"$home/port" &
    PID=$!
    started+=("$PID")
    until [[ -s $home/port ]]; do sleep 0.1; done
    PORT=$(cat "$home/port")
elif [[ -z ${PORT-} || -z ${PID-} ]]; then
    [[ -n ${ZOOKEEPER-} ]] || start_zookeeper
    PORT=$(free_port 19092)
    cat >"$home/server.properties" <<END
broker.id=0
listeners=PLAINTEXT://127.0.0.1:$PORT
log.dirs=$home/broker
zookeeper.connect=$ZOOKEEPER
offsets.topic.replication.factor=1
END
    echo "== start, empty"
    start_broker
    "$bin/loadgen" create --port "$PORT" --topic many --partitions 100
    echo "== start, 100 partitions"
    kill "$PID" && wait "$PID" 2>/dev/null || true
    start_broker
    sleep 2
    echo "idle: RSS $(awk '/VmRSS/ {print int($2 / 1024)}' "/proc/$PID/status") MiB"
fi

load() { "$bin/loadgen" "$@" --port "$PORT" --pid "$PID" --runs "$runs"; }
topic() { [[ -n ${NETWORK_ONLY-} ]] || "$bin/loadgen" create --port "$PORT" --topic "$@"; }

# One that paces, such as bbr, costs a timer for every few packets, and more on connections that rest between answers.
echo "congestion control: $(cat /proc/sys/net/ipv4/tcp_congestion_control)"
echo "== floor"
"$bin/floor" --gigabytes "$gigabytes" --runs "$runs" --directory "$home"

# What the kernel does for a new page costs up to three times as much where a host lends the memory, and nobody can say
# which pages are such. So floor and broker take turns, neither gives pages back meanwhile, and the medians are compared.
echo "== broker and floor by turns, frames of 128 KiB"
topic turns
for ((run = 0; run < runs; run++)); do
    "$bin/floor" --gigabytes "$gigabytes" --runs 1 --directory "$home" --frame 131072 --only "receive, append" --keep 1
    runs=1 load produce --topic turns --record 1024 --batch 131072 --gigabytes "$gigabytes"
    "$bin/floor" --gigabytes "$gigabytes" --runs 1 --directory "$home" --only "answer with file"
    runs=1 load fetch --topic turns --gigabytes "$gigabytes"
done | tee "$home/turns"
rm -f "$home"/floor-*
median() {
    awk -F'[\t]|  +' -v of="$1" '$0 ~ of { for (i = 1; i <= NF; i++) if ($i ~ /CPU s\/GB/) print $i + 0 }' \
        "$home/turns" | sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}
ratio() {
    awk -v a="$1" -v b="$2" -v name="$3" \
        'BEGIN { printf "%s\t%.2f of the floor (%.3f and %.3f CPU s/GB)\n", name, a / b, a, b }'
}
ratio "$(median ^produce)" "$(median '^receive, append')" produce
ratio "$(median ^fetch)" "$(median '^answer with file')" fetch

echo "== broker, other shapes"
for shape in "1024 1000000" "100 131072" "100 16384"; do
    read -r record batch <<<"$shape"
    topic "produce-$record-$batch"
    load produce --topic "produce-$record-$batch" --record "$record" --batch "$batch" --gigabytes "$gigabytes"
done
load fetch --topic produce-1024-1000000 --gigabytes "$gigabytes"
load fetch --topic produce-100-16384 --gigabytes "$gigabytes"
topic latency
load latency --topic latency
topic latency-flush --flush-messages 1
load latency --topic latency-flush --record 1024 --connections 16

echo "== append inline or on another thread"
"$bin/hop" --directory "$home"

echo "== the storage engine"
for what in append flush lookup clean start; do "$bin/storage" "$what" --directory "$home" --runs "$runs"; done

echo "== a broker with many partitions: stop, start, start after kill -9"
MARTLET=$bin/martlet python3 Tests/Benchmarks/start.py "${PARTITIONS:-10000}" "${TAILS:-1000}" "${TAIL_MEGABYTES:-10240}"

echo "== instructions of the hot paths"
if command -v valgrind >/dev/null; then
    strip --strip-debug -o "$home/instructions" "$bin/instructions"
    for operation in decode validate append fetch; do
        valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no \
            '--toggle-collect=*12instructions7operate*' "$home/instructions" "$operation" 100 2>&1 |
            awk -v name="$operation" '/Collected/ { found = 1; printf "%s\t%d instructions\n", name, $NF / 100 }
                END { if (!found) print name "\tnot counted" }'
    done
else
    echo "not counted: valgrind is not installed"
fi

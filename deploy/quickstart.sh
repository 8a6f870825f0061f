#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Starts a cluster to play with: ZooKeeper from Debian's package and a Martlet broker, both on the loopback interface
# only, and shows that records come back. `deploy/quickstop.sh` stops it.
#
# With ZOOKEEPER=host:port[,host:port…][/chroot] that ensemble is used and none is started.
set -euo pipefail
cd "$(dirname "$0")/.."
home=$PWD/.build/quickstart
martlet=${MARTLET:-$PWD/.build/release/martlet}
mkdir -p "$home"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[[ -t 1 ]] || say() { printf '\n%s\n' "$*"; }

# fail MESSAGE [LOG]: what went wrong, and the end of the log that tells why.
fail() {
    echo "quickstart: $1" >&2
    if [[ -n ${2-} && -s $2 ]]; then
        echo "--- the end of $2" >&2
        tail -n 20 "$2" >&2
    fi
    exit 1
}

# running NAME: whether the process of that pid file lives and is ours.
running() {
    local pid
    pid=$(cat "$home/$1.pid" 2>/dev/null) || return 1
    grep --quiet --fixed-strings "$home" "/proc/$pid/cmdline" 2>/dev/null
}

# Listening sockets anywhere on this machine, by /proc, so that nothing has to be installed for the question.
taken() { grep --quiet --ignore-case "$(printf ':%04X [0-9A-F]*:0000 0A' "$1")" /proc/net/tcp /proc/net/tcp6 2>/dev/null; }
free_port() {
    local port=$1
    while taken "$port"; do port=$((port + 1)); done
    echo "$port"
}

start() {
    local name=$1
    shift
    # In a session of its own, so that it outlives this script and the terminal.
    setsid "$@" >>"$home/$name.log" 2>&1 </dev/null &
    echo $! >"$home/$name.pid"
}

# await NAME SECONDS COMMAND…: until the command succeeds, while the process lives.
await() {
    local name=$1 deadline=$((SECONDS + $2))
    shift 2
    until "$@" >"$home/await.log" 2>&1; do
        running "$name" || fail "$name stopped" "$home/$name.log"
        ((SECONDS < deadline)) || fail "$name does not answer" "$home/$name.log"
        sleep 0.2
    done
}

usage() {
    local ensemble stop="    make quickstop"
    ensemble=$(cat "$home/zookeeper.connect")
    cat <<END

The cluster is running: a broker at $bootstrap, its ZooKeeper at $ensemble.

    ${martlet#"$PWD/"} topics --bootstrap-server $bootstrap --list
    ${martlet#"$PWD/"} console-producer --bootstrap-server $bootstrap --topic quickstart
    ${martlet#"$PWD/"} console-consumer --bootstrap-server $bootstrap --topic quickstart --from-beginning
    kcat -b $bootstrap -L

Data and logs are in ${home#"$PWD/"}. To stop it:

$stop
END
}

if running broker; then
    bootstrap=$(cat "$home/bootstrap")
    echo "The quickstart cluster is already running."
    usage
    exit 0
fi

say "Checking for what has to be installed"
if [[ -n ${ZOOKEEPER-} ]]; then
    deploy/install-dependencies.sh build
else
    deploy/install-dependencies.sh build zookeeper
fi

if [[ -z ${MARTLET-} ]]; then
    say "Building Martlet (a few minutes the first time)"
    swift build --configuration release --static-swift-stdlib --product martlet
fi

if [[ -n ${ZOOKEEPER-} ]]; then
    say "Using the ensemble at $ZOOKEEPER"
    echo "$ZOOKEEPER" >"$home/zookeeper.connect"
elif running zookeeper; then
    say "ZooKeeper is already running"
else
    port=$(free_port 2181)
    say "Starting ZooKeeper at 127.0.0.1:$port"
    mkdir -p "$home/zookeeper"
    cat >"$home/zoo.cfg" <<END
dataDir=$home/zookeeper
clientPort=$port
clientPortAddress=127.0.0.1
admin.enableServer=false
4lw.commands.whitelist=ruok
maxClientCnxns=0
END
    : >"$home/zookeeper.log"
    start zookeeper java -Xmx256m -XX:+UseSerialGC \
        -cp /usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar \
        org.apache.zookeeper.server.quorum.QuorumPeerMain "$home/zoo.cfg"
    await zookeeper 60 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port && printf ruok >&3 && [[ \$(head -c 4 <&3) == imok ]]"
    echo "127.0.0.1:$port/quickstart" >"$home/zookeeper.connect"
fi

# Records belong to a cluster: each ensemble has a directory of its own here.
data=$home/broker
if [[ -n ${ZOOKEEPER-} ]]; then data=$home/broker-${ZOOKEEPER//[^A-Za-z0-9.]/-}; fi

port=$(free_port 9092)
bootstrap=127.0.0.1:$port
say "Starting a broker at $bootstrap"
cat >"$home/server.properties" <<END
# In an ensemble that others use, ZooKeeper numbers the broker; here it is the first.
broker.id=$([[ -n ${ZOOKEEPER-} ]] && echo -1 || echo 0)
listeners=PLAINTEXT://$bootstrap
log.dirs=$data
zookeeper.connect=$(cat "$home/zookeeper.connect")
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
END
: >"$home/broker.log"
echo "$bootstrap" >"$home/bootstrap"
start broker "$martlet" broker "$home/server.properties"
# The command would try for a minute by itself, also when the broker has stopped.
await broker 60 timeout 5 "$martlet" topics --bootstrap-server "$bootstrap" --list

say "Creating a topic"
"$martlet" topics --bootstrap-server "$bootstrap" --create --if-not-exists --topic quickstart \
    --partitions 1 --replication-factor 1 || fail "the topic could not be created" "$home/broker.log"

say "Sending three records"
printf '%s\n' "Hello from Martlet" "It is $(date '+%H:%M:%S')" "Goodbye for now" | tee /dev/stderr |
    "$martlet" console-producer --bootstrap-server "$bootstrap" --topic quickstart ||
    fail "the records could not be sent" "$home/broker.log"

say "Reading them back"
timeout 60 "$martlet" console-consumer --bootstrap-server "$bootstrap" --topic quickstart --from-beginning \
    --max-messages 3 --timeout-ms 30000 || fail "the records could not be read" "$home/broker.log"
usage

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Starts a cluster to play with: ZooKeeper from Debian's package and three Martlet brokers, all on the loopback interface
# only; shows that records come back, and that they go on when a broker is killed. `deploy/quickstop.sh` stops it.
#
# With ZOOKEEPER=host:port[,host:port…][/chroot] that ensemble is used and none is started. What runs already stays.
set -euo pipefail
cd "$(dirname "$0")/.."
source deploy/quickstart-common.sh
mkdir -p "$home"
# Two at the same time would start everything twice. What is started does not inherit it.
exec 9>"$home/lock"
flock --nonblock 9 || fail "another make quickstart is at work here"

usage() {
    local program=${martlet#"$PWD/"} bootstrap first
    bootstrap=$(cat "$home/bootstrap")
    first=${bootstrap%%,*}
    cat <<END

The cluster is running: brokers at ${bootstrap//,/, }; its ZooKeeper at $(cat "$home/zookeeper.connect").

    $program topics --bootstrap-server $first --describe
    $program console-producer --bootstrap-server $first --topic $topic
    $program console-consumer --bootstrap-server $first --topic $topic --from-beginning
    deploy/quickstart-failover.sh     kills the leader once more
    kcat -b $bootstrap -L
    curl http://$(property "$home/broker-1.properties" monitoring.http.listener)/metrics     and /health, /ready

Data and logs are in ${home#"$PWD/"}. To stop it:

    make quickstop
END
}

all_running() {
    local number
    for number in "${brokers[@]}"; do running "broker-$number" || return 1; done
}

install_and_build() {
    say "Checking for what has to be installed"
    if [[ -n ${ZOOKEEPER-} ]]; then
        deploy/install-dependencies.sh build
    else
        deploy/install-dependencies.sh build zookeeper
    fi
    if [[ -z ${MARTLET-} ]]; then
        say "Building Martlet (some minutes the first time)"
        swift build --configuration release --static-swift-stdlib --product martlet
    fi
}

start_zookeeper() {
    local port
    if running zookeeper; then
        say "ZooKeeper is already running"
        return
    fi
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
    echo "127.0.0.1:$port/cluster" >"$home/zookeeper.connect"
}

# configure NUMBER: the properties of a broker that does not run.
configure() {
    # Records belong to a cluster: each ensemble has directories of its own here.
    local data=$home/data id=$1
    if [[ -n ${ZOOKEEPER-} ]]; then
        data=$home/data-${ZOOKEEPER//[^A-Za-z0-9.]/-}
        # In an ensemble that others use, ZooKeeper numbers the brokers.
        id=-1
    fi
    cat >"$home/broker-$1.properties" <<END
broker.id=$id
listeners=PLAINTEXT://127.0.0.1:$(free_port $((9091 + $1)))
monitoring.http.listener=127.0.0.1:$(free_port $((7070 + $1)))
log.dirs=$data/broker-$1
zookeeper.connect=$(cat "$home/zookeeper.connect")
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
group.initial.rebalance.delay.ms=0
END
}

start_brokers() {
    local number bootstrap=""
    say "Starting brokers"
    for number in "${brokers[@]}"; do
        if running "broker-$number"; then
            echo "broker $number is already running"
        else
            configure "$number"
            start_broker "$number"
            echo "broker $(broker_id "$number") at $(address "$number")"
        fi
        bootstrap+=,$(address "$number")
    done
    echo "${bootstrap#,}" >"$home/bootstrap"
    ids=$(for number in "${brokers[@]}"; do broker_id "$number"; done | paste --serial --delimiters=,)
    await broker-1 30 timeout 10 "$martlet" log-dirs --bootstrap-server "$(address 1)" --describe --broker-list "$ids"
}

create_topic() {
    say "Creating the topic $topic with three replicas"
    tool topics --create --if-not-exists --topic "$topic" --replica-assignment "${ids//,/:}" ||
        fail "the topic could not be created" "$home/broker-1.log"
    await broker-1 30 in_sync 3
    describe
}

send_and_read() {
    local start records
    start=$(end_offset)
    say "Sending three records"
    records=$(printf '%s\n' "Hello from Martlet" "It is $(date '+%H:%M:%S')" "Goodbye for now")
    # Not by tee to /dev/stderr, which would empty the file where that is one.
    echo "$records"
    tool console-producer --topic "$topic" <<<"$records" ||
        fail "the records could not be sent" "$home/broker-1.log"
    say "Reading them back"
    timeout 60 "$martlet" console-consumer --bootstrap-server "$(cat "$home/bootstrap")" --topic "$topic" --partition 0 \
        --offset "$start" --max-messages 3 --timeout-ms 30000 ||
        fail "the records could not be read" "$home/broker-1.log"
}

if all_running; then
    echo "The quickstart cluster is already running."
    usage
    exit 0
fi
install_and_build
if [[ -n ${ZOOKEEPER-} ]]; then
    say "Using the ensemble at $ZOOKEEPER"
    echo "$ZOOKEEPER" >"$home/zookeeper.connect"
else
    start_zookeeper
fi
start_brokers
create_topic
send_and_read
deploy/quickstart-failover.sh
usage

# SPDX-License-Identifier: Apache-2.0
#
# What the quickstart scripts share; to be sourced from the repository's root. Everything that they start has $home on
# its command line, keeps its process id in $home/NAME.pid and writes to $home/NAME.log.

home=$PWD/.build/quickstart
martlet=${MARTLET:-$PWD/.build/release/martlet}
# EPOCHREALTIME with a point, whatever the user's language.
export LC_NUMERIC=C
brokers=(1 2 3)
topic=quickstart

if [[ -t 1 ]]; then
    say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
else
    say() { printf '\n%s\n' "$*"; }
fi

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

# start NAME COMMAND…: in a session of its own, so that it outlives this script and the terminal.
start() {
    local name=$1
    shift
    setsid "$@" >>"$home/$name.log" 2>&1 </dev/null 9>&- &
    echo $! >"$home/$name.pid"
    # The shell shall not report its end.
    disown
}

# await NAME SECONDS COMMAND…: until the command succeeds, while the process lives.
await() {
    local name=$1 deadline=$((SECONDS + $2))
    shift 2
    until "$@" >"$home/await.log" 2>&1; do
        running "$name" || fail "$name stopped" "$home/$name.log"
        ((SECONDS < deadline)) || fail "$name does not answer" "$home/$name.log"
        sleep 0.1
    done
}

# property FILE NAME: a value from a properties file.
property() { sed -n "s/^$2=//p" "$1" 2>/dev/null; }

# address NUMBER: where our broker of that number listens.
address() { property "$home/broker-$1.properties" listeners | sed 's,.*//,,'; }

# broker_id NUMBER: what the cluster calls it; ZooKeeper may have chosen.
broker_id() { property "$(property "$home/broker-$1.properties" log.dirs)/meta.properties" broker.id; }

# start_broker NUMBER: with the properties it has. Answers once it serves.
start_broker() {
    : >"$home/broker-$1.log"
    start "broker-$1" "$martlet" broker "$home/broker-$1.properties"
    # The command would try for a minute by itself, also when the broker has stopped.
    await "broker-$1" 60 timeout 5 "$martlet" topics --bootstrap-server "$(address "$1")" --list
}

# tool COMMAND ARGUMENT…: one of Kafka's commands, for our cluster.
tool() {
    local command=$1
    shift
    "$martlet" "$command" --bootstrap-server "$(cat "$home/bootstrap")" "$@"
}

describe() { tool topics --describe --topic "$topic"; }
end_offset() { tool get-offsets --topic "$topic" | sed 's/.*://'; }

# in_sync COUNT: whether so many replicas are.
in_sync() { [[ $(describe | sed -n 's/.*Isr: \([0-9,]*\).*/\1/p' | tr ',' '\n' | grep --count .) == "$1" ]]; }

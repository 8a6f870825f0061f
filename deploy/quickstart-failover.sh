#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Shows a failover in the cluster that `deploy/quickstart.sh` started: sends a record every 50 ms with acks=all, reads
# them, kills the leader (kill -9), measures until the next record is there, and starts the broker again.
set -euo pipefail
cd "$(dirname "$0")/.."
source deploy/quickstart-common.sh
sending=$home/sending
seen=$home/seen
sent=$home/sent
processes=()

finish() {
    rm -f "$sending"
    ((${#processes[@]} == 0)) || kill "${processes[@]}" 2>/dev/null || true
}
trap finish EXIT

# Microseconds, as a number.
now() { echo "${EPOCHREALTIME/./}"; }

# One line per record, with its number and when it was sent, while the file is there.
feed() {
    local number=0
    while [[ -e $sending ]]; do
        number=$((number + 1))
        echo "record $number, sent $(date +%H:%M:%S.%3N)"
        echo "$number $(now)" >>"$sent"
        sleep 0.05
    done
}

# Every record is noted with the time at which it was read; every fifth is shown, and the first after the kill.
watch() {
    local line number killed=""
    while IFS= read -r line; do
        number=${line#record }
        number=${number%%,*}
        echo "$number $(now)" >>"$seen"
        if [[ -z $killed && -s $home/killed ]]; then
            killed=yes
            echo "    $line"
        elif ((number % 5 == 0)); then
            echo "    $line"
        fi
    done
}

# await_records COUNT: until so many were read.
await_records() {
    local deadline=$((SECONDS + 60))
    until (($(wc -l <"$seen") >= $1)); do
        ((SECONDS < deadline)) || fail "records do not arrive any more" "$home/producer.log"
        sleep 0.02
    done
}

# The number of our broker that leads, by the cluster's name for it.
leader() {
    local id number
    id=$(describe | sed -n 's/.*Leader: \([0-9]*\).*/\1/p')
    for number in "${brokers[@]}"; do
        if running "broker-$number" && [[ $(broker_id "$number") == "$id" ]]; then
            echo "$number"
            return
        fi
    done
}

[[ -s $home/bootstrap ]] || fail "the cluster is not running: make quickstart"
bootstrap=$(cat "$home/bootstrap")
victim=$(leader)
[[ -n $victim ]] || fail "the leader of $topic is not one of the quickstart's brokers"

say "Sending a record every 50 ms, acks=all, and reading them"
: >"$seen"
: >"$sent"
: >"$home/killed"
touch "$sending"
start=$(end_offset)
"$martlet" console-consumer --bootstrap-server "$bootstrap" --topic "$topic" --partition 0 \
    --offset "$start" --timeout-ms 60000 > >(watch) 2>"$home/consumer.log" &
processes+=($!)
feed | "$martlet" console-producer --bootstrap-server "$bootstrap" --topic "$topic" --sync --timeout 0 \
    --request-required-acks all --message-send-max-retries 100000 --retry-backoff-ms 20 \
    --producer-property enable.idempotence=true 2>"$home/producer.log" &
producer=$!
await_records 20

pid=$(cat "$home/broker-$victim.pid")
say "Killing broker $(broker_id "$victim"), the leader: kill -9 $pid"
killed=$(now)
echo "$killed" >"$home/killed"
kill -KILL "$pid"
while running "broker-$victim"; do sleep 0.005; done
# As the unit's ExecStopPost does: the process is certainly dead, nobody needs to wait for its session's end.
"$martlet" fence --config "$home/broker-$victim.properties"
await_records $(($(wc -l <"$seen") + 40))

# From the kill to the first record that was sent after it and is acknowledged by all in-sync replicas, read by a
# consumer.
first=$(awk -v killed="$killed" 'NR == FNR { sent[$1] = $2; next } sent[$1] > killed { print $2; exit }' "$sent" "$seen")
say "$(((first - killed) / 1000)) ms from the kill to the next record sent, acknowledged and read"

rm -f "$sending"
wait "$producer" || fail "the producer gave up" "$home/producer.log"
count=$(wc -l <"$sent")
await_records "$count"
[[ $(cut --delimiter=' ' --fields=1 "$seen") == "$(seq "$count")" ]] || fail "records are lost, or there twice: $seen"
echo "All $count records arrived, once each, in order."

say "Starting broker $(broker_id "$victim") again"
start_broker "$victim"
await "broker-$victim" 60 in_sync 3
describe

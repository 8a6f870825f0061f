#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Stops what `deploy/quickstart.sh` started, the brokers before their ZooKeeper. Their data stays for the next start;
# with --clean it is removed.
set -euo pipefail
cd "$(dirname "$0")/.."
source deploy/quickstart-common.sh
stopped=none

# stop NAME: with time to do it cleanly.
stop() {
    local name=$1 pid tenths
    pid=$(cat "$home/$name.pid" 2>/dev/null) || return 0
    # A number that meanwhile belongs to another process is left alone.
    if running "$name"; then
        echo "Stopping $name (process $pid)"
        kill -TERM "$pid"
        for ((tenths = 0; tenths < 300; tenths++)); do
            running "$name" || break
            sleep 0.1
        done
        if running "$name"; then
            echo "$name did not stop within 30 seconds and is killed. The end of its log:" >&2
            tail -n 20 "$home/$name.log" >&2
            kill -KILL "$pid"
        fi
        stopped=some
    fi
    rm -f "$home/$name.pid"
}

for number in "${brokers[@]}"; do stop "broker-$number"; done
# What an earlier version of the quickstart had: one broker.
stop broker
stop zookeeper

if [[ $stopped == none ]]; then echo "The quickstart cluster is not running."; fi
if [[ ${1-} == --clean ]]; then rm -rf "$home"; fi

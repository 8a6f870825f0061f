#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Stops what `deploy/quickstart.sh` started, the broker before its ZooKeeper. Its data stays for the next start; with
# --clean it is removed.
set -euo pipefail
cd "$(dirname "$0")/.."
home=$PWD/.build/quickstart
stopped=none

for name in broker zookeeper; do
    pid=$(cat "$home/$name.pid" 2>/dev/null) || continue
    # A number that meanwhile belongs to another process is left alone.
    if grep --quiet --fixed-strings "$home" "/proc/$pid/cmdline" 2>/dev/null; then
        echo "Stopping $name (process $pid)"
        kill -TERM "$pid"
        for ((tenths = 0; tenths < 300; tenths++)); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        if kill -0 "$pid" 2>/dev/null; then
            echo "$name did not stop within 30 seconds and is killed. The end of its log:" >&2
            tail -n 20 "$home/$name.log" >&2
            kill -KILL "$pid"
        fi
        stopped=some
    fi
    rm -f "$home/$name.pid"
done

if [[ $stopped == none ]]; then echo "The quickstart cluster is not running."; fi
if [[ ${1-} == --clean ]]; then rm -rf "$home"; fi

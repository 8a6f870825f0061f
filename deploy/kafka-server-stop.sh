#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Asks the brokers of this machine for a clean shutdown, as Apache's script of this name does. Where several run,
# `--node-id N` (or `--broker-id N`) chooses one by its configuration.
set -euo pipefail
node=
while [[ $# -gt 0 ]]; do
    case $1 in
    --node-id | --broker-id) node=${2-} && shift 2 ;;
    --node-id=* | --broker-id=*) node=${1#*=} && shift ;;
    *)
        echo "usage: ${0##*/} [--node-id N]" >&2
        exit 1
        ;;
    esac
done

# Whether the broker of these arguments has the number asked for.
chosen() {
    [[ -n $node ]] || return 0
    local configuration=${1-} argument id
    shift || return 1
    id=$(sed -n 's/^[[:blank:]]*\(broker\|node\)\.id[[:blank:]]*[=:][[:blank:]]*//p' "$configuration" 2>/dev/null | tail -n 1)
    for argument in "$@"; do
        [[ $argument =~ ^(broker|node)\.id=(.*)$ ]] && id=${BASH_REMATCH[2]}
    done
    [[ $id == "$node" ]]
}

stopped=0
for process in /proc/[0-9]*; do
    # A process may end while it is looked at.
    { mapfile -d '' -t arguments <"$process/cmdline"; } 2>/dev/null || continue
    program=${arguments[0]-}
    case ${program##*/} in
    martlet)
        [[ ${arguments[1]-} == broker || ${arguments[1]-} == server-start ]] || continue
        options=("${arguments[@]:2}")
        ;;
    # Started through an installed link. (Apache's script of this name is an argument of its shell, and then Java.)
    kafka-server-start | kafka-server-start.sh) options=("${arguments[@]:1}") ;;
    *) continue ;;
    esac
    cd "$process/cwd" 2>/dev/null || continue
    chosen "${options[@]}" || continue
    kill -s TERM "${process#/proc/}" && stopped=$((stopped + 1))
done

if [[ $stopped == 0 ]]; then
    echo "No kafka server to stop"
    exit 1
fi

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# run-tests.sh [unit] [clients] [clusters]: runs what `swift build --build-tests` built.
#
# Each part leaves its counts as "PASSED FAILED" in .build/test-results/PART.count and its full output beside them. The
# exit code is 0 when nothing failed.
set -uo pipefail
cd "$(dirname "$0")/.."
results=.build/test-results
mkdir -p "$results"
status=0

# count PART PASSED FAILED
count() {
    echo "$2 $3" >"$results/$1.count"
    echo "$1 tests: $2 passed, $3 failed"
    [[ $3 == 0 ]] || status=1
}

unit() {
    local log=$results/unit.log report=$results/unit.xml code=0 counts
    rm -f "$results"/unit*
    deploy/install-dependencies.sh zookeeper || { count unit 0 1; return; }
    echo "Unit and golden tests (all output in $log)"
    timeout --kill-after=30 900 swift test --explicit-target-dependency-import-check error --skip-build --no-parallel \
        --xunit-output "$report" </dev/null >"$log" 2>&1 || code=$?
    grep --extended-regexp '^✘|: error:|Fatal error|crashed' "$log" | head -n 100
    # One report per testing library; a test counts as failed once, however many expectations it misses.
    counts=$(cat "$results"/unit-*.xml "$report" 2>/dev/null | awk '
        /<testcase / { tests++; open = 1 }
        /<failure/ && open { failed++; open = 0 }
        END { print tests - failed, failed + 0 }')
    read -r passed failed <<<"${counts:-0 0}"
    if [[ $code != 0 && $failed == 0 ]]; then
        # A crash or the time limit: there is no report, or one that says nothing of it.
        echo "swift test ended with code $code; the end of $log:"
        tail -n 40 "$log"
        failed=1
    fi
    count unit "$passed" "$failed"
}

clients() {
    local venv=.build/venv log=$results/clients.log
    rm -f "$results"/clients*
    deploy/install-dependencies.sh zookeeper clients || { count clients 0 1; return; }
    if [[ ! -x $venv/bin/python || Tests/ClientTests/requirements.txt -nt $venv/installed ]]; then
        echo "Installing Python clients into $venv"
        if ! { /usr/bin/python3 -m venv --clear "$venv" &&
            "$venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
                --requirement Tests/ClientTests/requirements.txt; } >"$log" 2>&1 </dev/null; then
            tail -n 20 "$log"
            count clients 0 1
            return
        fi
        touch "$venv/installed"
    fi
    echo "Real clients with real brokers (all output in $log)"
    MARTLET=${MARTLET:-$PWD/.build/debug/martlet} PYTHONDONTWRITEBYTECODE=1 \
        timeout --kill-after=30 1500 "$venv/bin/python" -u Tests/ClientTests/run.py \
        --count "$results/clients.count" </dev/null 2>&1 | tee "$log" | grep --line-buffered --invert-match '\.\.\. ok$'
    [[ -s $results/clients.count ]] || echo "0 1" >"$results/clients.count"
    read -r passed failed <"$results/clients.count"
    count clients "$passed" "$failed"
}

clusters() {
    local log=$results/clusters.log
    rm -f "$results"/clusters*
    deploy/install-dependencies.sh zookeeper services || { count clusters 0 1; return; }
    # Some tests need client libraries, and are left out without them.
    local python=.build/venv/bin/python
    [[ -x $python ]] || python=python3
    echo "Clusters of real brokers (all output in $log)"
    MARTLET=${MARTLET:-$PWD/.build/debug/martlet} PYTHONDONTWRITEBYTECODE=1 \
        timeout --kill-after=30 1500 "$python" -u -W ignore Tests/ClusterTests/run.py \
        --count "$results/clusters.count" </dev/null 2>&1 | tee "$log" | grep --line-buffered --invert-match '\.\.\. ok$'
    [[ -s $results/clusters.count ]] || echo "0 1" >"$results/clusters.count"
    read -r passed failed <"$results/clusters.count"
    count clusters "$passed" "$failed"
}

for part in "$@"; do
    case $part in
    unit | clients | clusters) "$part" ;;
    *)
        echo "usage: $0 [unit] [clients] [clusters]" >&2
        exit 2
        ;;
    esac
done
exit "$status"

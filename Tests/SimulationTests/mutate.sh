#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# mutate.sh [NAME]...: shows that the simulation bites. Puts each fault of mutations/*.patch into the sources, builds, and
# runs seeds until one fails; takes the fault out again. SECONDS_EACH=n (120) is how long it may take.
#
# A fault that few seeds notice names one of them in its patch ("Caught by seed N."), and that one is played first. A change
# to the simulation may make it play something else: then find another, and write it there.
set -uo pipefail
cd "$(dirname "$0")/../.."
mutations=Tests/SimulationTests/mutations
applied=
restore() { [[ -z $applied ]] || git apply --reverse "$applied"; applied=; }
trap restore EXIT

if [[ $# == 0 ]]; then set -- $(basename --suffix .patch "$mutations"/*.patch); fi
status=0
for name in "$@"; do
    git apply "$mutations/$name.patch" || exit 1
    applied=$mutations/$name.patch
    if ! swift build ${CONFIGURATION:+--configuration "$CONFIGURATION"} --product Simulate >.build/mutation.log 2>&1; then
        grep error: .build/mutation.log
        exit 1
    fi
    start=$SECONDS
    seed=$(sed -n 's/^Caught by seed \([0-9]*\)\.$/\1/p' "$applied")
    if [[ -n $seed ]] && ! caught=$(MARTLET_SEED=$seed .build/${CONFIGURATION:-debug}/Simulate); then
        printf '%-40s  named  %s\n' "$name" "$(head -n 1 <<<"$caught" | cut -c 1-160)"
    elif caught=$(.build/${CONFIGURATION:-debug}/Simulate --first 1 --seconds "${SECONDS_EACH:-120}" --until-failure); then
        echo "NOT CAUGHT: $name: $(tail -n 1 <<<"$caught")"
        status=1
    else
        printf '%-40s %3d s  %s\n' "$name" $((SECONDS - start)) "$(head -n 1 <<<"$caught" | cut -c 1-160)"
    fi
    restore
done
exit $status

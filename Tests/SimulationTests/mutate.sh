#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# mutate.sh [NAME]...: shows that the simulation bites. Puts each fault of mutations/*.patch into the sources, builds, and
# runs seeds until one fails; takes the fault out again. SECONDS_EACH=n (120) is how long it may take.
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
    if caught=$(.build/${CONFIGURATION:-debug}/Simulate --first 1 --seconds "${SECONDS_EACH:-120}" --until-failure); then
        echo "NOT CAUGHT: $name: $(tail -n 1 <<<"$caught")"
        status=1
    else
        printf '%-40s %3d s  %s\n' "$name" $((SECONDS - start)) "$(head -n 1 <<<"$caught" | cut -c 1-160)"
    fi
    restore
done
exit $status

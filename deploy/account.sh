#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Settles as whom the unit runs the broker, so that nobody's records change hands: as the owner of /var/lib/kafka; where there
# is none, as cp-kafka if Confluent's packages have made it; else as kafka, which is made if need be. For another account
# than kafka a drop-in is written, unless there is one. `make install` and the Debian package run this, as root.
set -eu
PATH=$PATH:/usr/sbin:/sbin
data=/var/lib/kafka
drop_in=/etc/systemd/system/martlet.service.d/account.conf

account=$(stat --format=%U "$data" 2>/dev/null || true)
case $account in
'' | root | UNKNOWN)
    account=kafka
    if getent passwd cp-kafka >/dev/null; then account=cp-kafka; fi
    ;;
esac
if ! getent passwd "$account" >/dev/null; then
    getent group "$account" >/dev/null || groupadd --system "$account"
    useradd --system --gid "$account" --home-dir "$data" --no-create-home --shell /usr/sbin/nologin "$account"
fi
group=$(id --group --name "$account")
# The unit would make it too; a broker that is started by hand finds it as well.
[ -d "$data" ] || install --directory --owner="$account" --group="$group" --mode=750 "$data"

if [ "$account:$group" != kafka:kafka ] && [ ! -e "$drop_in" ]; then
    mkdir -p "${drop_in%/*}"
    printf '%s\n' "# Whoever has the records of $data, or would have them." '[Service]' "User=$account" "Group=$group" \
        >"$drop_in"
    echo "The unit runs as $account:$group ($drop_in)"
fi

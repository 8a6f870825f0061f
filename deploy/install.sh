#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# install.sh DESTDIR PREFIX: puts the program, a link per command under both of Apache's spellings, the configuration
# and the systemd unit in place. A configuration that is there already is kept. Links that belong to another package
# are kept too: only what is missing, or already a link to martlet, is written. Where the machine itself is meant, and not
# a package's tree, the account of the unit is settled as well. MARTLET names another program than the release build.
set -euo pipefail
cd "$(dirname "$0")/.."
destination=$1
prefix=$2
binary=${MARTLET:-.build/release/martlet}
bin=$destination$prefix/bin

install -D --mode=755 "$binary" "$bin/martlet"
echo "$prefix/bin/martlet"

# link TARGET NAME
link() {
    local path=$bin/$2
    if [[ ! -e $path && ! -L $path ]] || [[ $(readlink "$path" 2>/dev/null) == "$1" ]]; then
        ln --symbolic --force "$1" "$path"
        echo "$prefix/bin/$2"
    else
        echo "kept: $path is not ours" >&2
    fi
}

for command in $("$binary" --commands) server-start; do
    link martlet "kafka-${command#kafka-}"
    link martlet "kafka-${command#kafka-}.sh"
done
# Apache's looks for a Java process, so it would not find a broker that is none.
install -D --mode=755 deploy/kafka-server-stop.sh "$destination$prefix/lib/martlet/kafka-server-stop"
link ../lib/martlet/kafka-server-stop kafka-server-stop
link ../lib/martlet/kafka-server-stop kafka-server-stop.sh

install -D --mode=755 deploy/account.sh "$destination$prefix/lib/martlet/account"

configuration=$destination/etc/kafka/server.properties
if [[ -e $configuration ]]; then
    echo "kept: $configuration"
else
    install -D --mode=644 /dev/null "$configuration"
    sed 's,^log.dirs=.*,log.dirs=/var/lib/kafka,' config/server.properties >"$configuration"
    echo "/etc/kafka/server.properties"
fi

# A unit of the machine's own goes where administrators keep theirs, a package's where packages do.
units=/etc/systemd/system
[[ $prefix != /usr ]] || units=/lib/systemd/system
install -D --mode=644 /dev/null "$destination$units/martlet.service"
sed "s,/usr/bin/martlet,$prefix/bin/martlet,; s,/usr/share/doc,$prefix/share/doc," deploy/martlet.service \
    >"$destination$units/martlet.service"
echo "$units/martlet.service"
install -D --mode=644 README.md "$destination$prefix/share/doc/martlet/README.md"
install -D --mode=644 LICENSE "$destination$prefix/share/doc/martlet/LICENSE"

if [[ -z $destination && $(id -u) == 0 ]]; then
    deploy/account.sh
    if [[ -d /run/systemd/system ]]; then systemctl daemon-reload || true; fi
fi

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs the package that `make deb` builds into a bare Debian 12, made by debootstrap, that has no Swift: the broker
# starts there and serves, the commands work through their links, the unit is sound, and purging leaves nothing but data.
# `make package-test` builds the package and calls it. It takes a minute or two and the network; PACKAGE_ROOT=directory
# keeps the Debian for the next time.
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() {
    echo "package tests: skipped: $*"
    exit 0
}
[[ $(id -u) == 0 ]] || skip "root is needed for a root of its own"
command -v debootstrap >/dev/null || skip "debootstrap is not installed"
command -v java >/dev/null && [[ -e /usr/share/java/zookeeper.jar ]] || skip "there is no ZooKeeper server"
package=$(ls -t .build/martlet_*.deb 2>/dev/null | head -n 1)
[[ -n $package ]] || skip "there is no package: make deb"

home=$(mktemp -d "${TMPDIR:-/var/tmp}/martlet-package.XXXXXX")
root=${PACKAGE_ROOT:-$home/root}
passed=0
zookeeper="" broker=""
finish() {
    local code=$?
    for process in $broker $zookeeper; do kill "$process" 2>/dev/null || true; done
    wait
    ! mountpoint --quiet "$root/proc" || umount "$root/proc"
    ((code == 0)) || { echo "--- the end of the broker's log" >&2; tail -n 20 "$home/broker.log" 2>/dev/null >&2 || true; }
    rm -rf --one-file-system "$home"
    echo "package tests: $passed passed, $((code == 0 ? 0 : 1)) failed"
}
trap finish EXIT

check() {
    local what=$1
    shift
    if ! "$@" >"$home/check" 2>&1; then
        echo "FAILED: $what" >&2
        cat "$home/check" >&2
        exit 1
    fi
    passed=$((passed + 1))
    echo "$what ... ok"
}
fails() { ! "$@"; }
silent() { ! "$@" 2>&1 | grep .; }
eventually() {
    local deadline=$((SECONDS + 30))
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.2
    done
}
inside() { chroot "$root" "$@"; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

if [[ ! -x $root/usr/bin/apt-get ]]; then
    echo "Making a Debian 12 in $root"
    debootstrap --variant=minbase bookworm "$root" >"$home/debootstrap.log" 2>&1 ||
        { tail -n 5 "$home/debootstrap.log" >&2; exit 1; }
fi
cp /etc/resolv.conf "$root/etc/resolv.conf"
mount -t proc proc "$root/proc"
# Nothing may be started by an installation in there.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
cp "$package" "$root/tmp/martlet.deb"

export DEBIAN_FRONTEND=noninteractive
check "that Debian has no Swift" fails inside sh -c 'command -v swift'
check "the package lists can be read" inside apt-get update
check "the package is installed with its dependencies" \
    inside apt-get install --yes --no-install-recommends systemd /tmp/martlet.deb
check "all libraries are there" fails inside sh -c 'ldd /usr/bin/martlet | grep "not found"'
check "the unit is sound" silent inside systemd-analyze verify --man=no /lib/systemd/system/martlet.service
check "the data directory belongs to the broker's user" \
    inside sh -c 'test "$(stat --format=%U:%G:%a /var/lib/kafka)" = kafka:kafka:750'
drop_in=/etc/systemd/system/martlet.service.d/account.conf
check "which the unit names by itself" fails inside test -e $drop_in

port=$(free_port) zookeeper_port=$(free_port) monitoring_port=$(free_port)
printf '%s\n' "dataDir=$home/zookeeper" "clientPort=$zookeeper_port" clientPortAddress=127.0.0.1 \
    admin.enableServer=false >"$home/zoo.cfg"
java -Xmx128m -XX:+UseSerialGC -cp /usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar \
    org.apache.zookeeper.server.quorum.QuorumPeerMain "$home/zoo.cfg" >"$home/zookeeper.log" 2>&1 &
zookeeper=$!
sed --in-place -e "s,^listeners=.*,listeners=PLAINTEXT://127.0.0.1:$port," \
    -e "s,^zookeeper.connect=.*,zookeeper.connect=127.0.0.1:$zookeeper_port/package," \
    -e "s,^monitoring.http.listener=.*,monitoring.http.listener=127.0.0.1:$monitoring_port," \
    "$root/etc/kafka/server.properties"
start() {
    chroot --userspec=kafka:kafka "$root" /usr/bin/martlet broker /etc/kafka/server.properties \
        >>"$home/broker.log" 2>&1 &
    broker=$!
}
ready() { python3 -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:$monitoring_port/ready', timeout=5)"; }
start
check "the broker starts as its user and becomes ready" eventually ready
check "a topic is created through a link" \
    inside kafka-topics --bootstrap-server "127.0.0.1:$port" --create --topic packaged --partitions 2
check "the other spelling lists it" \
    sh -c "chroot '$root' kafka-topics.sh --bootstrap-server 127.0.0.1:$port --list | grep --line-regexp packaged"
check "records are sent" \
    sh -c "echo hello | chroot '$root' kafka-console-producer --bootstrap-server 127.0.0.1:$port --topic packaged"
received() {
    inside kafka-console-consumer --bootstrap-server "127.0.0.1:$port" --topic packaged --from-beginning \
        --max-messages 1 --timeout-ms 20000 | grep --line-regexp hello
}
check "and received" received
stop() {
    kill "$broker"
    wait "$broker"
    broker=""
}
check "SIGTERM ends the broker in order" stop

check "the package is purged" inside apt-get purge --yes martlet
check "nothing of it is left" fails inside sh -c \
    'ls -d /usr/bin/martlet /usr/bin/kafka-* /usr/lib/martlet /usr/share/doc/martlet /etc/kafka /lib/systemd/system/martlet.service 2>/dev/null | grep .'
check "not even an account's drop-in" fails inside ls -d ${drop_in%/*}
check "but the records" inside sh -c 'test -s /var/lib/kafka/packaged-0/00000000000000000000.log ||
    test -s /var/lib/kafka/packaged-1/00000000000000000000.log'

# A machine that Confluent's packages have been on: their account and its records stay what they are.
check "Confluent's account has the records" inside sh -ec 'groupadd --system --force confluent
    id cp-kafka 2>/dev/null || useradd --system --gid confluent cp-kafka
    chown --recursive cp-kafka:confluent /var/lib/kafka'
check "the package is installed beside it" \
    inside apt-get install --yes --no-install-recommends /tmp/martlet.deb
check "the unit runs as that account" inside sh -ec "grep --line-regexp User=cp-kafka $drop_in
    grep --line-regexp Group=confluent $drop_in"
check "and the records are still its own" fails inside sh -c 'find /var/lib/kafka ! -user cp-kafka | grep .'
check "the unit is sound with it" silent inside systemd-analyze verify --man=no /lib/systemd/system/martlet.service
check "it is purged" inside apt-get purge --yes martlet
check "and so is the drop-in" fails inside ls -d ${drop_in%/*}
# For the next time, with a root that is kept.
check "the account is gone" inside userdel cp-kafka
rm -rf --one-file-system "$root/var/lib/kafka"

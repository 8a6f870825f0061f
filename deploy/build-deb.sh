#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds .build/martlet_VERSION_ARCH.deb out of the release build.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${VERSION:-0.1.0~git$(git show --no-patch --format=%cd.%h --date=format:%Y%m%d)}
architecture=$(dpkg --print-architecture)
root=$PWD/.build/deb
export MARTLET=${MARTLET:-.build/release/martlet}
rm -rf "$root"
deploy/install.sh "$root" /usr >/dev/null

# What the program links, as the packages of this Debian are called.
libraries=$(ldd "$MARTLET" | awk '$3 ~ /^\// { print $3 }')
depends=$(for library in $libraries; do
    dpkg-query --search "$(realpath "$library")" "/usr$library" "$library" 2>/dev/null || true
done | cut -d: -f1 | sort -u | paste -sd, | sed 's/,/, /g')

mkdir -p "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<END
Package: martlet
Version: $version
Architecture: $architecture
Maintainer: The Martlet authors <martlet@localhost>
Section: net
Priority: optional
Depends: passwd, $depends
Suggests: zookeeper
Conflicts: confluent-kafka, confluent-server
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Description: Kafka broker for ZooKeeper ensembles
 Martlet is a native broker that takes the place of Apache Kafka 3.9 in ZooKeeper
 mode: the same wire protocol, znodes, files on disk and command-line tools.
END
echo /etc/kafka/server.properties >"$root/DEBIAN/conffiles"
cat >"$root/DEBIAN/postinst" <<'END'
#!/bin/sh
set -e
if [ "$1" = configure ]; then
    /usr/lib/martlet/account
    [ -d /run/systemd/system ] && systemctl daemon-reload || true
fi
END
cat >"$root/DEBIAN/prerm" <<'END'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then systemctl stop martlet.service || true; fi
END
cat >"$root/DEBIAN/postrm" <<'END'
#!/bin/sh
set -e
if [ "$1" = purge ]; then
    rm -f /etc/systemd/system/martlet.service.d/account.conf
    rmdir /etc/systemd/system/martlet.service.d 2>/dev/null || true
fi
if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
END
chmod 755 "$root"/DEBIAN/{postinst,prerm,postrm}
package=.build/martlet_${version}_$architecture.deb
dpkg-deb --root-owner-group --build "$root" "$package"

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs what is missing of the Debian packages that a purpose needs.
#
#     deploy/install-dependencies.sh build        headers and libraries that Martlet links
#     deploy/install-dependencies.sh zookeeper    a ZooKeeper server, for quickstart and tests
#     deploy/install-dependencies.sh clients      Kafka clients and Python, for the tests
#     deploy/install-dependencies.sh services     systemd, for the tests of the unit
set -euo pipefail

packages=()
for purpose in "$@"; do
    case $purpose in
    build) packages+=(make libzookeeper-mt-dev libisal-dev zlib1g-dev liblz4-dev libzstd-dev libsnappy-dev) ;;
    zookeeper) packages+=(zookeeper libslf4j-java) ;;
    clients) packages+=(kcat python3 python3-venv) ;;
    services) packages+=(systemd) ;;
    *)
        echo "usage: $0 [build] [zookeeper] [clients] [services]" >&2
        exit 2
        ;;
    esac
done

if [[ " $* " == *" build "* ]] && ! command -v swift >/dev/null; then
    echo "Swift 6.2 or newer is needed and not on the PATH: https://www.swift.org/install/linux/" >&2
    exit 1
fi

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [[ $status == installed ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

if [[ $(id -u) == 0 ]]; then
    root=()
elif command -v sudo >/dev/null && { [[ -t 0 ]] || sudo --non-interactive true 2>/dev/null; }; then
    root=(sudo)
else
    echo "Missing packages, and neither root nor sudo at hand. Please run:" >&2
    echo "    apt-get install ${missing[*]}" >&2
    exit 1
fi

echo "Installing ${missing[*]}"
apt() { "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" </dev/null; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt update && apt install --yes --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    exit 1
fi

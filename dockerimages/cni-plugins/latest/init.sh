#!/usr/bin/env bash
# Fetches the plugins, by the checksum that their project publishes. RECIPE_GITHUB is another place for what https://github.com has.
set -euo pipefail
readonly arch=${1:?called as init.sh ARCH NAME VERSION} version=v${3#v}
readonly url=${RECIPE_GITHUB:-https://github.com}/containernetworking/plugins/releases/download/$version/cni-plugins-linux-$arch-$version.tgz
cluster-image fetch "$url" --output plugins.tgz --sha256-url "$url.sha256"
mkdir -p opt/cni/bin
tar -xzf plugins.tgz -C opt/cni/bin
rm -f plugins.tgz opt/cni/bin/LICENSE opt/cni/bin/README.md

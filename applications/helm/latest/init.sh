#!/usr/bin/env bash
# Leaves the program of the release asked for in opt/helm, checked against the checksum that is published beside it.
set -euo pipefail
readonly arch=${1:?called as init.sh ARCH NAME VERSION} version=${3:?called as init.sh ARCH NAME VERSION}
readonly url=${RECIPE_GET_HELM:-https://get.helm.sh}/helm-v${version#v}-linux-$arch.tar.gz

cluster-image fetch "$url" --sha256-url "$url.sha256sum" --output "$TMPDIR/helm.tar.gz"
rm -rf opt
mkdir opt
tar -xzf "$TMPDIR/helm.tar.gz" -C opt --strip-components=1 "linux-$arch/helm"

#!/usr/bin/env bash
# Fetches kubectl, by the checksum that its project publishes.
set -euo pipefail
readonly arch=${1:?called as init.sh ARCH NAME VERSION} version=v${3#v}
readonly url=https://dl.k8s.io/release/$version/bin/linux/$arch/kubectl
mkdir bin
cluster-image fetch "$url" --output bin/kubectl --sha256-url "$url.sha256" --mode 0755

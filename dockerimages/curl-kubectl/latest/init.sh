#!/usr/bin/env bash
# Fetches kubectl, by the checksum that its project publishes. RECIPE_DL_K8S is another place for what https://dl.k8s.io has.
set -euo pipefail
readonly arch=${1:?called as init.sh ARCH NAME VERSION} version=v${3#v}
readonly url=${RECIPE_DL_K8S:-https://dl.k8s.io}/release/$version/bin/linux/$arch/kubectl
mkdir bin
cluster-image fetch "$url" --output bin/kubectl --sha256-url "$url.sha256" --mode 0755

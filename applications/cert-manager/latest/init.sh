#!/usr/bin/env bash
# Leaves the chart of the version asked for in charts/cert-manager, and cmctl in opt/ where the release has it.
set -euo pipefail
readonly arch=${1:?called as init.sh ARCH NAME VERSION} version=${3:?called as init.sh ARCH NAME VERSION}
readonly repo=${RECIPE_JETSTACK_CHARTS:-https://charts.jetstack.io}
readonly releases=${RECIPE_GITHUB:-https://github.com}/cert-manager/cert-manager/releases/download

chart=$(cluster-image chart-version "$repo" cert-manager "$version")
rm -rf charts opt
helm pull cert-manager --repo "$repo" --version "$chart" --untar --untardir charts

# Before 1.15 the chart installs its CRDs by another value. A release knows only its own.
if [[ $(yq '.crds | has("enabled")' charts/cert-manager/values.yaml) != true ]]; then
  sed -i.orig 's/crds\.enabled=true/installCRDs=true/' Kubefile
  rm Kubefile.orig
fi

# Releases 1.7 to 1.14 have cmctl among their files; it has had releases of its own since.
if [[ $version =~ ^v?1\.([0-9]+)\. ]] && ((BASH_REMATCH[1] >= 7 && BASH_REMATCH[1] <= 14)); then
  mkdir opt
  cluster-image fetch "$releases/v${version#v}/cmctl-linux-$arch.tar.gz" --output "$TMPDIR/cmctl.tar.gz"
  tar -xzf "$TMPDIR/cmctl.tar.gz" -C opt cmctl
fi

#!/usr/bin/env bash
# Leaves what the image holds: a chart, a manifest, a list of further images, and a binary of the platform that is asked for.
set -euo pipefail
readonly arch=$1 version=$3
readonly charts=http://charts.example.com/stable files=http://files.example.com/hello

chart=$(cluster-image chart-version "$charts" hello "$version")
helm pull hello --repo "$charts" --version "$chart" --untar --untardir charts

mkdir -p manifests images/shim opt
cluster-image fetch "$files/$version/gateway.yaml" --output manifests/gateway.yaml
cluster-image fetch "$files/$version/images.txt" --output images/shim/hello
cluster-image fetch "$files/$version/hello-linux-$arch" --sha256-url "$files/$version/SHA256SUMS" --output opt/hello --mode 0755

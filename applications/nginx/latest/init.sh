#!/usr/bin/env bash
# Leaves the chart whose application version is the one asked for in charts/nginx.
set -euo pipefail
readonly version=${3:?called as init.sh ARCH NAME VERSION}
readonly repo=${RECIPE_BITNAMI_CHARTS:-https://charts.bitnami.com/bitnami}

chart=$(cluster-image chart-version "$repo" nginx "$version")
rm -rf charts
helm pull nginx --repo "$repo" --version "$chart" --untar --untardir charts

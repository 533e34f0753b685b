#!/usr/bin/env bash
# Pushes the charts of the cluster images beside this one to the zot registry of the cluster, below helm-charts/.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
address=$(kubectl get service zot -n zot -o jsonpath='{.spec.clusterIP}:{.spec.ports[0].port}')
helm registry login "$address" --insecure --username "$USERNAME" --password-stdin <<<"$PASSWORD"
# The images lie side by side; this one is two levels down.
while IFS= read -r chart; do
  helm package "$(dirname "$chart")" --destination "$work"
done < <(find ../.. -mindepth 4 -maxdepth 5 -path '*/charts/*/Chart.yaml')
find ../.. -maxdepth 5 -path '*/charts/*.tgz' -exec cp {} "$work" ';'
for package in "$work"/*.tgz; do
  helm push "$package" "oci://$address/helm-charts" --insecure-skip-tls-verify
done

#!/usr/bin/env bash
# Takes the hosts block of enable.sh out of CoreDNS again.
set -euo pipefail

domain=${REGISTRY_DOMAIN:-sealos.hub}
corefile=$(kubectl get configmap coredns -n kube-system -o jsonpath='{.data.Corefile}')
if ! grep -qE "^[[:space:]]+[^[:space:]]+ $domain\$" <<<"$corefile"; then
  exit 0
fi
changed=$(awk '/^    hosts \{$/ { skip = 1 } !skip { print } skip && /^    \}$/ { skip = 0 }' <<<"$corefile")
kubectl create configmap coredns -n kube-system --from-literal=Corefile="$changed" --dry-run=client -o yaml | kubectl apply --server-side --force-conflicts -f -
kubectl rollout restart deployment/coredns -n kube-system

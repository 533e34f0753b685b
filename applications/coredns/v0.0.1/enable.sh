#!/usr/bin/env bash
# Puts the registry's address, as this machine knows it, into the hosts plugin of CoreDNS.
set -euo pipefail

domain=${REGISTRY_DOMAIN:-sealos.hub}
address=$(awk -v name="$domain" '$1 !~ /^#/ { for (i = 2; i <= NF; i++) if ($i == name) { print $1; exit } }' /etc/hosts)
if [[ -z $address ]]; then
  echo "/etc/hosts does not know $domain: set REGISTRY_DOMAIN to the name of the registry" >&2
  exit 1
fi
corefile=$(kubectl get configmap coredns -n kube-system -o jsonpath='{.data.Corefile}')
if grep -qE "^[[:space:]]*hosts([[:space:]]|$)" <<<"$corefile"; then
  if grep -qF "$address $domain" <<<"$corefile"; then
    exit 0
  fi
  echo "CoreDNS has a hosts block already: add \"$address $domain\" to it by hand" >&2
  exit 1
fi
changed=$(awk -v line="        $address $domain" '
  { print }
  !done && /^\.:53[[:space:]]*\{/ { print "    hosts {"; print line; print "        fallthrough"; print "    }"; done = 1 }' <<<"$corefile")
kubectl create configmap coredns -n kube-system --from-literal=Corefile="$changed" --dry-run=client -o yaml | kubectl apply --server-side --force-conflicts -f -
kubectl rollout restart deployment/coredns -n kube-system
kubectl rollout status deployment/coredns -n kube-system --timeout=5m

#!/usr/bin/env bash
# Sets how many pods of CoreDNS there are, as REPLICAS says, and waits for them.
set -euo pipefail
replicas=${REPLICAS:-2}
case $replicas in
'' | 0* | *[!0-9]*)
    echo "REPLICAS=$replicas is no number from 1 on" >&2
    exit 2
    ;;
esac
kubectl --namespace kube-system scale deployment coredns --replicas "$replicas"
kubectl --namespace kube-system rollout status deployment coredns --timeout 5m

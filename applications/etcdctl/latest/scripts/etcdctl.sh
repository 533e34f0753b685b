#!/usr/bin/env bash
# etcdctl with the certificates that kubeadm made.
set -euo pipefail

pki=/etc/kubernetes/pki/etcd
export ETCDCTL_API=3 ETCDCTL_CACERT=$pki/ca.crt ETCDCTL_CERT=$pki/server.crt ETCDCTL_KEY=$pki/server.key
exec /usr/local/bin/etcdctl "$@"

#!/usr/bin/env bash
# Checks that Mayastor knows its nodes, and gives all of them huge pages and kernel modules.
set -euo pipefail
nodes=$(kubectl get nodes --selector openebs.io/engine=mayastor --output name | wc -l)
if ((nodes < 3)); then
  echo "Mayastor needs three nodes with the label openebs.io/engine=mayastor, and there are $nodes: kubectl label node NAME openebs.io/engine=mayastor" >&2
  exit 1
fi
sealos exec '
printf "%s\n" nbd nvmet nvmet_rdma nvme_fabrics nvme_tcp nvme_rdma nvme_loop >/etc/modules-load.d/mayastor.conf
while read -r module; do modprobe "$module"; done </etc/modules-load.d/mayastor.conf
echo vm.nr_hugepages = 1024 >/etc/sysctl.d/mayastor.conf
sysctl --load /etc/sysctl.d/mayastor.conf
systemctl restart kubelet'

#!/usr/bin/env bash
# Gives all nodes huge pages and the kernel modules that Mayastor uses.
set -euo pipefail
sealos exec '
printf "%s\n" nbd nvmet nvmet_rdma nvme_fabrics nvme_tcp nvme_rdma nvme_loop >/etc/modules-load.d/mayastor.conf
while read -r module; do modprobe "$module"; done </etc/modules-load.d/mayastor.conf
echo vm.nr_hugepages = 1024 >/etc/sysctl.d/mayastor.conf
sysctl --load /etc/sysctl.d/mayastor.conf'

#!/usr/bin/env bash
# Takes out what enable.sh put in.
set -euo pipefail

config=${CONTAINERD_CONFIG:-/etc/containerd/config.toml}
if ! grep -q 'runtimes.runwasi-wasmedge]' "$config"; then
  exit 0
fi
sed -i '/runtimes\.runwasi-wasmedge\]$/,/runtime_type = /d' "$config"
systemctl restart containerd

#!/usr/bin/env bash
# Takes out what enable.sh put in.
set -euo pipefail

config=${CONTAINERD_CONFIG:-/etc/containerd/config.toml}
if ! grep -q 'runtimes.runwasi-wasmtime]' "$config"; then
  exit 0
fi
sed -i '/runtimes\.runwasi-wasmtime\]$/,/runtime_type = /d' "$config"
systemctl restart containerd

#!/usr/bin/env bash
# Tells containerd of the runtime, once.
set -euo pipefail

config=${CONTAINERD_CONFIG:-/etc/containerd/config.toml}
if grep -q 'runtimes.runwasi-wasmedge]' "$config"; then
  exit 0
fi
table=$(grep -oE '^[[:space:]]*\[plugins\..*\.containerd\.runtimes\]' "$config" | head -n 1 | tr -d '[:space:]')
if [[ -z $table ]]; then
  echo "$config has no table of runtimes: containerd would not find the shim" >&2
  exit 1
fi
cp -p "$config" "$config.before-runwasi-wasmedge"
printf '\n%s\n  runtime_type = "io.containerd.wasmedge.v1"\n' "${table%]}.runwasi-wasmedge]" >>"$config"
systemctl restart containerd

#!/usr/bin/env bash
# Tells containerd of the runtime, once.
set -euo pipefail

config=${CONTAINERD_CONFIG:-/etc/containerd/config.toml}
if grep -q 'runtimes.runwasi-wasmtime]' "$config"; then
  exit 0
fi
table=$(grep -oE '^[[:space:]]*\[plugins\..*\.containerd\.runtimes\]' "$config" | head -n 1 | tr -d '[:space:]')
if [[ -z $table ]]; then
  echo "$config has no table of runtimes: containerd would not find the shim" >&2
  exit 1
fi
cp -p "$config" "$config.before-runwasi-wasmtime"
printf '\n%s\n  runtime_type = "io.containerd.wasmtime.v1"\n' "${table%]}.runwasi-wasmtime]" >>"$config"
systemctl restart containerd

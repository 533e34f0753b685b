#!/usr/bin/env bash
# Installs the release or brings it up to date; with uninstall=true, removes it. Running it again changes nothing.
set -eufo pipefail

if ! command -v helm >/dev/null; then
  echo "helm is not installed on this machine: run the cluster image of helm first" >&2
  exit 1
fi
if [[ ${uninstall:-false} == true ]]; then
  if helm status "$NAME" -n "$NAMESPACE" >/dev/null 2>&1; then
    helm uninstall "$NAME" -n "$NAMESPACE" --wait
  fi
  exit 0
fi
if [[ -f opt/cmctl ]]; then
  install -m 0755 opt/cmctl /usr/bin/cmctl
fi
# HELM_OPTS holds several words.
# shellcheck disable=SC2086
helm upgrade -i "$NAME" "$CHARTS" -n "$NAMESPACE" --create-namespace --wait $HELM_OPTS

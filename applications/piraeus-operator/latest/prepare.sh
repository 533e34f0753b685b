#!/usr/bin/env bash
# Checks that DRBD can be built on all nodes, and lets them watch more files.
set -euo pipefail
if ! sealos exec 'test -d "/lib/modules/$(uname -r)/build"'; then
  echo "a node lacks the headers of its kernel, with which DRBD is built: install them (linux-headers or kernel-devel) on all nodes" >&2
  exit 1
fi
sealos exec '
echo fs.inotify.max_user_instances=8192 >/etc/sysctl.d/piraeus.conf
sysctl --load /etc/sysctl.d/piraeus.conf'

#!/usr/bin/env bash
# Writes the version into the label that names the image of lvscare.
set -euo pipefail
readonly version=${3:?called as init.sh ARCH NAME VERSION}
sed -i.orig "s|lvscare:VERSION|lvscare:$version|" Kubefile
rm Kubefile.orig

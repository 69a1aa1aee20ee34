#!/bin/bash
# Builds hotcell into FILE, with the first program of its cells inside it:
# scripts/build.sh FILE [FLAGS OF go build…]
set -euo pipefail
file=$(realpath -m "$1")
shift
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CGO_ENABLED=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The same bytes from the same source, so that a build can be compared with another.
go build -trimpath -ldflags '-s -w -buildid=' -o "$work/hotcell-init" ./cmd/hotcell-init
gzip -9 -n "$work/hotcell-init"
# It is laid over the source and not written into it: two builds at once do not meet.
printf '{"Replace": {"%s": "%s"}}' "$PWD/internal/cell/program/hotcell-init.gz" "$work/hotcell-init.gz" >"$work/overlay.json"
go build -overlay "$work/overlay.json" -tags carried "$@" -o "$file" ./cmd/hotcell

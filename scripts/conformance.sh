#!/bin/bash
# Runs the scenarios of the MCP conformance suite that apply: against a toolbox by
# itself, and against a whole server's open port. The suite and the Node that it needs
# come from npm, once, into a folder below bin.
set -euo pipefail

suite=@modelcontextprotocol/conformance@0.1.16
node=node@22

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$root/bin/conformance
came=$folder/came

if [[ $(cat "$came" 2>/dev/null) != "$suite $node" ]]; then
  if ! command -v npm >/dev/null; then
    echo "conformance: npm is lacking: install it, or put $suite and $node into a folder and name that by HOTCELL_CONFORMANCE (docs/mcp.md)" >&2
    exit 1
  fi
  rm -rf "$folder"
  mkdir -p "$folder"
  (cd "$folder" && npm init -y >/dev/null && npm install --no-audit --no-fund "$node" "$suite")
  echo "$suite $node" >"$came"
fi
"$folder/node_modules/.bin/node" --version

cd "$root"
HOTCELL_CONFORMANCE=$folder go test -count 1 -v -timeout 10m -run '^TestConformance$' ./internal/worker/toolbox ./test

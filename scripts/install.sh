#!/bin/bash
# Brings what a fresh Debian lacks to build, test and run Hotcell. It looks
# first: where all is there it changes nothing, and needs no network and no root.
#
# Jobs see the host's /usr, read-only: what a job shall call by name must be a
# program of the distribution, not one in somebody's home.
set -euo pipefail

# What is needed, and the package that brings it.
need=(
  "/usr/bin/bwrap bubblewrap"                                    # cells
  "/usr/bin/python3 python3"                                     # jobs, tests, demo
  "/usr/bin/curl curl"                                           # jobs, tests, demo
  "/usr/bin/git git"                                             # jobs, building
  "/usr/bin/psql postgresql-client"                              # the demo's report
  "/usr/lib/postgresql/*/bin/initdb postgresql"                  # the demo's database, in a folder of its own
  "/usr/bin/openssl openssl"                                     # tests of what others see of TLS
  "/etc/ssl/certs/ca-certificates.crt ca-certificates"           # certificates inside cells
  "/usr/bin/pgrep procps"                                        # tests that look for processes left behind
  "/usr/bin/fuser psmisc"                                        # tests that look for files left open
  "/usr/lib/chromium/chromium-headless-shell chromium-headless-shell" # browsers of jobs
  "/usr/bin/gcc gcc"                                             # the race detector
  "/usr/include/stdlib.h libc6-dev"                              # the race detector
)

lacking=()
for line in "${need[@]}"; do
  read -r path package <<<"$line"
  compgen -G "$path" >/dev/null || lacking+=("$package")
done

if ((${#lacking[@]})); then
  echo "install: lacking: ${lacking[*]}"
  if ! command -v apt-get >/dev/null; then
    echo "install: this is no Debian: install the like of these packages by hand" >&2
    exit 1
  fi
  become=()
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      echo "install: run as root: apt-get install ${lacking[*]}" >&2
      exit 1
    fi
    become=(sudo)
  fi
  "${become[@]}" apt-get update -qq
  "${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${lacking[@]}"
fi

# Debian's own Go is older than what go.mod asks for.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
wanted=$(awk '$1 == "go" {print $2}' "$root/go.mod")
if ! command -v go >/dev/null; then
  echo "install: Go $wanted or newer is lacking: get it from https://go.dev/dl and put its bin folder into PATH" >&2
  exit 1
fi
found=$(cd "$root" && go env GOVERSION)
if [[ $(printf '%s\n' "$wanted" "${found#go}" | sort -V | head -n 1) != "$wanted" ]]; then
  echo "install: Go $wanted or newer is needed, and $found is here: get it from https://go.dev/dl" >&2
  exit 1
fi

# The agents' programs that tests start in cells, as npm has them, held against their
# digests. The users of cells must be able to read them.
if [[ ${1:-} == agents ]]; then
  folder=/opt/hotcell
  ((EUID == 0)) || folder=$root/bin/toolchains
  mkdir -p "$root/bin"
  printf 'cells: {toolchains: "%s"}\n' "$folder" >"$root/bin/toolchains.yaml"
  (cd "$root" && go run ./cmd/hotcell toolchains add --config bin/toolchains.yaml claude codex gemini opencode)
fi

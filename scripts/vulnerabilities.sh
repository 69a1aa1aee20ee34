#!/bin/bash
# Runs govulncheck, and says plainly when its database cannot be reached: that
# is no proof of anything, and no reason to fail either.
set -euo pipefail

output=$("$1" ./... 2>&1) && code=0 || code=$?
if ((code == 0 || code == 3)); then # 3: found some
  echo "$output"
  exit "$code"
fi
if grep -qiE 'fetching vulnerabilities|vuln\.go\.dev' <<<"$output"; then
  echo "govulncheck skipped: vulnerability database not reachable"
  exit 0
fi
echo "$output"
exit "$code"

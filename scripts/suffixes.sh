#!/bin/bash
# Writes internal/text/site/suffixes.txt anew: the rules of publicsuffix.org's list, as the
# npm package tldts carries them (it follows the list within days; Go's own copy within
# months). A line a rule, in ASCII, sorted by bytes; the private half ends in a tab and
# a p. Look at the difference before you commit it.
set -euo pipefail

version=${1:-7.6.0}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund "tldts@$version" >/dev/null
sed 's/^export const/const/' node_modules/tldts/src/data/trie.ts >trie.js
cat >>trie.js <<'JS'
const starts = [];
for (let at = 0, edge = 0; edge < edgeLength.length; edge++) { starts.push(at); at += edgeLength[edge]; }
const rules = [];
const walk = (node, name, mark) => {
  // Flag 1 is the half of registries (ICANN), 2 the private one.
  if (nodeFlags[node] && name && /^[\x21-\x7e]+$/.test(name)) rules.push(mark + name + (nodeFlags[node] & 1 ? "" : "\tp"));
  for (let edge = edgeStart[node]; edge < edgeStart[node + 1]; edge++) {
    const label = labelText.slice(starts[edge], starts[edge] + edgeLength[edge]);
    walk(edgeChild[edge], name ? label + "." + name : label, mark);
  }
};
walk(rulesRoot, "", "");
walk(exceptionsRoot, "", "!");
process.stdout.write([...new Set(rules)].sort().join("\n") + "\n");
JS
day=$(npm view "tldts@$version" time --json | sed -n "s/.*\"$version\": \"\(.\{10\}\).*/\1/p")
{ echo "publicsuffix.org (MPL 2.0), $day"; node trie.js; } >"$root/internal/text/site/suffixes.txt"
wc -l "$root/internal/text/site/suffixes.txt"

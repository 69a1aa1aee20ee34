# What a trial runs in the place of a job's command: $1 is the program that the job
# needs, the rest are the hosts, HOST:PORT, whose certificates are looked at. No request
# is sent to any. Each line is a verdict, a name and a detail, with tabs between.
tell() { printf '%s\t%s\t%s\n' "$1" "$2" "$3"; }
has() { command -v "$1" >/dev/null 2>&1; }

program=$1
shift
if [ -n "$program" ]; then
  if has "$program"; then
    said=$(timeout 30 "$program" --version </dev/null 2>&1 | grep -v '^Picked up' | head -n 1 | cut -c 1-100)
    tell ok program "$program is $(command -v "$program")${said:+: $said}"
  else
    tell LACK program "$program is not in the cell: give it an image, a toolchain (hotcell toolchains) or a mount (cells.mounts)"
  fi
fi

there=
for name in sh bash python3 node git curl java psql; do has "$name" && there="$there $name"; done
tell ok programs "there are$there"

list='{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}'
accept='application/json, text/event-stream'
if has curl; then
  tools=$(curl -sS --max-time 60 -H 'Content-Type: application/json' -H "Accept: $accept" -d "$list" "$HOTCELL_MCP_URL" 2>&1)
elif has python3; then
  tools=$(LIST=$list ACCEPT=$accept python3 -c 'import os, urllib.request as u
print(u.urlopen(u.Request(os.environ["HOTCELL_MCP_URL"], os.environ["LIST"].encode(), {"Content-Type": "application/json", "Accept": os.environ["ACCEPT"]})).read().decode())' 2>&1)
elif has node; then
  tools=$(LIST=$list ACCEPT=$accept node -e 'fetch(process.env.HOTCELL_MCP_URL, {method: "POST", body: process.env.LIST, headers: {"content-type": "application/json", accept: process.env.ACCEPT}}).then(r => r.text()).then(console.log, console.log)' 2>&1)
else
  tools=none
fi
case $tools in
  none) tell note tools "there is no curl, python3 or node to ask with" ;;
  *'"tools":'*) tell ok tools "$(printf %s "$tools" | grep -o '"inputSchema"' | wc -l | tr -d ' ') can be called" ;;
  *) tell LACK tools "they are not listed: $(printf %s "$tools" | tr '\n\t' '  ' | cut -c 1-200)" ;;
esac

for host in "$@"; do
  trusting= doubting=
  judge() { if [ "$2" -eq 0 ]; then trusting="$trusting $1"; else doubting="$doubting $1"; fi; }
  # curl and git have no way to shake hands and send nothing; they use what openssl does.
  if has openssl; then openssl s_client -verify_return_error -connect "$host" </dev/null >/dev/null 2>&1; judge openssl $?; fi
  if has python3; then HOST=$host python3 -c 'import os, socket, ssl
name, port = os.environ["HOST"].rsplit(":", 1)
ssl.create_default_context().wrap_socket(socket.create_connection((name, int(port)), 30), server_hostname=name)' >/dev/null 2>&1; judge python3 $?; fi
  if has node; then HOST=$host node -e 'const [host, port] = process.env.HOST.split(/:(?=\d+$)/)
require("tls").connect({host, port, servername: host}, () => process.exit(0)).on("error", () => process.exit(1))' >/dev/null 2>&1; judge node $?; fi
  if [ -n "$doubting" ]; then
    tell LACK trust "$host:$doubting did not connect, or does not trust the job's authority"
  elif [ -n "$trusting" ]; then
    tell ok trust "$host:$trusting trust the job's authority"
  else
    tell note trust "$host: there is no client to try it with"
  fi
done

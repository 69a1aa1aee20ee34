package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fetches are clients of HTTPS, each as a script that prints the status of what $URL
// answers, and the program without which it is left out.
var fetches = []struct{ name, program, script string }{
	{"curl", "curl", `curl -sS -o /dev/null -w '%{http_code}' "$URL"`},
	{"wget", "wget", `wget -S -O /dev/null "$URL" 2>&1 | grep -o ' 401 ' | tr -d ' ' | head -1`},
	{"openssl", "openssl", `printf 'GET /open HTTP/1.0\r\nHost: %s\r\n\r\n' "$HOST" | openssl s_client -quiet -verify_return_error -connect "$HOST" 2>/dev/null | head -1 | cut -d' ' -f2`},
	{"python's urllib", "python3", `python3 -c 'import os, urllib.request, urllib.error
try: print(urllib.request.urlopen(os.environ["URL"]).status)
except urllib.error.HTTPError as e: print(e.code)'`},
	{"node's fetch", "node", `node -e 'fetch(process.env.URL).then(r => console.log(r.status), e => console.log(e.cause))'`},
	{"node's https", "node", `node -e 'require("https").get(process.env.URL, r => { console.log(r.statusCode); r.resume() }).on("error", console.log)'`},
	{"git", "git", `git ls-remote "$URL" 2>&1 | grep -o 'error: 40[0-9]\|could not read Username\|Authentication failed' | sed 's/.*/401/' | head -1`},
	{"java", "java", javaFetch + `java /tmp/Fetch.java`},
	{"java's old client", "java", javaFetch + `java /tmp/Fetch.java old`},
	{"go", "", `/opt/clients/fetch`},
}

const javaFetch = `cat > /tmp/Fetch.java <<'END'
import java.net.*; import java.net.http.*;
public class Fetch { public static void main(String[] a) throws Exception {
  URI u = URI.create(System.getenv("URL"));
  if (a.length > 0) { System.out.println(((HttpURLConnection) u.toURL().openConnection()).getResponseCode()); return; }
  System.out.println(HttpClient.newHttpClient().send(HttpRequest.newBuilder(u).build(), HttpResponse.BodyHandlers.discarding()).statusCode());
} }
END
`

const goFetch = `package main
import ("fmt"; "net/http"; "os")
func main() { r, err := http.Get(os.Getenv("URL")); if err != nil { fmt.Println(err); return }; fmt.Println(r.StatusCode) }
`

// TestEveryClientTrustsTheJobsAuthority has each client of HTTPS that this machine has
// fetch something within a cell, where the gateway speaks for every host. A Java that
// is not told fails, so that the table can.
func TestEveryClientTrustsTheJobsAuthority(t *testing.T) {
	t.Parallel()
	clients := openFolder(t)
	source := filepath.Join(t.TempDir(), "fetch.go")
	if err := os.WriteFile(source, []byte(goFetch), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(clients, "fetch"), source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	a := openAcme(t, "cells: {mounts: [\""+clients+":/opt/clients\"]}\n")
	table := slices.Clone(fetches)
	if _, err := os.Stat("/usr/bin/java"); err == nil {
		table = append(table, struct{ name, program, script string }{"untold", "java", javaFetch + `env -u JAVA_TOOL_OPTIONS java /tmp/Fetch.java 2>&1 | grep -o -m1 'unable to find valid certification path'`})
	}
	var command strings.Builder
	command.WriteString("export URL=https://" + a.api + "/open HOST=" + a.api + "\n")
	for _, f := range table {
		command.WriteString("echo \"" + f.name + ": $(\n" + f.script + "\n)\"\n")
	}
	a.OK("assignments", "create", "clients", "--allow", a.api, "--memory", "2GiB", "--command", command.String())
	r := a.Server.Run("run", "clients")
	for _, f := range table {
		if f.program != "" {
			if _, err := exec.LookPath("/usr/bin/" + f.program); err != nil {
				t.Logf("%s is not on this machine", f.program)
				continue
			}
		}
		want := f.name + ": 401\n"
		if f.name == "untold" {
			want = "untold: unable to find valid certification path\n"
		}
		if !strings.Contains(r.Out, want) {
			t.Errorf("%s did not get its answer:\n%s\n%s", f.name, r.Out, r.Err)
		}
	}
}

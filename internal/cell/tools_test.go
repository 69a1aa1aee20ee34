package cell_test

import (
	"os/exec"
	"testing"
)

// What people's jobs are written in works in a cell.
func TestTools(t *testing.T) {
	t.Parallel()
	for tool, script := range map[string]string{
		"python3": `/usr/bin/python3 -c 'import ssl, json, socket, subprocess, threading, tempfile, multiprocessing; ssl.create_default_context(); multiprocessing.Lock(); print(subprocess.check_output(["id", "-u"]).decode(), end="")'`,
		"perl":    `perl -MSocket -e 'print qx(id -u)'`,
		"node":    `node -e 'console.log(require("child_process").execSync("id -u").toString().trim())'`,
		"git":     `git init -q /tmp/r && cd /tmp/r && git config user.email a@b && git config user.name a && git commit -q --allow-empty -m x && git log --oneline | wc -l >/dev/null && id -u`,
		"curl":    `curl --version >/dev/null && id -u`,
		"psql":    `psql --version >/dev/null && id -u`,
		"java":    `java -version 2>/dev/null && id -u`,
		"awk":     `awk 'BEGIN { "id -u" | getline u; print u }'`,
		"bash":    `bash -c 'cat <(id -u)'`,
		"sort":    `seq 1 100000 | sort -R | sort -n | tail -1 | sed s/100000/1000/`,
		"openssl": `openssl version >/dev/null && id -u`,
	} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			path, err := exec.LookPath("/usr/bin/" + tool)
			if err != nil {
				t.Skipf("%s is not on this machine (%s)", tool, path)
			}
			out, exit := sh(t, script)
			if exit.Code != 0 || out != "1000\n" {
				t.Errorf("got %+v and %q", exit, out)
			}
		})
	}
}

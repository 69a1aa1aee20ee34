package cell_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
)

const canary = "cn-7Q4vXr9+kTz/2mPwLd81"

func TestSecretReachesTheCommandAndNotTheLog(t *testing.T) {
	t.Parallel()
	f := &fake{spec: cellrpc.Spec{Command: `
test "$API_KEY" = '` + canary + `' && echo right
echo "raw $API_KEY"
printf %s "$API_KEY" | base64
printf 'x%s' "$API_KEY" | base64
printf 'xy%s' "$API_KEY" | base64
printf %s "$API_KEY" | od -An -tx1 | tr -d ' \n'; echo
printf '%.9s' "$API_KEY"; sleep 0.05; printf '%s\n' "${API_KEY#?????????}"
printf %s "$API_KEY" >&2
printf '%s\n' "$API_KEY" | fold -w1 | while read -r c; do printf %s "$c"; done; echo
echo end`}, secrets: secret("API_KEY", canary)}
	exit := run(t, f)
	if exit.Code != 0 || exit.Redactions < 8 {
		t.Errorf("got %+v", exit)
	}
	has(t, f.stdout(), "right\n", "raw [hotcell:billing]\n", "end\n")
	has(t, f.log("stderr"), "[hotcell:billing]")
	for _, text := range []string{f.stdout(), f.log("stderr")} {
		hasNot(t, text, canary, canary[:10], canary[len(canary)-10:], hex.EncodeToString([]byte(canary))[:20],
			base64.StdEncoding.EncodeToString([]byte(canary))[:16], base64.StdEncoding.EncodeToString([]byte("x" + canary))[8:20])
	}
}

// While the command runs, no process but it and its children has the value in
// its arguments or environment.
func TestSecretIsInNoOtherProcess(t *testing.T) {
	t.Parallel()
	f := &fake{secrets: secret("API_KEY", canary)}
	f.spec.Command = "echo ready; sleep 30"
	ready := make(chan struct{})
	f.onLog = func(_, text string) {
		if strings.Contains(text, "ready") {
			close(ready)
		}
	}
	r := start(t, f, nil)
	<-ready
	found := 0
	for _, pid := range tree(t, r.PID()) {
		for _, file := range []string{"cmdline", "environ"} {
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
			if err != nil || !bytes.Contains(b, []byte(canary)) {
				continue
			}
			exe, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
			if name := strings.TrimSpace(string(exe)); file != "environ" || name != "sh" && name != "sleep" {
				t.Errorf("the value is in the %s of %s", file, name)
			}
			found++
		}
	}
	if os.Geteuid() == 0 && found == 0 {
		t.Error("the value was looked for where it cannot be found")
	}
	r.Kill()
	if err := r.Wait(); err == nil {
		t.Error("a killed cell ended well")
	}
}

// tree is a process and all below it.
func tree(t testing.TB, root int) []int {
	t.Helper()
	parents := map[int]int{}
	statuses, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range statuses {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		parents[pid], _ = strconv.Atoi(fields[1])
	}
	var found []int
	for pid := range parents {
		for at := pid; at != 0; at = parents[at] {
			if at == root {
				found = append(found, pid)
				break
			}
		}
	}
	return found
}

func TestValuesOfAnyBytes(t *testing.T) {
	t.Parallel()
	var all []byte
	for b := 1; b < 256; b++ {
		all = append(all, byte(b))
	}
	f := &fake{spec: cellrpc.Spec{Command: `printf %s "$A" | sha256sum; printf %s "$BIG" | wc -c; echo "$LAST"`}}
	f.secrets = []vaultrpc.LeasedSecret{{Credential: "odd", Variables: []vaultrpc.LeasedVariable{
		{Name: "A", Value: all}, {Name: "BIG", Value: bytes.Repeat([]byte("0123456789abcdef"), 4096)}, {Name: "LAST", Value: []byte("on")},
	}}}
	if exit := run(t, f); exit.Code != 0 {
		t.Errorf("got %+v", exit)
	}
	has(t, f.stdout(), fmt.Sprintf("%x  -\n65536\non\n", sha256.Sum256(all)))
}

func TestLeaseIsAskedForOnceAndOnlyThen(t *testing.T) {
	t.Parallel()
	f := &fake{spec: cellrpc.Spec{Command: "env", Env: map[string]string{"PLAIN": "text", "LD_PRELOAD": "/job/x.so", "TERM": "xterm"}}}
	run(t, f)
	if f.leases != 1 {
		t.Errorf("the lease was asked for %d times", f.leases)
	}
	var order []string
	for _, call := range f.calls {
		if call != "POST /log" && call != "GET /spec" {
			order = append(order, call)
		}
	}
	if got := strings.Join(order, " "); got != "POST /lease POST /started POST /exit" {
		t.Errorf("the calls were %s", got)
	}
	has(t, f.stdout(), "PLAIN=text\n", "TERM=xterm\n", "HOTCELL_JOB=job_test\n")
	hasNot(t, f.stdout(), "LD_PRELOAD")
}

func TestJobWithoutItsLeaseDoesNotRun(t *testing.T) {
	t.Parallel()
	other, err := parcel.Generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		lease func(*fake) http.HandlerFunc
		want  string
	}{
		"refused": {func(*fake) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "the grant is dead", http.StatusForbidden) }
		}, "the grant is dead"},
		"of another job": {func(f *fake) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				message, err := f.seal(r.Body, "job_other")
				if err != nil {
					t.Error(err)
				}
				_ = json.NewEncoder(w).Encode(cellrpc.LeaseAnswer{Message: message})
			}
		}, "not sealed for this job"},
		"to another key": {func(*fake) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				message, err := parcel.SealInfo(other.Public(), vaultrpc.LeaseInfo("job_test"), []byte("[]"))
				if err != nil {
					t.Error(err)
				}
				_ = json.NewEncoder(w).Encode(cellrpc.LeaseAnswer{Message: message})
			}
		}, "not sealed for this job"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{spec: cellrpc.Spec{Command: "echo ran"}, secrets: secret("API_KEY", canary)}
			f.lease = c.lease(f)
			exit := run(t, f)
			if exit.Code != -1 || !strings.Contains(exit.Reason, c.want) || f.stdout() != "" {
				t.Errorf("got %+v and %q", exit, f.stdout())
			}
		})
	}
}

func TestOutputIsGuarded(t *testing.T) {
	t.Parallel()
	f := &fake{spec: cellrpc.Spec{Command: `
mkdir out/sub; echo "key: $API_KEY." > out/sub/report; touch "out/$(printf %s "$API_KEY" | tr / _)" "out/x-$PLAINER"
ln -s /etc/passwd out/link; ln -s /proc/1/environ out/init; ln -s /tmp/"$PLAINER" out/told; mkfifo out/pipe; ln out/sub/report out/again; chmod 0 out/sub/report`},
		secrets: append(secret("API_KEY", canary), secret("PLAINER", "zq8-WmB31-uuNNp")...)}
	exit := run(t, f)
	if exit.Code != 0 || exit.Reason != "" {
		t.Errorf("got %+v", exit)
	}
	got := map[string]string{}
	for r := tar.NewReader(bytes.NewReader(f.out)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, _ := io.ReadAll(r)
		got[h.Name] = string(h.Typeflag) + h.Linkname + string(content)
	}
	if got["sub/report"] != "0key: [hotcell:billing].\n" || got["again"] != got["sub/report"] {
		t.Errorf("the report is %q, its link %q", got["sub/report"], got["again"])
	}
	if got["link"] != "2/etc/passwd" || got["init"] != "2/proc/1/environ" || got["told"] != "2/tmp/[hotcell:billing]" {
		t.Errorf("the links are %q, %q and %q", got["link"], got["init"], got["told"])
	}
	if _, there := got["pipe"]; there {
		t.Error("a pipe was sent")
	}
	if _, there := got["x-[hotcell:billing]"]; !there {
		t.Errorf("a name was not guarded: %v", got)
	}
	hasNot(t, string(f.out), canary, "zq8-WmB31-uuNNp", "root:x")
}

func TestOutputThatLeadsElsewhereIsNotFollowed(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/etc", "/proc/1", "/proc/1/root", "/usr/share"} {
		f := &fake{spec: cellrpc.Spec{Command: "rmdir out && ln -s " + target + " out"}}
		if exit := run(t, f); exit.Code != 0 || f.out != nil {
			t.Errorf("%s: got %+v and %d bytes", target, exit, len(f.out))
		}
	}
}

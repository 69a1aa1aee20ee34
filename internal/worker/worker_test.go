package worker_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"hotcell"
	"hotcell/internal/cell"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/workerrpc"
	"hotcell/internal/worker"
)

var digest = strings.Repeat("0a", 32)

func archive(t *testing.T, name, content string) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content))})
	_, written := io.WriteString(w, content)
	if err := errors.Join(err, written, w.Close()); err != nil {
		t.Fatal(err)
	}
	return &b
}

// contents reads an archive.
func contents(t *testing.T, r io.Reader) map[string]string {
	t.Helper()
	out := map[string]string{}
	for a := tar.NewReader(r); ; {
		h, err := a.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(a)
		if err != nil {
			t.Fatal(err)
		}
		out[h.Name] = string(b)
	}
}

func TestFilesComeInAndOutputComesBack(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	if got := h.put(t, http.MethodHead, digest, nil); got != http.StatusNotFound {
		t.Errorf("before it was given: %d", got)
	}
	if got := h.put(t, http.MethodPut, digest, archive(t, "in.txt", "from outside")); got != http.StatusNoContent {
		t.Errorf("given: %d", got)
	}
	if got := h.put(t, http.MethodHead, digest, nil); got != http.StatusOK {
		t.Errorf("after it was given: %d", got)
	}
	j := jobOf(`pwd; cat in.txt; echo >&2 aside; mkdir -p out; cp in.txt out/back.txt; head -c 700000 /dev/zero > out/long; echo "$1" > in.txt; exit 3`)
	j.Work.Files, j.Arguments = &hotcell.Files{Digest: digest}, []string{"--month", "2026-11"}
	for range 2 { // a fresh copy each time
		got, err := h.run(t.Context(), j, nil)
		if err != nil || got.end == nil || got.end.Code == nil {
			t.Fatalf("%v, %+v: %s", err, got, h.log)
		}
		if *got.end.Code != 3 || got.end.Reason != "" || !got.started || got.stdout.String() != "/job\nfrom outside" || got.stderr.String() != "aside\n" {
			t.Errorf("code %d, %s; %q, %q", *got.end.Code, got.end.Reason, got.stdout.String(), got.stderr.String())
		}
		if got.end.Output == 0 || got.end.Output != int64(got.out.Len()) {
			t.Errorf("%d bytes of output came of %d", got.out.Len(), got.end.Output)
		}
		if out := contents(t, &got.out); out["back.txt"] != "from outside" || len(out["long"]) != 700000 {
			t.Errorf("the output holds %q, %d bytes", out["back.txt"], len(out["long"]))
		}
	}
}

func TestOnlyDigestsNameFiles(t *testing.T) {
	t.Parallel()
	h := open(t, func(h *house, _ *worker.Config) { h.driver.lack = []cell.Precondition{{Met: true}} })
	for _, name := range []string{"x", "..%2f..%2fx", strings.ToUpper(digest), digest + "00", strings.Repeat("zz", 32)} {
		for _, method := range []string{http.MethodHead, http.MethodPut} {
			if got := h.put(t, method, name, strings.NewReader("x")); got != http.StatusNotFound {
				t.Errorf("%s %s: %d", method, name, got)
			}
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://worker"+workerrpc.FilesPath+digest,
		io.MultiReader(strings.NewReader("half"), iotest.ErrReader(errors.New("the line broke"))))
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := h.HTTP().Do(r); err == nil {
		_ = answer.Body.Close()
		t.Errorf("a broken line: %d", answer.StatusCode)
	}
	if got := h.put(t, http.MethodHead, digest, nil); got != http.StatusNotFound {
		t.Errorf("half of it is kept: %d", got)
	}
}

func TestAMachineThatCannotConfineRunsNothing(t *testing.T) {
	t.Parallel()
	h := open(t, func(h *house, _ *worker.Config) {
		h.driver.lack = []cell.Precondition{
			{Name: "landlock", Needed: true, Detail: "the kernel has none"}, {Name: "seccomp", Needed: true, Met: true}, {Name: "cgroup", Detail: "none"},
		}
	})
	got, err := h.run(t.Context(), jobOf("true"), nil)
	if !errors.Is(err, hotcell.ErrDenied) || !strings.Contains(err.Error(), "landlock: the kernel has none") || strings.Contains(err.Error(), "cgroup") {
		t.Errorf("%v", err)
	}
	if got.started || got.end != nil || len(h.driver.made()) != 0 {
		t.Errorf("something ran: %+v", got)
	}
	health, err := rpc.Call[struct{}, workerrpc.HealthAnswer](t.Context(), h.Client, workerrpc.Health, &struct{}{})
	if err != nil || len(health.Problems) != 1 {
		t.Errorf("%+v, %v", health, err)
	}
}

func TestWhyAJobDidNotGoWell(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	missing := jobOf("cat in.txt")
	missing.Work.Files = &hotcell.Files{Digest: strings.Repeat("f", 64)}
	for name, c := range map[string]struct {
		job    hotcell.Job
		code   int
		reason string
	}{
		"no such command": {jobOf("no-such-command"), 127, "does not exist in the cell"},
		"a signal":        {jobOf("kill -9 $$"), 137, "ended by the signal SIGKILL (exit code 137)"},
		"a shell's word":  {jobOf("kill -SEGV $$"), 139, "ended by the signal SIGSEGV"},
		"a full folder":   {jobOf("for n in 1 2 3; do head -c 30M /dev/zero > /job/$n || exit 9; done"), 9, "no room left in /job: its limit is 64 MiB a folder (exit code 9)"},
		"a full /tmp":     {jobOf("for n in 1 2 3; do head -c 30M /dev/zero > /tmp/$n || exit 1; done"), 1, "no room left in /tmp"},
		"its own word":    {jobOf("exit 3"), 3, ""},
		"full, and well":  {jobOf("for n in 1 2 3; do head -c 30M /dev/zero > /tmp/$n; done; exit 0"), 0, ""},
		"no files":        {missing, -1, "fetching the assignment's files"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := h.run(t.Context(), c.job, nil)
			if err != nil || got.end == nil {
				t.Fatalf("%+v, %v", got, err)
			}
			code := -1
			if got.end.Code != nil {
				code = *got.end.Code
			}
			if code != c.code || !strings.Contains(got.end.Reason, c.reason) || c.reason == "" && got.end.Reason != "" || got.started != (code >= 0) {
				t.Errorf("code %d: %s", code, got.end.Reason)
			}
		})
	}
}

func TestARefusedLeaseStartsNothing(t *testing.T) {
	t.Parallel()
	h := open(t, func(h *house, _ *worker.Config) { h.deny = fmt.Errorf("%w: the grant is dead", hotcell.ErrDenied) })
	got, err := h.run(t.Context(), jobOf("echo it ran"), nil)
	if err != nil || got.end == nil || got.end.Code != nil || !strings.Contains(got.end.Reason, "the grant is dead") {
		t.Fatalf("%+v, %v", got.end, err)
	}
	if got.started || got.stdout.String() != "" {
		t.Errorf("it ran: %q", got.stdout.String())
	}
}

func TestAJobRunsOnceAtATime(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	j := jobOf("echo up; sleep 1000")
	ctx, cancel := context.WithCancel(t.Context())
	up, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		_, _ = h.run(ctx, j, func(string) { close(up) })
	}()
	<-up
	if _, err := h.run(t.Context(), j, nil); !errors.Is(err, hotcell.ErrConflict) {
		t.Errorf("a second time: %v", err)
	}
	if n := len(h.driver.made()); n != 1 {
		t.Errorf("%d cells were made", n)
	}
	cancel()
	<-done
}

// TestALimitThatCannotBeKeptIsSaid runs no job without a limit that it is to have.
func TestALimitThatCannotBeKeptIsSaid(t *testing.T) {
	t.Parallel()
	h := open(t, nil) // without cgroups
	j := jobOf("echo it ran")
	j.Work.Limits.CPU = 1
	got, err := h.run(t.Context(), j, nil)
	if !errors.Is(err, hotcell.ErrDenied) || !strings.Contains(err.Error(), "take --cpu away") || got.stdout.String() != "" {
		t.Errorf("%q, %v", got.stdout.String(), err)
	}
}

package test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/test/prove"
)

// floods are the kinds of testdata/flood.py.
var floods = []string{
	"requests", "headers", "long paths", "unfinished bodies", "packed bodies", "unread answers", "held connections", "idle connections", "names", "refusals", "lines", "sessions",
}

// openFlooded is the company, an assignment that floods by its argument, and one that
// does nothing.
func openFlooded(t testing.TB) *firm {
	t.Helper()
	a := openAcme(t, "")
	if r := a.RunWith(a.Key+"\n", "connections", "create", "http", "--name", "billing", "--host", a.api, "--auth", "bearer", "--api-key-file", "-"); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	folder := t.TempDir()
	program, err := os.ReadFile(filepath.Join("testdata", "flood.py"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(folder, "flood.py"), program, 0o600))
	a.OK("assignments", "create", "flood", "--command", "python3 flood.py", "--files", folder, "--allow", a.api)
	a.OK("assignments", "attach", "flood", "billing", "--as", "http")
	a.OK("assignments", "create", "quick", "--command", "true")
	return a
}

// flood starts a job that floods, and returns what ends it.
func (a *firm) flood(t testing.TB, kind string) (stop func()) {
	t.Helper()
	id := hotcell.JobID(a.OK("run", "flood", "--detach", "--", kind, a.api))
	for {
		j, err := a.Client.Job(context.Background(), id)
		must(t, err)
		if j.State == hotcell.JobRunning {
			break
		}
		if j.State.Final() {
			t.Fatalf("the job that floods is %s: %s\n%s", j.State, j.Reason, a.Server.Run("jobs", "logs", string(id)).Err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(3 * time.Second) // until it is under way
	return func() {
		a.OK("jobs", "cancel", string(id))
	}
}

// descriptors are how many files a process has open.
func descriptors(pid int) int {
	list, _ := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/fd")
	return len(list)
}

// parts are the processes of the server that are not its jobs'.
func (a *firm) parts(t testing.TB) (out []process) {
	t.Helper()
	all := running(t)
	out = append(out, all[a.PID()])
	for _, p := range below(all, a.PID()) {
		if p.parent == a.PID() {
			out = append(out, p)
		}
	}
	return out
}

// A job that floods, in any way, holds no more than its share of the server, and others
// run beside it. What it held is free when it has ended. Each time some kinds are tried,
// all by `make prove`.
func TestProveAJobThatFloodsHoldsItsShare(t *testing.T) {
	t.Parallel()
	a := openFlooded(t)
	before := a.parts(t)
	for _, at := range rand.Perm(len(floods))[:prove.Trials(4, len(floods))] {
		kind := floods[at]
		stop := a.flood(t, kind)
		for range 3 {
			if r := a.Server.Run("run", "quick"); r.Code != 0 {
				t.Errorf("%s: a job beside it: %+v", kind, r)
			}
		}
		parts := a.parts(t)
		if used := memory(t, parts); used > 800 {
			t.Errorf("%s: the server takes %.0f MiB", kind, used)
		}
		for _, p := range parts {
			if n := descriptors(p.pid); n > 3000 {
				t.Errorf("%s: %s has %d descriptors", kind, strings.Join(p.words[:min(len(p.words), 2)], " "), n)
			}
		}
		stop()
		eventually(t, kind+": its descriptors are free", func() bool {
			return !slices.ContainsFunc(a.parts(t), func(p process) bool { return descriptors(p.pid) > 250 })
		})
	}
	after := a.parts(t)
	same := func(p process) bool {
		return slices.ContainsFunc(after, func(q process) bool { return p.pid == q.pid })
	}
	if len(after) != len(before) || slices.ContainsFunc(before, func(p process) bool { return !same(p) }) {
		t.Error("a part of the server was started again")
	}
	if r := a.Server.Run("audit", "verify"); r.Code != 0 {
		t.Errorf("the audit log: %+v", r)
	}
	a.Canaries(a.Key)
}

// BenchmarkBesideAFlood is a job of `true`, from its command to its end, beside a job
// that floods, as a multiple of one alone.
func BenchmarkBesideAFlood(b *testing.B) {
	a := openFlooded(b)
	median := func() float64 {
		var took []time.Duration
		for range 9 {
			began := time.Now()
			if r := a.Server.Run("run", "quick"); r.Code != 0 {
				b.Fatalf("%+v", r)
			}
			took = append(took, time.Since(began))
		}
		p50, _ := quantiles(took)
		return p50
	}
	for _, kind := range floods {
		b.Run(strings.ReplaceAll(kind, " ", "-"), func(b *testing.B) {
			for b.Loop() {
				alone := median()
				stop := a.flood(b, kind)
				beside := median()
				stop()
				b.ReportMetric(beside/alone, "x")
				fmt.Fprintf(os.Stderr, "%s: %.0f ms alone, %.0f ms beside\n", kind, alone, beside)
			}
		})
	}
}

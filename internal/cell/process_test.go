package cell_test

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"hotcell/internal/cell"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/socketpair"
)

// busy is a cell whose command and children run until they are ended.
func busy(t *testing.T, change func(*cell.Config)) (*running, []int) {
	t.Helper()
	ready := make(chan struct{}, 8)
	f := &fake{spec: cellrpc.Spec{Command: `trap '' TERM INT HUP; for i in 1 2 3; do setsid sh -c 'trap "" TERM; while :; do sleep 100; done' & done; echo ready; wait`}}
	f.onLog = func(string, string) { ready <- struct{}{} }
	r := start(t, f, change)
	<-ready
	pids := tree(t, r.PID())
	if len(pids) < 6 {
		t.Fatalf("the cell has %d processes only", len(pids))
	}
	return r, pids
}

// gone says which of the processes still are, be it to be waited for by the
// machine. Pids are not given out again so soon.
func gone(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
		if err == nil && !strings.Contains(string(status), "State:\tX") && !strings.Contains(string(status), "State:\tZ") {
			t.Errorf("process %d is still there:\n%s", pid, status)
		}
	}
}

func TestEveryEndIsTheEndOfAll(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*running){
		"kill":                 func(r *running) { r.Kill() },
		"killed twice":         func(r *running) { r.Kill(); r.Kill() },
		"gateway gone":         func(r *running) { r.hangUp() },
		"bwrap killed by some": func(r *running) { _ = syscall.Kill(r.PID(), syscall.SIGKILL) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, pids := busy(t, nil)
			end(r)
			if err := r.Wait(); err == nil {
				t.Error("the cell ended well")
			}
			gone(t, pids)
			r.Kill() // an ended cell is no other process
		})
	}
}

func TestContextEndsTheCell(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dial, listen, err := socketpair.Pair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listen.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	// Nobody answers at this gateway.
	p, err := cell.NewBubblewrap(cell.Options{Binary: self}).Start(ctx, cell.Config{Gateway: dial, Disk: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	_ = dial.Close()
	cancel()
	if err := p.Wait(); err == nil {
		t.Error("the cell ended well")
	}
	gone(t, []int{p.PID()})
}

func TestLeftOversDoNotHoldTheJobUp(t *testing.T) {
	t.Parallel()
	out, exit := sh(t, `setsid sh -c 'trap "" TERM HUP; while :; do echo spam; done' & sleep 0.1; echo main; exit 5`)
	if exit.Code != 5 {
		t.Errorf("got %+v", exit)
	}
	has(t, out, "main\n")
}

func TestLargeOutputComesInOrder(t *testing.T) {
	t.Parallel()
	f := &fake{spec: cellrpc.Spec{Command: "seq 1 300000; seq 1 300000 >&2"}, secrets: secret("API_KEY", canary)}
	if exit := run(t, f); exit.Code != 0 || exit.Redactions != 0 {
		t.Errorf("got %+v", exit)
	}
	for _, stream := range []string{"stdout", "stderr"} {
		lines := strings.Split(f.log(stream), "\n")
		if len(lines) != 300001 || lines[0] != "1" || lines[299999] != "300000" || !slices.IsSortedFunc(lines[:300000], func(a, b string) int { return len(a) - len(b) }) {
			t.Errorf("%s has %d lines", stream, len(lines))
		}
	}
}

func TestArgumentsBeyondWhatAProcessTakes(t *testing.T) {
	t.Parallel()
	f := &fake{spec: cellrpc.Spec{Command: "echo ran", Arguments: []string{strings.Repeat("x", 1<<18)}}}
	exit := run(t, f)
	if exit.Code != -1 || !strings.Contains(exit.Reason, "more than a process can be given") {
		t.Errorf("got %+v", exit)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range cell.NewBubblewrap(cell.Options{Binary: self, Bundle: bundle}).Check(t.Context()) {
		t.Logf("%s: %v: %s", p.Name, p.Met, p.Detail)
		if p.Detail == "" || p.Needed && !p.Met {
			t.Errorf("%+v", p)
		}
	}
}

func TestMachineWithoutBubblewrap(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	driver := cell.NewBubblewrap(cell.Options{Binary: "/bin/true"})
	if _, err := driver.Start(t.Context(), cell.Config{Disk: 1 << 20}); err == nil || !strings.Contains(err.Error(), "apt-get install bubblewrap") {
		t.Errorf("got %v", err)
	}
	for _, p := range driver.Check(t.Context()) {
		if (p.Name == "bubblewrap" || p.Name == "cell") && p.Met {
			t.Errorf("got %+v", p)
		}
	}
}

// A program that is no hotcell makes no cell, and Check says so.
func TestCheckOfACellThatDoesNotStart(t *testing.T) {
	t.Parallel()
	list := cell.NewBubblewrap(cell.Options{Binary: "/bin/false"}).Check(t.Context())
	if last := list[len(list)-1]; last.Name != "cell" || last.Met || !last.Needed || last.Detail == "" {
		t.Errorf("got %+v", last)
	}
}

// Users of cells need not be able to read the program's file, or reach it.
func TestProgramOutOfReach(t *testing.T) {
	t.Parallel()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/hotcell"
	if err := os.WriteFile(path, self, 0o700); err != nil {
		t.Fatal(err)
	}
	f := &fake{spec: cellrpc.Spec{Command: "echo ran"}}
	r := startWith(t, f, path, nil)
	if err := r.Wait(); err != nil || f.stdout() != "ran\n" {
		t.Errorf("got %v, %q: %s", err, f.stdout(), r.stderr)
	}
}

func BenchmarkStart(b *testing.B) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		f := &fake{spec: cellrpc.Spec{Command: "true"}, secrets: secret("API_KEY", canary)}
		r := startWith(b, f, self, nil)
		if err := r.Wait(); err != nil {
			b.Fatal(err)
		}
		r.hangUp()
	}
}

func BenchmarkBareBubblewrap(b *testing.B) {
	for b.Loop() {
		cmd := bare()
		if err := cmd.Run(); err != nil {
			b.Fatal(err)
		}
	}
}

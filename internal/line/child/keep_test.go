package child_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/line/child"
)

func TestASuccessorServesTheSameLine(t *testing.T) {
	t.Parallel()
	c, d, _ := start(t, "child-echo")
	first, dumpable, env := ask(t, d)
	if first != c.PID() || dumpable != 0 || env != "LANG=C.UTF-8" {
		t.Errorf("pid %d, want %d; dumpable %d; environment %s", first, c.PID(), dumpable, env)
	}
	if err := unix.Kill(first, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	second, _, _ := ask(t, d) // waits in the line until the successor is there
	if second == first || second != c.PID() {
		t.Errorf("pid %d after %d, want %d", second, first, c.PID())
	}
	c.Stop()
	if err := unix.Kill(second, 0); err == nil {
		t.Error("it lives on after Stop")
	}
}

func TestOneWithoutHopeIsNotStartedAgain(t *testing.T) {
	t.Parallel()
	c, _, out := start(t, "child-hopeless")
	select {
	case err := <-c.Failed():
		if err == nil {
			t.Error("no error")
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it never gave up")
	}
	out.mu.Lock()
	defer out.mu.Unlock()
	if strings.Count(out.b.String(), "the key is gone") != 1 {
		t.Errorf("it said %q", out.b.String())
	}
}

func TestOneThatDiesAgainAndAgainIsStartedAgain(t *testing.T) {
	t.Parallel()
	c, out := run(t, child.Spec{Arguments: []string{"child-mortal"}})
	waitFor(t, "it is born four times", func() bool { return strings.Count(out.String(), "born") >= 4 })
	c.Stop()
	before := out.String()
	select {
	case err := <-c.Failed():
		t.Errorf("it was given up: %v", err)
	default:
	}
	if after := out.String(); after != before {
		t.Error("it was born after Stop")
	}
}

func TestStopEndsOneThatDoesNotListen(t *testing.T) {
	t.Parallel()
	c, out := run(t, child.Spec{Arguments: []string{"child-deaf"}, Grace: 50 * time.Millisecond})
	waitFor(t, "it is born", func() bool { return out.String() != "" })
	pid := c.PID()
	c.Stop()
	if err := unix.Kill(pid, 0); err == nil {
		t.Error("it lives on after Stop")
	}
}

func TestWhatIsNotThereIsNotStarted(t *testing.T) {
	t.Parallel()
	_, err := child.Start(t.Context(), child.Spec{Name: "vault", Binary: "/nowhere/at/all", Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "starting the vault") {
		t.Errorf("%v", err)
	}
}

// A server that was killed leaves nobody behind.
func TestAChildDiesWithItsParent(t *testing.T) {
	t.Parallel()
	parent := exec.Command(os.Args[0], "child-parent")
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	_, err = fmt.Fscan(stdout, &pid)
	if err := errors.Join(err, parent.Process.Kill()); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	waitFor(t, "it is dead", func() bool {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		return err != nil || strings.Contains(string(status), "State:\tZ")
	})
}

func TestAChildGetsNoOtherDescriptor(t *testing.T) {
	t.Parallel()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	left, err := unix.Dup(int(null.Fd())) // as a shell leaves one to whom it starts
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(left) }()
	_, out := run(t, child.Spec{Arguments: []string{"child-seen"}, Lines: []*os.File{null, null}})
	if got := look(t, out).Descriptors; !slices.Equal(got, []int{3, 4}) {
		t.Errorf("it has %d beside the standard three", got)
	}
}

func look(t *testing.T, out *words) (s sight) {
	t.Helper()
	waitFor(t, "it speaks", func() bool { return strings.Contains(out.String(), "\n") })
	if err := json.Unmarshal([]byte(out.String()), &s); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	return s
}

func TestTheWorkerHasAPathAndNothingElse(t *testing.T) {
	t.Parallel()
	_, out := run(t, child.Spec{Arguments: []string{"child-worker"}})
	waitFor(t, "it speaks", func() bool { return strings.Contains(out.String(), "\n") })
	if got := out.String(); got != "[PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin] <nil>\n" {
		t.Errorf("its environment: %s", got)
	}
}

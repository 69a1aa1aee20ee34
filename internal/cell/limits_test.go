package cell_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotcell/internal/cell"
	"hotcell/internal/line/cellrpc"
)

func TestLimitsOfAProcess(t *testing.T) {
	t.Parallel()
	f := &fake{spec: cellrpc.Spec{
		Limits: cellrpc.Limits{Memory: 256 << 20, Pids: 40, FileSize: 1 << 20, OpenFiles: 100, CPUSeconds: 50},
		Command: `ulimit -d; ulimit -f; ulimit -n; ulimit -t; ulimit -c; ulimit -H -n
head -c 3000000 /dev/zero > large; wc -c < large
perl -e '$x = "x" x 400_000_000; print "had it\n"' 2>&1`,
	}}
	exit := run(t, f)
	if exit.Code == 0 {
		t.Errorf("got %+v", exit)
	}
	has(t, f.stdout(), "262144\n2048\n100\n50\n0\n100\n1048576\n")
	hasNot(t, f.stdout(), "had it")
}

// fork makes processes until it is refused, and says how many.
const fork = `i=0; while [ $i -lt 500 ]; do sleep 30 & i=$((i+1)); done; echo all of them`

func TestProcessesAreBounded(t *testing.T) {
	t.Parallel()
	for name, user := range users(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{spec: cellrpc.Spec{Limits: cellrpc.Limits{Pids: 30}, Command: fork}}
			as(t, user, f)
			hasNot(t, f.stdout(), "all of them")
			has(t, strings.ToLower(f.log("stderr")), "fork")
		})
	}
}

func TestDiskIsBounded(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"/job", "/tmp", "/home/job", "/dev/shm"} {
		f := &fake{spec: cellrpc.Spec{Command: "head -c 80000000 /dev/zero > " + folder + "/large || exit 9"}}
		if exit := run(t, f); exit.Code != 9 {
			t.Errorf("%s: got %+v", folder, exit)
		}
		has(t, f.log("stderr"), "No space left on device")
	}
}

// cgroups is a place for cgroups, where this process may make one.
func cgroups(t *testing.T) *cell.Cgroups {
	t.Helper()
	name := fmt.Sprintf("hotcell-cell-test-%d-%s", os.Getpid(), t.Name())
	c, err := cell.OpenCgroups(name)
	if err != nil {
		t.Skipf("no cgroup can be made here: %v", err)
	}
	t.Cleanup(func() {
		c.Close()
		if left, _ := filepath.Glob("/sys/fs/cgroup/*/" + name); len(left) > 0 {
			t.Errorf("cgroups are left: %v", left)
		}
	})
	return c
}

func TestCgroupBoundsTheJobAsAWhole(t *testing.T) {
	t.Parallel()
	place := cgroups(t)
	for name, c := range map[string]struct {
		command string
		memory  bool
	}{
		"memory":    {`mkfifo hold; perl -e '$x = "x" x 60_000_000; open F, "<", "hold"' & perl -e '$x = "x" x 60_000_000'`, true},
		"disk":      {`head -c 60000000 /dev/zero > /tmp/a; head -c 60000000 /dev/zero > /job/b; echo all of them`, true},
		"processes": {fork, false},
	} {
		t.Run(name, func(t *testing.T) {
			group, err := place.New(name, 96<<20, 60)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(group.Remove)
			f := &fake{spec: cellrpc.Spec{Command: c.command}}
			r := start(t, f, func(c *cell.Config) { c.Cgroup = group })
			err = r.Wait()
			if group.OutOfMemory() != c.memory {
				t.Errorf("out of memory is %v (%v, %+v, %s)", group.OutOfMemory(), err, f.exit, f.log("stderr"))
			}
			if name == "processes" {
				hasNot(t, f.stdout(), "all of them")
			}
		})
	}
}

package worker_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/cell"
	"hotcell/internal/worker"
)

// stubborn is a command of several processes that heed no signal, and what
// their arguments hold. It says "up" when they run.
func stubborn(j hotcell.JobID) (command, mark string) {
	mark = "mark-" + string(j)
	loop := fmt.Sprintf(`trap "" TERM INT HUP; while :; do sleep 1000; done # %s`, mark)
	return fmt.Sprintf(`sh -c '%s' & setsid sh -c '%s' & (setsid sh -c '%s' &) ; echo up; wait`, loop, loop, loop), mark
}

// begun starts a stubborn job, and returns when all of it runs.
func (h *house) begun(ctx context.Context, t *testing.T) (id hotcell.JobID, mark string, done <-chan *told) {
	t.Helper()
	j := jobOf("")
	j.Work.Command, mark = stubborn(j.ID)
	ended := make(chan *told, 1)
	go func() {
		got, err := h.run(ctx, j, nil)
		if err != nil && ctx.Err() == nil {
			t.Errorf("%v: %s", err, h.log)
		}
		ended <- got
	}()
	waitFor(t, "all of it runs", func() bool { return len(living(t, mark)) >= 4 })
	return j.ID, mark, ended
}

// gone waits until nothing runs that has the mark. A second is promised; a busy
// machine that runs other tests gets more.
func gone(t *testing.T, mark string) {
	t.Helper()
	if took := waitFor(t, "nothing is left", func() bool { return len(living(t, mark)) == 0 }); took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestWhoStopsListeningEndsEveryProcess(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	_, mark, done := h.begun(ctx, t)
	cancel()
	gone(t, mark)
	<-done
}

func TestADeadGrantEndsEveryProcess(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	id, mark, done := h.begun(t.Context(), t)
	h.deaths <- death{"job_another", "it is not meant"}
	if len(living(t, mark)) == 0 {
		t.Error("another job's death ended this one")
	}
	h.deaths <- death{id, "the secret was deleted"}
	gone(t, mark)
	if got := <-done; got.end == nil || !got.end.Revoked || got.end.Reason != "the secret was deleted" || got.end.Code != nil {
		t.Errorf("%+v", got.end)
	}
}

func TestTheWatchIsTakenUpAgainWithWhatRuns(t *testing.T) {
	t.Parallel()
	h := open(t, func(h *house, _ *worker.Config) { h.broken = 1 << 30 })
	id, _, done := h.begun(t.Context(), t)
	waitFor(t, "the watch asks for it", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		last := h.asked[len(h.asked)-1]
		return slices.Contains(last, id)
	})
	h.mu.Lock()
	h.broken = 0
	h.mu.Unlock()
	h.deaths <- death{id, "while nobody watched"}
	if got := <-done; got.end == nil || !got.end.Revoked {
		t.Errorf("%+v", got.end)
	}
	if !strings.Contains(h.log.String(), "taken up again") {
		t.Errorf("the log: %s", h.log)
	}
}

func TestASilentVaultEndsConnectionsAndNoJob(t *testing.T) {
	t.Parallel()
	h := open(t, func(_ *house, c *worker.Config) { c.Quiet = 500 * time.Millisecond })
	j := jobOf(`exec bash -c 'exec 3<>/dev/tcp/raw.acme.test/22; echo hello >&3; read -u 3 x; echo "got $x"; read -u 3 x || echo cut; exit 4'`,
		hotcell.Allow{Host: "raw.acme.test", Port: 22, Protocol: hotcell.ProtocolTCP})
	var open sync.Once
	tunnel, done := make(chan struct{}), make(chan *told)
	go func() {
		got, err := h.run(t.Context(), j, func(string) { open.Do(func() { close(tunnel) }) })
		if err != nil {
			t.Error(err)
		}
		done <- got
	}()
	beat := time.NewTicker(10 * time.Millisecond)
	defer beat.Stop()
	for lives := true; lives; {
		select {
		case <-tunnel:
			lives = false
		case <-beat.C:
			h.deaths <- death{}
		}
	}
	got := <-done
	if got.stdout.String() != "got hello\ncut\n" || got.end == nil || got.end.Code == nil || *got.end.Code != 4 {
		t.Errorf("%q, %q, %+v", got.stdout.String(), got.stderr.String(), got.end)
	}
}

func TestUidsComeBack(t *testing.T) {
	t.Parallel()
	broken := errors.New("no cell today")
	h := open(t, func(h *house, c *worker.Config) { c.Users, h.driver.fail = 2, broken })
	for range 5 {
		if _, err := h.run(t.Context(), jobOf("true"), nil); err == nil || strings.Contains(err.Error(), "uid") {
			t.Errorf("%v", err)
		}
	}
	if n := len(h.driver.made()); n != 5 {
		t.Errorf("%d cells were tried", n)
	}
}

func TestEachJobHasAUidOfItsOwn(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("uids for jobs need root")
	}
	h := open(t, func(_ *house, c *worker.Config) { c.Users = 2 })
	ctx, cancel := context.WithCancel(t.Context())
	_, first, ended := h.begun(ctx, t)
	_, _, others := h.begun(ctx, t)
	if _, err := h.run(t.Context(), jobOf("true"), nil); !errors.Is(err, hotcell.ErrUnavailable) || !strings.Contains(err.Error(), "uid") {
		t.Errorf("a third: %v", err)
	}
	if cells := h.driver.made(); len(cells) != 2 || cells[0].User == cells[1].User || cells[0].User < 1 || cells[1].User < 1 {
		t.Errorf("%+v", cells)
	}
	cancel()
	gone(t, first)
	<-ended
	<-others
	waitFor(t, "a uid is free", func() bool {
		got, err := h.run(t.Context(), jobOf("true"), nil)
		return err == nil && got.end.Code != nil && *got.end.Code == 0
	})
}

func TestACgroupEndsWithItsJob(t *testing.T) {
	t.Parallel()
	name := fmt.Sprintf("hotcell-worker-test-%d", os.Getpid())
	groups, err := cell.OpenCgroups(name)
	if err != nil {
		t.Skipf("no cgroups here: %v", err)
	}
	t.Cleanup(groups.Close)
	h := open(t, func(_ *house, c *worker.Config) { c.Cgroups = groups })
	of := func() []string {
		v1, _ := filepath.Glob("/sys/fs/cgroup/*/" + name + "/job_*")
		v2, _ := filepath.Glob("/sys/fs/cgroup/" + name + "/job_*")
		return append(v1, v2...)
	}
	id, _, done := h.begun(t.Context(), t)
	if len(of()) == 0 {
		t.Error("it has no cgroup")
	}
	h.deaths <- death{id, "enough"}
	if <-done; len(of()) != 0 {
		t.Errorf("left behind: %q", of())
	}
	hungry := jobOf("head -c 400m /dev/zero | tail -c 400m > /dev/null; exit $?")
	hungry.Work.Limits.Memory, hungry.Work.Limits.Disk = 64<<20, 1<<20
	got, err := h.run(t.Context(), hungry, nil)
	if err != nil || got.end == nil || !strings.Contains(got.end.Reason, "out of memory: its limit is 64 MiB") {
		t.Errorf("%+v, %v", got.end, err)
	}
	crowd := jobOf("n=0; while [ $n -lt 200 ]; do sleep 1000 & n=$((n+1)); done")
	crowd.Work.Limits.Pids = 20
	got, err = h.run(t.Context(), crowd, nil)
	if err != nil || got.end == nil || !strings.Contains(got.end.Reason, "could not start another process or thread: its limit is 20") {
		t.Errorf("%+v, %v", got.end, err)
	}
	bounded := jobOf("echo here")
	bounded.Work.Limits.CPU = 0.5
	periods := make(chan string, 1)
	got, err = h.run(t.Context(), bounded, func(string) {
		for _, file := range of() {
			for _, name := range []string{"cpu.max", "cpu.cfs_quota_us"} {
				if text, err := os.ReadFile(filepath.Join(file, name)); err == nil {
					select {
					case periods <- strings.Fields(string(text))[0]:
					default:
					}
				}
			}
		}
	})
	quota := ""
	select {
	case quota = <-periods:
	default:
	}
	if err != nil || got.end == nil || quota != "50000" {
		t.Errorf("half a processor is the quota %q: %+v, %v", quota, got.end, err)
	}
	if left := of(); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/store/audit"
	"hotcell/internal/store/sqlite"
)

// verified reads the whole log and checks its chain.
func verified(t *testing.T, v *sqlite.Vault) (all []hotcell.Event, err error) {
	t.Helper()
	check := audit.NewVerifier(ws)
	err = v.View(t.Context(), func(r hotcell.VaultReader) error {
		all, err = r.Events(ws, hotcell.EventFilter{Ascending: true, Limit: 1 << 30})
		if err != nil {
			return err
		}
		for _, e := range all {
			if err := check.Next(e); err != nil {
				return err
			}
		}
		return nil
	})
	return all, err
}

// childEnv makes the test binary be the process that is killed; its value is
// what that does and where.
const childEnv = "HOTCELL_TEST_CHILD"

func TestMain(m *testing.M) {
	if what, path, found := strings.Cut(os.Getenv(childEnv), ":"); found {
		os.Exit(child(what, path))
	}
	os.Exit(m.Run())
}

// child writes until it is killed, and says on stdout what was acknowledged.
func child(what, path string) int {
	ctx := context.Background()
	say := func(format string, args ...any) { fmt.Fprintf(os.Stdout, format+"\n", args...) }
	switch what {
	case "vault":
		v, err := sqlite.OpenVault(ctx, path, noLog)
		if err != nil {
			return 1
		}
		var group sync.WaitGroup
		for w := range 16 {
			group.Go(func() {
				for i := 0; ; i++ {
					name := fmt.Sprintf("%d.%d", w, i)
					if writeOne(ctx, v, name, i) == nil {
						say("%s", name)
					}
				}
			})
		}
		group.Wait()
	case "queue":
		c, err := sqlite.OpenControl(ctx, path, noLog)
		if err != nil {
			return 1
		}
		_ = c.Work(ctx, 4, func(ctx context.Context, id hotcell.JobID) {
			// Every other job dies before its compare-and-set, the rest after.
			if strings.HasSuffix(string(id), "1") || strings.HasSuffix(string(id), "3") {
				if _, err := c.ChangeJob(ctx, id, []hotcell.JobState{hotcell.JobQueued}, start); err != nil {
					return
				}
			}
			say("%s", id)
			<-ctx.Done()
		})
	}
	return 0
}

func writeOne(ctx context.Context, v *sqlite.Vault, name string, i int) error {
	if i%2 == 0 {
		return v.Record(ctx, told(name))
	}
	return v.Update(ctx, func(w hotcell.VaultWriter) error {
		if err := w.PutBlob(ws, name, []byte(name)); err != nil {
			return err
		}
		return w.Record(told(name))
	})
}

func start(j *hotcell.Job) { j.State = hotcell.JobStarting }

// killed runs a child, kills it with SIGKILL when it has said n lines, and
// returns all that it said.
func killed(t *testing.T, what, path string, n int) []string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+what+":"+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said []string
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // a line without its end is none
		}
		if said = append(said, strings.TrimSpace(line)); len(said) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(said) < n {
		t.Fatalf("the child said %d lines of %d and ended with %v", len(said), n, err)
	}
	return said
}

func TestKilledVaultKeepsWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.db")
	told := map[string]int{}
	var said []string
	for range 3 { // each time on what the one before left
		said = killed(t, "vault", path, 500)
		v := openVault(t, path)
		events, err := verified(t, v)
		if err != nil {
			t.Fatal(err)
		}
		clear(told)
		for _, e := range events {
			told[e.Name]++
		}
		for _, name := range said {
			if told[name] == 0 {
				t.Errorf("%s was acknowledged and is lost", name)
			}
		}
		// State and event are there both or neither.
		if err := v.View(t.Context(), func(r hotcell.VaultReader) error {
			for name := range told {
				var w, i int
				if _, err := fmt.Sscanf(name, "%d.%d", &w, &i); err != nil || i%2 == 0 {
					continue
				}
				if _, err := r.Blob(ws, name); err != nil {
					t.Errorf("%s is in the log, its state is not: %v", name, err)
				}
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func newJob(i int) hotcell.Job {
	return hotcell.Job{ID: hotcell.JobID(fmt.Sprintf("job_%d", i)), Workspace: ws, State: hotcell.JobQueued, CreatedAt: time.Unix(int64(i), 0)}
}

// A process dies with four jobs handed out, two of them not yet begun, and four
// waiting. Begun ones show as silent; every other one runs, exactly once.
func TestKilledQueueLosesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "control.db")
	c := openControl(t, path)
	for i := range 8 {
		if err := c.CreateJob(t.Context(), newJob(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	killed(t, "queue", path, 4)
	c = openControl(t, path)
	silent, err := c.Silent(t.Context(), time.Now().Add(time.Hour))
	if err != nil || len(silent) != 2 {
		t.Fatalf("silent jobs: %v, %v; want the two that had begun", silent, err)
	}
	ran := drain(t, c, 6)
	for i := range 8 {
		id := newJob(i).ID
		if begun := i == 1 || i == 3; ran[id] != 1 != begun {
			t.Errorf("%s ran %d times after the kill", id, ran[id])
		}
	}
}

// drain works the queue until n jobs were begun, and says how often each was.
func drain(t *testing.T, c *sqlite.Control, n int) map[hotcell.JobID]int {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var mu sync.Mutex
	ran := map[hotcell.JobID]int{}
	if err := c.Work(ctx, 3, func(_ context.Context, id hotcell.JobID) {
		if _, err := c.ChangeJob(context.WithoutCancel(ctx), id, []hotcell.JobState{hotcell.JobQueued}, start); err != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if ran[id]++; len(ran) == n {
			stop()
		}
	}); err != nil {
		t.Error(err)
	}
	return ran
}

func TestQueueSurvivesClose(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "control.db")
	c := openControl(t, path)
	for i := range 20 {
		if err := c.CreateJob(t.Context(), newJob(i)); err != nil {
			t.Fatal(err)
		}
	}
	first := drain(t, c, 7)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	rest := drain(t, openControl(t, path), 20-len(first))
	for i := range 20 {
		if n := first[newJob(i).ID] + rest[newJob(i).ID]; n != 1 {
			t.Errorf("job %d ran %d times", i, n)
		}
	}
}

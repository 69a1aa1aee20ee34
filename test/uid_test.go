package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"hotcell"
	"hotcell/hotcelltest"
)

func uidOf(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, "Uid:"); found {
			uid, _ := strconv.Atoi(strings.Fields(rest)[0])
			return uid
		}
	}
	t.Fatalf("no uid of %d", pid)
	return 0
}

// processes finds processes by the beginning of their command line.
func processes(line string) (pids []int) {
	found, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range found {
		if text, _ := os.ReadFile(path); strings.HasPrefix(string(text), line) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestEachPartAndJobHasAUidOfItsOwn(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can hand out uids")
	}
	s := hotcelltest.Start(t, "")
	marker := fmt.Sprintf("87654.%d", os.Getpid())
	s.OK("assignments", "create", "long", "--command", "exec sleep "+marker)
	first, second := s.OK("run", "long", "--detach"), s.OK("run", "long", "--detach")
	for _, id := range []string{first, second} {
		eventually(t, "a job runs", func() bool { return job(t, s, id).State == hotcell.JobRunning })
	}
	var jobs []int
	eventually(t, "two sleeps", func() bool { jobs = processes("sleep\x00" + marker); return len(jobs) == 2 })
	seen := map[int]string{}
	for name, pid := range map[string]int{"serve": s.PID(), "vault": part(t, s, "part-vault"), "worker": part(t, s, "part-worker"), "one job": jobs[0], "another": jobs[1]} {
		uid := uidOf(t, pid)
		if other, twice := seen[uid]; twice {
			t.Errorf("%s and %s have the uid %d", name, other, uid)
		}
		seen[uid] = name
	}
	// The vault's process has nothing of the machine but its own.
	root := fmt.Sprintf("/proc/%d/root", part(t, s, "part-vault"))
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "data etc local.key" {
		t.Errorf("the vault sees %q", got)
	}
}

// No thread of the vault, and nothing that one would start, gains privileges by a
// program's bits.
func TestEveryThreadOfTheVaultHasGivenUpPrivileges(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", part(t, s, "part-vault")))
	if len(threads) < 2 {
		t.Fatalf("the vault has %d threads", len(threads))
	}
	for _, path := range threads {
		if text, err := os.ReadFile(path); err == nil && !strings.Contains(string(text), "NoNewPrivs:\t1\n") {
			t.Errorf("%s: a thread may gain privileges", path)
		}
	}
}

func TestTheSocketIsItsOwnersWhateverItsMode(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	s := hotcelltest.Start(t, "")
	socket := filepath.Join(s.Data, "hotcell.sock")
	for _, dir := range []string{filepath.Dir(s.Data), s.Data} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	ask := func() string {
		cmd := exec.Command("/usr/bin/curl", "-sS", "--max-time", "5", "--unix-socket", socket, "http://localhost/v1/workspace")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, _ := cmd.CombinedOutput()
		return string(out)
	}
	if out := ask(); strings.Contains(out, "wsp_") {
		t.Errorf("somebody else was answered: %s", out)
	}
	if err := os.Chmod(socket, 0o666); err != nil {
		t.Fatal(err)
	}
	if out := ask(); strings.Contains(out, "wsp_") || !strings.Contains(out, "curl:") {
		t.Errorf("with an open mode, somebody else was answered: %s", out)
	}
	s.OK("workspace", "show")
}

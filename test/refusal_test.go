package test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hotcell"
	"hotcell/hotcelltest"
)

func TestASecondServerOnTheSameFolderIsRefused(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	r := s.Run("serve", "--listen", "127.0.0.1:0")
	if r.Code != 5 || !strings.Contains(r.Err, "another hotcell serve uses") {
		t.Errorf("%+v", r)
	}
	s.OK("secrets", "list")
}

func TestAKeyThatOthersCanReadIsRefused(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	s.Stop()
	key := filepath.Join(s.Data, "local.key")
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	if text, code := s.Refused(); code == 0 || !strings.Contains(text, "chmod 600") {
		t.Errorf("exit code %d: %s", code, text)
	}
	if err := os.Chmod(key, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Restart()
}

func TestAFolderOfSomethingElseIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "letters"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o775); err != nil {
		t.Fatal(err)
	}
	r := s.Run("serve", "--data", dir, "--listen", "127.0.0.1:0")
	if r.Code != 5 || !strings.Contains(r.Err, "other things in it") {
		t.Errorf("%+v", r)
	}
	entries, err := os.ReadDir(dir)
	if info, _ := os.Stat(dir); err != nil || len(entries) != 1 || info.Mode().Perm() != 0o775 {
		t.Errorf("the folder was changed: %v, %v", entries, err)
	}
}

func TestALostKeyIsNotReplaced(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	s.Stop()
	if err := os.Remove(filepath.Join(s.Data, "local.key")); err != nil {
		t.Fatal(err)
	}
	if text, code := s.Refused(); code == 0 || !strings.Contains(text, "local.key") {
		t.Errorf("exit code %d: %s", code, text)
	}
}

func TestAListenerOffLoopbackIsRefused(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	s.Stop()
	r := s.Run("serve", "--listen", "0.0.0.0:0")
	if r.Code == 0 || !strings.Contains(r.Err, "TLS") {
		t.Errorf("%+v", r)
	}
}

// smallDisk mounts a disk of 24 MiB, and returns its folder.
func smallDisk(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	dir, err := os.MkdirTemp("", "hotcell-disk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m,mode=0755"); err != nil {
		t.Skipf("no disk can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

func TestADiskThatIsFullFailsTheJobAndSparesTheDatabases(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t)
	s := hotcelltest.StartIn(t, "", dir)
	s.OK("assignments", "create", "big", "--command", "head -c 60000000 /dev/zero > out/big")
	s.OK("assignments", "create", "small", "--command", "echo small")
	id := s.OK("run", "big", "--detach")
	eventually(t, "the job ends", func() bool { return job(t, s, id).State.Final() })
	if j := job(t, s, id); j.State != hotcell.JobFailed {
		t.Errorf("the job is %s: %s", j.State, j.Reason)
	}
	if r := s.Run("run", "small"); r.Code != 0 {
		t.Errorf("a small job after it: %+v", r)
	}
	if r := s.Run("audit", "verify"); r.Code != 0 {
		t.Errorf("the audit log: %+v", r)
	}
}

func TestWhatIsWrongIsSaidInASentenceWithItsExitCode(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	good := file(t, "good.env", dotenv)
	s.OK("secrets", "create", "billing", "--env-file", good)
	s.OK("assignments", "create", "report", "--command", "true")
	s.OK("assignments", "attach", "report", "billing")
	other := strings.Repeat("x", 26)
	// The one mistake that puts a value into an argument has a value of its own:
	// tests beside this one look for theirs in the arguments of all processes.
	const argued = "sk_live_9typedAsArgument"
	for _, c := range []struct {
		code int
		word string
		args []string
	}{
		{6, "line 1", []string{"secrets", "create", "x", "--env-file", file(t, "bad.env", apiKey+"\n")}},
		{6, "line 2", []string{"secrets", "replace", "billing", "--env-file", file(t, "worse.env", "A=1234567\n"+apiKey+"\n")}},
		{6, "reserved", []string{"secrets", "create", "x", "--env-file", file(t, "r.env", "LD_PRELOAD=/tmp/x.so\n")}},
		{6, "128", []string{"secrets", "create", strings.Repeat("n", 129), "--env-file", good}},
		{6, "there is no file", []string{"secrets", "create", "x", "--env-file", "/nowhere/.env"}},
		{6, "white space", []string{"secrets", "create", "x", "--env-file", file(t, "w.env", "A=' padded '\n")}},
		{5, "already", []string{"secrets", "create", "billing", "--env-file", good}},
		{2, "never taken from an argument", []string{"secrets", "set", "billing", "API_KEY=" + argued}},
		{2, "", []string{"secrets", "create"}},
		{2, "", []string{"nonsense"}},
		{2, "table or json", []string{"secrets", "list", "-o", "xml"}},
		{3, "there is no secret", []string{"secrets", "show", "nothing"}},
		{3, "not found", []string{"secrets", "show", "sec_01" + other[:24]}},
		{3, "there is no job", []string{"jobs", "show", "job_x"}},
		{3, "there is no assignment", []string{"run", "nothing"}},
		{5, "already", []string{"assignments", "attach", "report", "billing"}},
		{6, "--files takes a folder", []string{"assignments", "create", "f", "--command", "x", "--files", good}},
		{6, "there is no folder", []string{"assignments", "create", "f", "--command", "x", "--files", "/nowhere"}},
		{6, "wildcards", []string{"assignments", "create", "f", "--command", "x", "--allow", "*.acme.test"}},
		{6, "protocol", []string{"assignments", "create", "f", "--command", "x", "--allow", "acme.test/ftp"}},
		{127, "does not exist in the cell", []string{"run", "missing"}},
	} {
		if c.args[0] == "run" && c.args[1] == "missing" {
			s.OK("assignments", "create", "missing", "--command", "no-such-program")
		}
		r := s.Run(c.args...)
		if r.Code != c.code || !strings.Contains(r.Err, c.word) {
			t.Errorf("%.60q: exit code %d, want %d\n%s", c.args, r.Code, c.code, r.Err)
		}
		if said := []byte(r.Err + r.Out); hotcelltest.Holds(said, apiKey) != "" || hotcelltest.Holds(said, argued) != "" {
			t.Errorf("%.60q: the value is in what it says", c.args)
		}
	}
	if list := s.OK("secrets", "list", "-o", "json"); strings.Count(list, `"sec_`) != 1 {
		t.Errorf("a refused command changed something: %s", list)
	}
	s.Canaries(apiKey, password, hashed)
}

package child_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hotcell/internal/line/child"
)

func separate(t *testing.T) {
	t.Helper()
	if ok, why := child.Separate(); !ok {
		t.Skip(why)
	}
}

func TestTheVaultSeesNothingButItsOwn(t *testing.T) {
	t.Parallel()
	separate(t)
	dir := t.TempDir()
	data, key := filepath.Join(dir, "vault"), filepath.Join(dir, "local.key")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{data, key} {
		if err := os.Chown(path, child.VaultUID, child.VaultUID); err != nil {
			t.Fatal(err)
		}
	}
	c, out := run(t, child.Spec{Arguments: []string{"child-vault", data, key}, Attr: child.VaultAttr()})
	got := look(t, out)
	if got.UID != child.VaultUID || got.GID != child.VaultUID || len(got.Groups) != 0 {
		t.Errorf("it is uid %d, gid %d, groups %d", got.UID, got.GID, got.Groups)
	}
	if want := []string{"data", "etc", "local.key"}; !slices.Equal(got.Root, want) {
		t.Errorf("it sees %q", got.Root)
	}
	if want := []string{"/etc/passwd", "/local.key", "/data"}; !slices.Equal(got.Readable, want) {
		t.Errorf("it can read %q", got.Readable)
	}
	if _, err := os.Stat(filepath.Join(data, "written")); err != nil {
		t.Errorf("what it wrote: %v", err)
	}
	if _, err := os.Stat("/old"); err == nil {
		t.Error("its way in shows on the host")
	}
	checkHost(t, c.PID(), child.VaultUID)
}

// checkHost checks as whom the host knows a process, in all four places.
func checkHost(t *testing.T, pid, uid int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		name, ids, _ := strings.Cut(line, ":")
		if want := strings.Repeat(fmt.Sprintf(" %d", uid), 4); (name == "Uid" || name == "Gid") && strings.Join(strings.Fields(ids), " ") != want[1:] {
			t.Errorf("%s, want %d", strings.TrimSpace(line), uid)
		}
	}
}

func TestTheVaultIsNotLetInWithoutItsFolder(t *testing.T) {
	t.Parallel()
	separate(t)
	c, out := run(t, child.Spec{Arguments: []string{"child-vault", "/nowhere", "/nowhere.key"}, Attr: child.VaultAttr()})
	if err := <-c.Failed(); err == nil || !strings.Contains(out.String(), "opening the vault's folder") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestTheWorkerHasItsUidAndThoseOfJobs(t *testing.T) {
	t.Parallel()
	separate(t)
	c, out := run(t, child.Spec{Binary: reachable(t), Arguments: []string{"child-seen"}, Attr: child.WorkerAttr()})
	got := look(t, out)
	if want := fmt.Sprintf("0 %d 1 1 %d %d", child.WorkerUID, child.JobUID, child.JobUIDs); got.UID != 0 || got.Map != want {
		t.Errorf("uid %d in %q, want %q", got.UID, got.Map, want)
	}
	if slices.Contains(got.Readable, "/etc/shadow") || slices.Contains(got.Readable, "/root") || !slices.Contains(got.Readable, "/usr/bin") {
		t.Errorf("it can read %q", got.Readable)
	}
	checkHost(t, c.PID(), child.WorkerUID)
}

// reachable copies this program to where every uid can run it.
func reachable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hotcell-child-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	// Not by this process: what it writes, those that it starts meanwhile hold open.
	program := filepath.Join(dir, "program")
	if out, err := exec.Command("cp", os.Args[0], program).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return program
}

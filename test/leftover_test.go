package test

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"hotcell/hotcelltest"
)

// bareServer is a server of a program, with folders that the test looks into.
type bareServer struct {
	t            *testing.T
	dir, program string
	cmd          *exec.Cmd
}

func (s *bareServer) path(name string) string { return filepath.Join(s.dir, name) }

func (s *bareServer) start() {
	s.t.Helper()
	s.cmd = exec.Command(s.program, "serve", "--data", s.path("data"), "--listen", "127.0.0.1:0")
	s.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + s.path("tmp")}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "ready ") {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return
		}
	}
	s.t.Fatal("the server does not start")
}

func (s *bareServer) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *bareServer) cli(args ...string) (string, error) {
	cmd := exec.Command(hotcelltest.Binary(s.t), args...)
	cmd.Env = []string{"HOTCELL_DATA=" + s.path("data"), "HOME=" + s.dir}
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

func (s *bareServer) names(folder string) []string {
	s.t.Helper()
	entries, err := os.ReadDir(s.path(folder))
	if err != nil {
		s.t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func openBare(t *testing.T) *bareServer {
	t.Helper()
	dir, err := os.MkdirTemp("", "hotcell-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &bareServer{t: t, dir: dir, program: filepath.Join(dir, "hotcell")}
	// Not by this process: what it writes, those that it starts meanwhile hold open.
	out, err := exec.Command("cp", hotcelltest.Binary(t), s.program).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, folder := range []string{dir, s.path("tmp")} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.start()
	t.Cleanup(func() { s.kill() })
	return s
}

// Whoever puts another program under the server's name, or in the place of any folder
// that it made, gets nothing of theirs run: neither as a cell's first process nor as a
// part that is started again.
func TestAnotherProgramUnderTheNameIsNotRun(t *testing.T) {
	t.Parallel()
	s := openBare(t)
	if got := s.names("tmp"); len(got) > 0 {
		t.Errorf("the server made %q where everybody can make things", got)
	}
	if _, err := s.cli("assignments", "create", "report", "--command", "echo well"); err != nil {
		t.Fatal(err)
	}
	evil := filepath.Join(s.dir, "evil")
	if err := os.WriteFile(evil, []byte("#!/bin/sh\ntouch "+s.dir+"/ran\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(evil, s.program); err != nil {
		t.Fatal(err)
	}
	if got, err := s.cli("run", "report"); err != nil || got != "well" {
		t.Errorf("a job: %q, %v", got, err)
	}
	for _, part := range []string{"part-worker", "part-vault"} {
		for _, pid := range processes("/proc/self/fd/") {
			line, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
			if strings.Contains(string(line), part) && parent(pid) == s.cmd.Process.Pid {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		eventually(t, "a job runs after the "+part+" was started again", func() bool {
			got, err := s.cli("run", "report")
			return err == nil && got == "well"
		})
	}
	if _, err := os.Stat(s.path("ran")); err == nil {
		t.Error("the other program ran")
	}
}

func TestKillingLeavesNothingThatGrows(t *testing.T) {
	t.Parallel()
	s := openBare(t)
	if _, err := s.cli("assignments", "create", "report", "--command", "echo well"); err != nil {
		t.Fatal(err)
	}
	var data, tmp []string
	for n := range 3 {
		if got, err := s.cli("run", "report"); err != nil || got != "well" {
			t.Fatalf("a job: %q, %v", got, err)
		}
		s.kill()
		// What SQLite has beside its files comes and goes; the folders' own names do not.
		d, m := s.names("data"), s.names("tmp")
		if n > 0 && (!slices.Equal(d, data) || !slices.Equal(m, tmp)) {
			t.Errorf("after %d kills: %q and %q, before %q and %q", n+1, d, m, data, tmp)
		}
		data, tmp = d, m
		s.start()
	}
	if got := s.names("tmp"); len(got) > 0 {
		t.Errorf("left in the folder for temporary files: %q", got)
	}
}

// parent is the process that started one.
func parent(pid int) int {
	text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(fields[1])
	return n
}

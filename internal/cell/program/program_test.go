package program_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"hotcell/hotcelltest"
	"hotcell/internal/cell/program"
)

func TestMain(m *testing.M) { os.Exit(hotcelltest.Main(m)) }

// TestABinaryWithoutItHasNone is how this test was built.
func TestABinaryWithoutItHasNone(t *testing.T) {
	t.Parallel()
	if f, err := program.Open(); f != nil || err != nil {
		t.Errorf("%v %v", f, err)
	}
}

// TestWhatIsCarriedCannotBeWrittenTo builds a program that carries it, which opens it and
// becomes it.
func TestWhatIsCarriedCannotBeWrittenTo(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	s.OK("assignments", "create", "look", "--command", "true")
	s.OK("run", "look")
	found := 0
	workers, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range workers {
		line, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(line, []byte("part-worker")) || !mine(filepath.Dir(path), s.PID()) {
			continue
		}
		fds, err := filepath.Glob(filepath.Join(filepath.Dir(path), "fd", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range fds {
			if to, err := os.Readlink(fd); err != nil || to != "/memfd:hotcell-init (deleted)" {
				continue
			}
			found++
			if f, err := os.OpenFile(fd, os.O_WRONLY, 0); err == nil {
				if _, err := f.WriteString("x"); !errors.Is(err, syscall.EPERM) {
					t.Errorf("it is written to: %v", err)
				}
				_ = f.Close()
			}
			copied := filepath.Join(t.TempDir(), "init")
			from, err := os.Open(fd)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(from)
			if err := errors.Join(err, from.Close(), os.WriteFile(copied, text, 0o755)); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), copied).CombinedOutput()
			if err == nil || !bytes.Contains(out, []byte("first process of a cell")) {
				t.Errorf("%v: %s", err, out)
			}
		}
	}
	if found != 1 {
		t.Errorf("the worker has it %d times", found)
	}
}

// mine says whether a process is a child of another.
func mine(proc string, parent int) bool {
	text, err := os.ReadFile(filepath.Join(proc, "status"))
	return err == nil && bytes.Contains(text, []byte("PPid:\t"+strconv.Itoa(parent)+"\n"))
}

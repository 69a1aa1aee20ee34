package image_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hotcell/hotcelltest"
	"hotcell/internal/worker/image"
)

// triesCommand is a process of the tests that confines itself as one that unpacks does.
const triesCommand = "try-confined"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == triesCommand {
		os.Exit(tries(os.Args[2]))
	}
	os.Exit(hotcelltest.Main(m))
}

// tries tries what a process could do that the image has taken over.
func tries(folder string) int {
	before, err := os.Create(filepath.Join(folder, "before"))
	if err != nil || os.Chdir(folder) != nil || image.Confine() != nil {
		return 1
	}
	fd := int(before.Fd())
	for _, try := range []struct {
		what string
		err  error
	}{
		{"socket", second(unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0))},
		{"unix socket", second(unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0))},
		{"netlink", second(unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW, 0))},
		{"exec", unix.Exec("/bin/true", []string{"true"}, nil)},
		{"fork", third(unix.RawSyscall(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0))},
		{"unshare", unix.Unshare(unix.CLONE_NEWNS)},
		{"mount", unix.Mount("", "/", "", unix.MS_REMOUNT, "")},
		{"device", unix.Mknodat(unix.AT_FDCWD, "null", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3)))},
		{"pipe", unix.Mknodat(unix.AT_FDCWD, "pipe", unix.S_IFIFO|0o666, 0)},
		{"setuid", unix.Fchmod(fd, 0o4755)},
		{"setuid by name", unix.Fchmodat(unix.AT_FDCWD, "before", 0o4755, 0)},
		{"owner", unix.Fchown(fd, 1, 1)},
		{"attribute", unix.Fsetxattr(fd, "user.note", []byte("x"), 0)},
		{"rename", unix.Renameat(unix.AT_FDCWD, "before", unix.AT_FDCWD, "after")},
		{"ptrace", unix.PtraceAttach(os.Getppid())},
		{"kill", unix.Kill(os.Getppid(), 0)},
		{"limits", unix.Setrlimit(unix.RLIMIT_CPU, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})},
		{"bpf", third(unix.RawSyscall(unix.SYS_BPF, 0, 0, 0))},
		{"io_uring", third(unix.RawSyscall(unix.SYS_IO_URING_SETUP, 1, 0, 0))},
	} {
		if !errors.Is(try.err, unix.EPERM) {
			fmt.Printf("%s: %v\n", try.what, try.err)
		}
	}
	fmt.Println("tried")
	return 0
}

func second(_ int, err error) error { return err }

func third(_, _ uintptr, errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

func TestAProcessThatUnpacksCanDoNothingElse(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	out, err := exec.Command(os.Args[0], triesCommand, folder).CombinedOutput()
	if err != nil || string(out) != "tried\n" {
		t.Errorf("%v: it could\n%s", err, strings.TrimSuffix(string(out), "tried\n"))
	}
}

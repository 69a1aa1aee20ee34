package cell

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"hotcell/internal/cellrpc"
)

// ExecMain is the stage between the init and the command: it gives up whatever
// it still may, and becomes the command. It returns only where that fails.
func ExecMain() int {
	// What is given up per thread must be given up by the thread that execs.
	runtime.LockOSThread()
	if err := execMain(); err != nil {
		fmt.Fprintln(os.Stderr, "hotcell: cell:", err)
		return 126
	}
	return 0
}

func execMain() error {
	orders := os.NewFile(3, "orders")
	b, err := io.ReadAll(orders)
	if err := errors.Join(err, orders.Close()); err != nil {
		return fmt.Errorf("reading the orders: %w", err)
	}
	var o order
	if err := json.Unmarshal(b, &o); err != nil {
		return errors.New("reading the orders: they are damaged")
	}
	for _, step := range []func(cellrpc.Limits) error{setLimits, dropCapabilities, landlockFiles, filterCalls} {
		if err := step(o.Limits); err != nil {
			return fmt.Errorf("confining the command: %w", err)
		}
	}
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("confining the command: %w", err)
	}
	return fmt.Errorf("starting the shell: %w", syscall.Exec(o.Argv[0], o.Argv, o.Env))
}

// setLimits sets what bounds each process. Memory is the data segment and not
// the address space: Node, Java and Go reserve far more than they use.
func setLimits(l cellrpc.Limits) error {
	set := func(what int, value uint64) error {
		return unix.Setrlimit(what, &unix.Rlimit{Cur: value, Max: value})
	}
	var errs []error
	if l.Memory > 0 {
		errs = append(errs, set(unix.RLIMIT_DATA, uint64(l.Memory)))
	}
	if l.Pids > 0 {
		errs = append(errs, set(unix.RLIMIT_NPROC, uint64(l.Pids)))
	}
	if l.FileSize > 0 {
		errs = append(errs, set(unix.RLIMIT_FSIZE, uint64(l.FileSize)))
	}
	errs = append(errs, set(unix.RLIMIT_CORE, 0), set(unix.RLIMIT_NOFILE, 4096), set(unix.RLIMIT_MEMLOCK, 64<<10), set(unix.RLIMIT_MSGQUEUE, 819200))
	return errors.Join(errs...)
}

// dropCapabilities empties every set, the bounding set first.
func dropCapabilities(cellrpc.Limits) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("giving up new privileges: %w", err)
	}
	for capability := uintptr(0); capability <= unix.CAP_LAST_CAP; capability++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("emptying the bounding set: %w", err)
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("clearing ambient capabilities: %w", err)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("giving up capabilities: %w", err)
	}
	return nil
}

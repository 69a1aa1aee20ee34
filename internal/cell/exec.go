package cell

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"hotcell/internal/line/cellrpc"
)

// order is what the init tells the stage that becomes the command, by a pipe:
// the environment of that stage is not the command's. Bytes, since a value
// need not be text.
type order struct {
	Argv, Env [][]byte
	Limits    cellrpc.Limits
	// Input is the file that is its standard input; nothing is where it is empty.
	Input string
}

// The descriptors of the stage: its orders, and where it tells why it failed.
// The latter closes when the command begins.
const (
	fdOrders  = 3
	fdFailure = 4
	// fdDevTools and the next are a browser's pipe, until it has them as 3 and 4;
	// the failure is told on fdKept from then on.
	fdDevTools = 5
	fdKept     = 7
)

// confinement is what a stage is confined to.
type confinement string

// The confinements: of any command; of a browser, which confines its own processes
// further, for which it needs namespaces; and of a command whose root is an image.
const (
	jobs     confinement = ""
	browsers confinement = "browser"
	images   confinement = "image"
)

// confinementOf reads the word that this program was started with, as its second
// argument.
func confinementOf(arguments []string) confinement {
	if len(arguments) > 2 {
		for _, of := range []confinement{browsers, images} {
			if arguments[2] == string(of) {
				return of
			}
		}
	}
	return jobs
}

// ExecMain is the stage between the init and the command: it gives up whatever
// it still may, waits for its orders, and becomes the command. It returns only
// where that fails.
func ExecMain() int {
	// What is given up per thread must be given up by the thread that execs.
	runtime.LockOSThread()
	reason := execMain()
	for _, fd := range []uintptr{fdKept, fdFailure} {
		if _, err := fmt.Fprint(os.NewFile(fd, "failure"), reason); err == nil {
			return 126
		}
	}
	return 125
}

func execMain() error {
	if _, err := unix.FcntlInt(fdFailure, unix.F_GETFD, 0); err != nil {
		return errors.New("this runs within a cell only")
	}
	// Where memory is short, the command goes and the init stays to tell of it.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0)
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("closing the stage to tracing: %w", err)
	}
	if err := unix.CloseRange(fdOrders, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("closing descriptors: %w", err)
	}
	of := confinementOf(os.Args)
	for _, step := range []func(confinement) error{landlock, dropCapabilities, filterCalls} {
		if err := step(of); err != nil {
			return err
		}
	}
	o, err := readOrder(os.NewFile(fdOrders, "orders"))
	if err != nil {
		return err
	}
	if of == browsers {
		if err := hold(); err != nil {
			return err
		}
	}
	return become(o)
}

// hold puts DevTools' pipe where Chromium looks for it: 3 and 4, which are free
// now but for where a failure is told.
func hold() error {
	if err := unix.Dup3(fdFailure, fdKept, unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("handing the pipe on: %w", err)
	}
	for n := range 2 {
		if err := unix.Dup3(fdDevTools+n, fdOrders+n, 0); err != nil {
			return fmt.Errorf("handing the pipe on: %w", err)
		}
	}
	return nil
}

func readOrder(orders io.ReadCloser) (order, error) {
	var o order
	b, err := io.ReadAll(orders)
	if err := errors.Join(err, orders.Close()); err != nil {
		return o, fmt.Errorf("reading the orders: %w", err)
	}
	if err := json.Unmarshal(b, &o); err != nil || len(o.Argv) == 0 {
		return o, errors.New("reading the orders: they are damaged")
	}
	return o, nil
}

// become is the end of this program. The limits come last: the command is what
// they are for.
func become(o order) error {
	argv, env := texts(o.Argv), texts(o.Env)
	debug.SetGCPercent(-1)
	if err := feed(o.Input); err != nil {
		return err
	}
	if err := setLimits(o.Limits); err != nil {
		return err
	}
	err := syscall.Exec(argv[0], argv, env)
	if errors.Is(err, unix.E2BIG) {
		return errors.New("its arguments and variables are more than a process can be given")
	}
	return fmt.Errorf("starting the shell: %w", err)
}

// feed makes a file the standard input.
func feed(path string) error {
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening the instructions: %w", err)
	}
	if err := unix.Dup3(int(f.Fd()), 0, 0); err != nil {
		return fmt.Errorf("opening the instructions: %w", err)
	}
	return f.Close()
}

func texts(parts [][]byte) []string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = string(p)
	}
	return out
}

// setLimits sets what bounds each process. Memory is the data segment and not
// the address space: Node, Java and Go reserve far more than they use.
func setLimits(l cellrpc.Limits) error {
	files := uint64(4096)
	if l.OpenFiles > 0 {
		files = uint64(l.OpenFiles)
	}
	for _, limit := range []struct {
		what  int
		name  string
		value uint64
		set   bool
	}{
		{unix.RLIMIT_CORE, "core", 0, true},
		{unix.RLIMIT_MEMLOCK, "locked memory", 64 << 10, true},
		{unix.RLIMIT_NOFILE, "open files", files, true},
		{unix.RLIMIT_FSIZE, "file size", uint64(l.FileSize), l.FileSize > 0},
		{unix.RLIMIT_CPU, "CPU seconds", uint64(l.CPUSeconds), l.CPUSeconds > 0},
		{unix.RLIMIT_DATA, "memory", uint64(l.Memory), l.Memory > 0 && !l.Bounded},
		{unix.RLIMIT_NPROC, "processes", uint64(l.Pids), l.Pids > 0 && !l.Bounded}, // the cgroup counts how often it refused one
	} {
		if !limit.set {
			continue
		}
		if err := lower(limit.what, limit.value); err != nil {
			return fmt.Errorf("limiting %s to %s: %w", limit.name, strconv.FormatUint(limit.value, 10), err)
		}
	}
	return nil
}

// lower sets a limit, or keeps a stricter one that is there.
func lower(what int, value uint64) error {
	var now unix.Rlimit
	if err := unix.Getrlimit(what, &now); err != nil {
		return err
	}
	value = min(value, now.Max)
	return unix.Setrlimit(what, &unix.Rlimit{Cur: value, Max: value})
}

// dropCapabilities empties every set, the bounding set first, and gives up what
// a setuid file would give.
func dropCapabilities(confinement) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("giving up new privileges: %w", err)
	}
	for capability := uintptr(0); capability <= 63; capability++ {
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

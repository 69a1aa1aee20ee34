package cell

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

// unknownMemory is what a cell without a limit is told that there is, in bytes.
const unknownMemory = 1 << 30

// machine is what a cell is told of the machine, by file below /proc: of itself, and
// nothing by which two jobs could find that they are neighbours, or signal each other
// by the load that they make.
func machine(memory int64, processors int, now time.Time) map[string]string {
	if memory <= 0 {
		memory = unknownMemory
	}
	var info, stat strings.Builder
	for _, line := range []string{"MemTotal", "MemFree", "MemAvailable"} {
		fmt.Fprintf(&info, "%-15s %8d kB\n", line+":", memory>>10)
	}
	for _, line := range []string{
		"Buffers", "Cached", "SwapCached", "Active", "Inactive", "Unevictable", "Mlocked", "SwapTotal", "SwapFree", "Dirty", "Writeback", "AnonPages", "Mapped",
		"Shmem", "KReclaimable", "Slab", "SReclaimable", "SUnreclaim", "KernelStack", "PageTables", "CommitLimit", "Committed_AS",
	} {
		fmt.Fprintf(&info, "%-15s %8d kB\n", line+":", 0)
	}
	const idle = " 0 0 0 0 0 0 0 0 0 0\n"
	stat.WriteString("cpu " + idle)
	for n := range processors {
		fmt.Fprintf(&stat, "cpu%d%s", n, idle)
	}
	fmt.Fprintf(&stat, "intr 0\nctxt 0\nbtime %d\nprocesses 1\nprocs_running 1\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n", now.Unix())
	return map[string]string{
		"meminfo": info.String(), "stat": stat.String(), "loadavg": "0.00 0.00 0.00 1/1 1\n", "sys/kernel/random/boot_id": uuid.NewString() + "\n",
		"sys/fs/file-nr": "0\t0\t0\n", "sys/fs/inode-nr": "0\t0\n", "sys/fs/inode-state": "0\t0\t0\t0\t0\t0\t0\n", "sys/fs/dentry-state": "0\t0\t0\t0\t0\t0\n",
		"sys/kernel/ns_last_pid": "1\n", "sys/kernel/random/entropy_avail": "256\n", "sys/kernel/pty/nr": "0\n",
	}
}

// hideMachine puts what [machine] says over the files of /proc. What is put there is
// written in a folder of the cell's own, which it leaves as it was.
func (i *initial) hideMachine(folder string) error {
	for name, text := range machine(i.spec.Limits.Memory, runtime.NumCPU(), time.Now()) {
		own := filepath.Join(folder, ".machine")
		if err := os.WriteFile(own, []byte(text), 0o444); err != nil {
			return err
		}
		err := unix.Mount(own, "/proc/"+name, "", unix.MS_BIND, "")
		if errors.Is(err, unix.ENOENT) { // a kernel without it
			err = nil
		}
		if err := errors.Join(err, os.Remove(own)); err != nil {
			return err
		}
	}
	return nil
}

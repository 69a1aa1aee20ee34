package worker

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"hotcell"
	"hotcell/internal/cell"
	"hotcell/internal/line/cellrpc"
)

// cause says what kept a command from ending well, where that was not its own doing: a
// limit that it met, a signal, a program that is not there. Empty where none is known,
// and for a command that ended well, whatever it met on its way.
func cause(exit *cellrpc.Exit, limits hotcell.Limits, group *cell.Cgroup) string {
	if exit == nil || exit.Code <= 0 {
		return ""
	}
	ended := fmt.Sprintf(" (exit code %d)", exit.Code)
	switch {
	case starved(group):
		return outOfMemory(limits) + ended
	case len(exit.Full) > 0:
		return fmt.Sprintf("there was no room left in %s: its limit is %d MiB a folder", strings.Join(exit.Full, " and "), limits.Disk>>20) + ended
	case group != nil && group.OutOfProcesses():
		return fmt.Sprintf("it could not start another process or thread: its limit is %d", limits.Pids) + ended
	case exit.Code == 127:
		return "its command, or a program that it names, does not exist in the cell" + ended
	}
	if name := unix.SignalName(unix.Signal(exit.Code - 128)); exit.Code > 128 && name != "" {
		return "its command was ended by the signal " + name + ended
	}
	return ""
}

// starved says whether the limit on memory ended a process of the cell.
func starved(group *cell.Cgroup) bool { return group != nil && group.OutOfMemory() }

func outOfMemory(limits hotcell.Limits) string {
	return fmt.Sprintf("it ran out of memory: its limit is %d MiB, and %d MiB for files", limits.Memory>>20, limits.Disk>>20)
}

package cell

import (
	"fmt"
	"slices"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/landlock-lsm/go-landlock/landlock"
	profile "github.com/moby/profiles/seccomp"
	"golang.org/x/sys/unix"

	"hotcell/internal/cellrpc"
)

// landlockFiles holds files a second time, behind the mounts: read and run the
// system, write in the job's own folders. It leaves the network to its
// namespace, so that servers within the job work.
func landlockFiles(cellrpc.Limits) error {
	err := landlock.V6.BestEffort().RestrictPaths(
		landlock.RODirs("/usr", "/etc", "/proc", "/run").IgnoreIfMissing(),
		landlock.RODirs("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32").IgnoreIfMissing(),
		landlock.RWDirs("/job", "/tmp", "/home/job", "/dev", "/proc/self").WithRefer().IgnoreIfMissing(),
	)
	if err != nil {
		return fmt.Errorf("setting Landlock: %w", err)
	}
	if err := landlock.V6.BestEffort().RestrictScoped(); err != nil {
		return fmt.Errorf("setting Landlock's scopes: %w", err)
	}
	return nil
}

// forbidden are calls that the base profile lets through, and that no job needs.
var forbidden = []string{
	"ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "process_madvise",
	"keyctl", "add_key", "request_key", "bpf", "userfaultfd", "perf_event_open", "lookup_dcookie",
	"io_uring_setup", "io_uring_enter", "io_uring_register",
	"mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "open_tree_attr", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
	"statmount", "listmount", "setns", "unshare", "name_to_handle_at", "open_by_handle_at", "fanotify_init", "fanotify_mark",
	"kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "swapon", "swapoff",
	"quotactl", "quotactl_fd", "acct", "syslog", "vhangup", "iopl", "ioperm", "modify_ldt", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
	"clone", "clone3", "personality", "socket", "socketcall",
}

// namespaces are the flags of clone(2) that make namespaces.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// families are the sockets that a job may make. Netlink serves getaddrinfo.
var families = []uint64{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK}

// personalities are the execution domains of plain programs (personality(2)).
var personalities = []uint64{0, 8, 0x20000, 0x20008, 0xffffffff}

// filterCalls installs an allow-list of system calls: the base profile of
// containers without what needs a capability, less [forbidden], with arguments
// held where only some of them are safe. What is not in it answers EPERM.
func filterCalls(cellrpc.Limits) error {
	info, err := arch.GetInfo("")
	if err != nil {
		return fmt.Errorf("setting the filter of system calls: %w", err)
	}
	allow := seccomp.SyscallGroup{Action: seccomp.ActionAllow, Names: allowed(info)}
	add := func(name string, conditions ...seccomp.Condition) {
		allow.NamesWithCondtions = append(allow.NamesWithCondtions, seccomp.NameWithConditions{Name: name, Conditions: conditions})
	}
	// A value with bits above the 32 that the kernel reads is no equal one.
	for _, family := range families {
		add("socket", seccomp.Condition{Argument: 0, Operation: seccomp.Equal, Value: family})
	}
	for _, p := range personalities {
		add("personality", seccomp.Condition{Argument: 0, Operation: seccomp.Equal, Value: p})
	}
	add("clone", seccomp.Condition{Argument: 0, Operation: seccomp.BitsNotSet, Value: namespaces})
	// The flags of clone3 are in memory, out of a filter's sight: C libraries
	// fall back to clone when it is not there.
	absent := seccomp.SyscallGroup{Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: []string{"clone3"}}
	return seccomp.LoadFilter(seccomp.Filter{
		NoNewPrivs: true, Flag: seccomp.FilterFlagTSync,
		Policy: seccomp.Policy{DefaultAction: seccomp.ActionErrno, Syscalls: []seccomp.SyscallGroup{absent, allow}},
	})
}

// allowed lists the base profile's unconditional calls that this architecture has.
func allowed(info *arch.Info) []string {
	var names []string
	for _, rule := range profile.DefaultProfile().Syscalls {
		if rule.Action != "SCMP_ACT_ALLOW" || len(rule.Args) > 0 || rule.Includes != nil && (len(rule.Includes.Caps) > 0 || len(rule.Includes.Arches) > 0 && !slices.Contains(rule.Includes.Arches, "amd64") && !slices.Contains(rule.Includes.Arches, "arm64")) {
			continue
		}
		for _, name := range rule.Names {
			if _, known := info.SyscallNames[name]; known && !slices.Contains(forbidden, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

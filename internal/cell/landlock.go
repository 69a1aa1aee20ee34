package cell

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What Landlock is asked to hold, by the version of its interface that brought
// it (landlock(7)). Its network rules stay unused, so that servers within the
// job work: the network namespace is what confines there.
const (
	readAndRun = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	handled1   = 1<<13 - 1
	handled2   = handled1 | unix.LANDLOCK_ACCESS_FS_REFER
	handled3   = handled2 | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	handled5   = handled3 | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	devices    = unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK
	// useDevices is what a command does with /dev/null and its like.
	useDevices = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
)

// landlockRules say what is allowed below which folder. Nothing else is.
var landlockRules = []struct {
	path   string
	access uint64
}{
	{"/", unix.LANDLOCK_ACCESS_FS_READ_DIR},
	{"/usr", readAndRun}, {"/etc", readAndRun}, {"/bin", readAndRun}, {"/sbin", readAndRun},
	{"/lib", readAndRun}, {"/lib32", readAndRun}, {"/lib64", readAndRun}, {"/libx32", readAndRun},
	{"/opt", readAndRun}, {"/srv", readAndRun}, {"/nix", readAndRun}, // where mounts may be
	{"/job", handled5 &^ devices}, {"/tmp", handled5 &^ devices}, {"/home/job", handled5 &^ devices}, {"/dev/shm", handled5 &^ devices},
	{"/dev", useDevices}, {"/proc", readAndRun},
}

// rulesetAttr is struct landlock_ruleset_attr.
type rulesetAttr struct{ files, network, scoped uint64 }

// landlockVersion is the version of the kernel's interface, from 1 on.
func landlockVersion() (int, error) {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0, fmt.Errorf("this kernel has no Landlock: %w", errno)
	}
	return int(version), nil
}

// ruleset asks for what the kernel's version knows, and how long the request is.
func ruleset(version int) (attr rulesetAttr, size uintptr) {
	attr.files, size = handled1, 8
	switch {
	case version >= 5:
		attr.files = handled5
	case version >= 3:
		attr.files = handled3
	case version == 2:
		attr.files = handled2
	}
	if version >= 6 {
		attr.scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
		size = 24
	}
	return attr, size
}

// landlock holds files a second time, behind the mounts: it confines the
// calling thread, and so what that becomes. Where the version allows it, signals
// and abstract sockets do not reach out of the command's own processes either.
func landlock(of confinement) error {
	version, err := landlockVersion()
	if err != nil {
		return err
	}
	attr, size := ruleset(version)
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return fmt.Errorf("making Landlock's rules: %w", errno)
	}
	defer func() { _ = unix.Close(int(fd)) }()
	for _, rule := range landlockRules {
		switch {
		case of == browsers && rule.path == "/proc":
			rule.access |= unix.LANDLOCK_ACCESS_FS_WRITE_FILE // the maps of its own user namespaces
		case of == images && rule.path == "/":
			rule.access = readAndRun // the image has its programs where it likes
		}
		if err := addRule(int(fd), rule.path, rule.access&attr.files); err != nil {
			return fmt.Errorf("making Landlock's rules: %w", err)
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); errno != 0 {
		return fmt.Errorf("setting Landlock's rules: %w", errno)
	}
	return nil
}

func addRule(ruleset int, path string, access uint64) error {
	// A link leads to a folder that has its rule.
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_DIRECTORY, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

package child

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// The host uids of the parts, where the server runs as root. They are far above
// what systems and their subordinate ranges hand out.
const (
	VaultUID  = 2_000_100_001
	WorkerUID = 2_000_100_002
	ParserUID = 2_000_100_003
	ImageUID  = 2_000_100_004
	// JobUID is the first of JobUIDs uids, one a job that runs.
	JobUID  = 2_000_110_000
	JobUIDs = 4096
)

// Separate says whether the parts can have host uids of their own, and why not.
func Separate() (bool, string) {
	if os.Geteuid() != 0 {
		return false, "the server does not run as root, so the vault, the worker and the jobs share its uid"
	}
	if !mapped(JobUID + JobUIDs) {
		return false, "this machine's user namespace does not have the uids above 2,000,100,000, so the vault, the worker and the jobs share one uid"
	}
	return true, ""
}

// mapped says whether uids up to the given one exist in this user namespace.
func mapped(uid uint64) bool {
	f, err := os.Open("/proc/self/uid_map")
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var inside, outside, count uint64
		if _, err := fmt.Sscan(lines.Text(), &inside, &outside, &count); err == nil && inside <= VaultUID && inside+count > uid {
			return true
		}
	}
	return false
}

// VaultAttr makes the vault's process: a mount namespace of its own, in which
// [Enter] leaves it nothing but its folder. It begins as root and gives that up
// there.
func VaultAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWIPC}
}

// WorkerAttr makes the worker's process: a user namespace that holds its uid
// and those of the jobs, over which it has power, and over nothing else.
func WorkerAttr() *syscall.SysProcAttr {
	ids := []syscall.SysProcIDMap{
		{ContainerID: 0, HostID: WorkerUID, Size: 1},
		{ContainerID: 1, HostID: JobUID, Size: JobUIDs},
	}
	return &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER,
		UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true,
		Credential: &syscall.Credential{Uid: 0, Gid: 0},
	}
}

// ParserAttr makes the process that starts readers of strangers' texts: a uid that has
// nothing, without a network.
func ParserAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWIPC, Credential: &syscall.Credential{Uid: ParserUID, Gid: ParserUID}}
}

// The folder under which the vault's process sees its data.
const insideData = "/data"

// insideKey is where it sees its key file.
const insideKey = "/local.key"

// Enter leaves the calling process, which must be root in a mount namespace of
// its own, a root folder with nothing but its data, its key file and /etc
// read-only, and then the uid. It returns the new paths of data and key; key may be
// empty, where the key is no file.
func Enter(data, key string, uid int) (newData, newKey string, err error) {
	const root = "/tmp"
	// The new root may be mounted over the folder that they are in.
	folder, err := os.OpenFile(data, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return "", "", fmt.Errorf("opening the vault's folder: %w", err)
	}
	defer func() { _ = folder.Close() }()
	bindKey := func() error { return nil }
	if key != "" {
		file, err := os.OpenFile(key, unix.O_PATH|unix.O_NOFOLLOW, 0)
		if err != nil {
			return "", "", fmt.Errorf("opening the key file: %w", err)
		}
		defer func() { _ = file.Close() }()
		bindKey, newKey = func() error { return bindFile(through(file), root+insideKey) }, insideKey
	}
	steps := []func() error{
		func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") },
		func() error {
			return unix.Mount("tmpfs", root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755,size=64k")
		},
		func() error {
			return bind(through(folder), root+insideData, unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC)
		},
		bindKey,
		func() error {
			return bind("/etc", root+"/etc", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC)
		},
		func() error { return os.Mkdir(filepath.Join(root, "old"), 0o700) },
		func() error { return unix.PivotRoot(root, filepath.Join(root, "old")) },
		func() error { return os.Chdir("/") },
		func() error { return unix.Unmount("/old", unix.MNT_DETACH) },
		func() error { return os.Remove("/old") },
		func() error { return syscall.Setgroups(nil) },
		func() error { return syscall.Setgid(uid) },
		func() error { return syscall.Setuid(uid) },
	}
	for i, step := range steps {
		if err := step(); err != nil {
			return "", "", fmt.Errorf("leaving the vault its own folder, step %d: %w", i+1, err)
		}
	}
	return insideData, newKey, nil
}

// through is a path to what a descriptor holds, wherever that is now.
func through(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }

func bindFile(from, to string) error {
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), unix.Mount(from, to, "", unix.MS_BIND, ""))
}

func bind(from, to string, flags uintptr) error {
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	return unix.Mount("", to, "", unix.MS_BIND|unix.MS_REMOUNT|flags, "")
}

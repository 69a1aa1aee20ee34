package cell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"hotcell"
)

// Options say what cells are made of.
type Options struct {
	// Binary is this program. Users of cells need not be able to reach it.
	Binary string
	// Init is the program that a job's cell starts with, which does [InitCommand] and
	// [ExecCommand]; nil for this one. Package program has it.
	Init *os.File
	// Bundle is the file of certificates that cells trust; empty for none.
	Bundle string
}

// Bubblewrap makes cells by bwrap.
type Bubblewrap struct {
	options Options
	// static says whether the binary needs no library: in an image there may be none.
	static func() bool
}

// first is the program that a cell starts with. A browser's is the product's own.
func (b *Bubblewrap) first(c Config) string {
	if b.options.Init == nil || c.Calls != nil {
		return b.options.Binary
	}
	return "/proc/self/fd/" + strconv.Itoa(int(b.options.Init.Fd()))
}

// NewBubblewrap is a driver.
func NewBubblewrap(o Options) *Bubblewrap {
	return &Bubblewrap{o, sync.OnceValue(func() bool { return o.Init != nil || Static(o.Binary) })}
}

// The descriptors that bwrap inherits. The init has the first; the second is
// this program, which becomes the init; the third tells of the init's pid; the
// fourth is the line on which a browser's cell is asked, which its init has too,
// and nothing for a job's; the last, where there is one, is the bundle of
// certificates.
const (
	fdGateway = 3
	fdBinary  = 4
	fdInfo    = 5
	fdCalls   = 6
	fdBundle  = 7
)

var errNoBubblewrap = errors.New("bubblewrap is missing: apt-get install bubblewrap")

// Start implements [Driver].
func (b *Bubblewrap) Start(ctx context.Context, c Config) (*Process, error) {
	path, err := exec.LookPath("bwrap")
	if err != nil {
		return nil, fmt.Errorf("starting a cell: %w", errNoBubblewrap)
	}
	if c.Root != "" && !b.static() {
		return nil, fmt.Errorf("%w: %w", hotcell.ErrDenied, ErrLoader)
	}
	parts, err := b.open(c)
	if err != nil {
		return nil, fmt.Errorf("starting a cell: %w", err)
	}
	info, told, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting a cell: %w", err), closeAll(parts))
	}
	// What is the caller's own to close stays open here.
	inherited := slices.Concat([]*os.File{c.Gateway, parts[0], told, c.Calls}, parts[1:])
	defer func() { _ = closeAll(append(parts, told)) }()
	cmd := exec.Command(path, b.arguments(c)...)
	cmd.Env, cmd.Dir = []string{}, "/"
	cmd.Stderr = c.Stderr
	cmd.WaitDelay = outputDelay
	cmd.ExtraFiles = inherited
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if c.User == 0 && machineRoot() {
		c.User = nobody
	}
	if c.User != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(c.User), Gid: uint32(c.User)}
	}
	start := cmd.Start
	if c.Cgroup != nil {
		start = func() error { return c.Cgroup.start(cmd) }
	}
	if err := start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting a cell: %w", err), info.Close())
	}
	return attend(ctx, cmd, info), nil
}

// nobody is the uid of cells that get none of their own where this process is root.
const nobody = 65534

// machineRoot says whether this process is root outside all user namespaces,
// or in one that hands the machine's root through: such a uid has rights in
// /proc that no namespace takes away.
func machineRoot() bool {
	if os.Geteuid() != 0 {
		return false
	}
	text, err := os.ReadFile("/proc/self/uid_map")
	var inside, outside uint64
	_, scan := fmt.Sscan(string(text), &inside, &outside)
	return err != nil || scan != nil || inside == 0 && outside == 0
}

// open opens the program and the bundle: users of cells need not be able to
// reach either by a path.
func (b *Bubblewrap) open(c Config) ([]*os.File, error) {
	binary, err := openBinary(b.first(c))
	if err != nil || b.options.Bundle == "" {
		return []*os.File{binary}, err
	}
	bundle, err := os.Open(b.options.Bundle)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the certificates: %w", err), binary.Close())
	}
	return []*os.File{binary, bundle}, nil
}

func closeAll(files []*os.File) error {
	var errs []error
	for _, f := range files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// Self is this program as the kernel has it, and not as a name leads to it: what stands
// under that by now may be another's.
const Self = "/proc/self/exe"

// OpenProgram opens this program for others of its processes to be executed from.
// Where its file is not for all users, it is a copy in memory.
func OpenProgram() (*os.File, error) { return openBinary(Self) }

// openBinary opens this program to be inherited: the init is executed through
// the descriptor, so that no folder on the way to it need be open to the users
// of cells. Where the file itself is not, they get a copy in memory.
func openBinary(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening this program: %w", err)
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&0o005 == 0o005 {
		return f, err
	}
	defer func() { _ = f.Close() }()
	fd, err := unix.MemfdCreate("hotcell", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("copying this program: %w", err)
	}
	// Opened anew for reading: what is open for writing cannot be executed.
	copied := os.NewFile(uintptr(fd), "hotcell")
	defer func() { _ = copied.Close() }()
	if _, err := io.Copy(copied, f); err != nil {
		return nil, fmt.Errorf("copying this program: %w", err)
	}
	if err := copied.Chmod(0o555); err != nil {
		return nil, fmt.Errorf("copying this program: %w", err)
	}
	return os.Open("/proc/self/fd/" + strconv.Itoa(fd))
}

// arguments is bwrap's command line. It holds no value: those come by the line.
func (b *Bubblewrap) arguments(c Config) []string {
	args := []string{
		"--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
		"--as-pid-1", "--die-with-parent", "--new-session", "--hostname", "cell", "--info-fd", strconv.Itoa(fdInfo),
		"--uid", "0", "--gid", "0", "--cap-drop", "ALL",
	}
	// The init needs these to set its network and its mounts up, to give the
	// command a user namespace, and to read whatever that leaves behind. The
	// command gets none.
	for _, capability := range []string{"NET_ADMIN", "NET_RAW", "NET_BIND_SERVICE", "SETFCAP", "SYS_ADMIN", "DAC_OVERRIDE"} {
		args = append(args, "--cap-add", "CAP_"+capability)
	}
	args = append(args, "--clearenv")
	if c.Root != "" {
		args = append(args, "--ro-bind", c.Root, "/")
	} else {
		args = append(args, b.machine()...)
	}
	args = append(args, "--proc", "/proc", "--dev", "/dev")
	disk := strconv.FormatInt(c.Disk, 10)
	for _, folder := range folders {
		args = append(args, "--perms", "0755", "--size", disk, "--tmpfs", folder)
	}
	if c.Cache > 0 {
		args = append(args, "--perms", "0755", "--size", strconv.FormatInt(c.Cache, 10), "--tmpfs", cacheFolder)
	}
	args = append(args, b.more(c)...)
	args = append(args, "--remount-ro", "/dev", "--chdir", "/", "--", "/proc/self/fd/"+strconv.Itoa(fdBinary))
	return append(args, c.command()...)
}

// machine is the machine's own as a root.
func (b *Bubblewrap) machine() []string {
	args := []string{"--ro-bind", "/usr", "/usr"}
	for _, name := range []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"} {
		args = append(args, system(name)...)
	}
	return append(args, b.etc()...)
}

// more are the operator's mounts, and what a root wants besides.
func (b *Bubblewrap) more(c Config) (args []string) {
	if c.Root != "" {
		return append(b.run(), over(c)...)
	}
	for _, m := range c.Mounts {
		args = append(args, "--perms", "0755", "--dir", m.top(), "--ro-bind", m.Source, m.Target)
	}
	return append(args, "--dir", "/run", "--remount-ro", "/")
}

// command is what the binary is to be inside.
func (c *Config) command() []string {
	switch {
	case c.Calls != nil:
		return []string{BrowserCommand}
	case c.Root != "":
		return []string{InitCommand, string(images)}
	}
	return []string{InitCommand}
}

// etc is the part of /etc that is the machine's; the init makes the rest.
func (b *Bubblewrap) etc() []string {
	args := []string{"--perms", "0755", "--size", "4194304", "--tmpfs", "/etc"}
	for _, name := range []string{
		"alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ssl/openssl.cnf", "ssl/certs/java", "fonts", "services", "protocols",
		"mime.types", "localtime", "perl", "python3", "java-17-openjdk", "java-21-openjdk",
	} {
		args = append(args, "--ro-bind-try", "/etc/"+name, "/etc/"+name)
	}
	if b.options.Bundle != "" {
		args = append(args, "--perms", "0644", "--file", strconv.Itoa(fdBundle), bundle)
	}
	return args
}

// system binds a folder of the system as the machine has it: a link or a folder.
func system(name string) []string {
	if target, err := os.Readlink(name); err == nil {
		return []string{"--symlink", strings.TrimPrefix(target, "/"), name}
	}
	return []string{"--ro-bind-try", name, name}
}

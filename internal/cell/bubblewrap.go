package cell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Options say what cells are made of.
type Options struct {
	// Binary is this program; it must be reachable by the users of cells.
	Binary string
	// Bundle is the file of certificates that cells trust.
	Bundle string
}

// Bubblewrap makes cells by bwrap.
type Bubblewrap struct{ options Options }

// NewBubblewrap is a driver.
func NewBubblewrap(o Options) *Bubblewrap { return &Bubblewrap{o} }

// Process is a cell that runs.
type Process struct {
	cmd  *exec.Cmd
	life *os.File
	once sync.Once
	err  error
	done chan struct{}
}

// The inherited descriptors, as the init sees them.
const (
	fdGateway = 3
	fdLife    = 4
)

// Start implements [Driver].
func (b *Bubblewrap) Start(ctx context.Context, c Config) (*Process, error) {
	path, err := exec.LookPath("bwrap")
	if err != nil {
		return nil, errors.New("starting a cell: bubblewrap is missing: apt-get install bubblewrap")
	}
	life, held, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("starting a cell: %w", err)
	}
	defer func() { _ = held.Close() }()
	cmd := exec.Command(path, b.arguments(c)...)
	cmd.Env, cmd.Dir = []string{}, "/"
	cmd.Stderr = c.Stderr
	cmd.ExtraFiles = []*os.File{c.Gateway, held}
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if c.User != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(c.User), Gid: uint32(c.User)}
	}
	start := cmd.Start
	if c.Cgroup != nil {
		start = func() error { return c.Cgroup.start(cmd) }
	}
	if err := start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting a cell: %w", err), life.Close())
	}
	p := &Process{cmd: cmd, life: life, done: make(chan struct{})}
	go p.reap()
	stop := context.AfterFunc(ctx, p.Kill)
	go func() { <-p.done; stop() }()
	return p, nil
}

// arguments is bwrap's command line. It holds no value: those come by the line.
func (b *Bubblewrap) arguments(c Config) []string {
	disk := strconv.FormatInt(c.Disk, 10)
	args := []string{
		"--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
		"--as-pid-1", "--die-with-parent", "--new-session", "--hostname", "cell",
		"--uid", "0", "--gid", "0", "--cap-drop", "ALL",
	}
	// The init needs these to set its network and its mounts up, and for the
	// command's user namespace; the command gets none.
	for _, capability := range []string{"NET_ADMIN", "NET_BIND_SERVICE", "SETFCAP", "SETUID", "SETGID", "SYS_ADMIN", "KILL"} {
		args = append(args, "--cap-add", "CAP_"+capability)
	}
	args = append(args, "--clearenv", "--ro-bind", "/usr", "/usr")
	for _, name := range []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"} {
		args = append(args, system(name)...)
	}
	args = append(args, "--size", "4194304", "--tmpfs", "/etc")
	for _, name := range []string{"alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ssl/openssl.cnf", "services", "protocols", "mime.types", "localtime", "perl", "python3"} {
		args = append(args, "--ro-bind-try", "/etc/"+name, "/etc/"+name)
	}
	if b.options.Bundle != "" {
		args = append(args, "--ro-bind", b.options.Bundle, "/etc/ssl/certs/ca-certificates.crt")
	}
	for _, folder := range []string{"/job", "/tmp", "/home/job", "/dev/shm"} {
		if folder == "/dev/shm" {
			args = append(args, "--proc", "/proc", "--dev", "/dev")
		}
		args = append(args, "--perms", "0755", "--size", disk, "--tmpfs", folder)
	}
	return append(args,
		"--remount-ro", "/dev",
		"--dir", "/run", "--ro-bind", b.options.Binary, "/run/hotcell", "--remount-ro", "/",
		"--chdir", "/", "--", "/run/hotcell", InitCommand)
}

// system binds a folder of the system as the host has it: a link or a folder.
func system(name string) []string {
	if target, err := os.Readlink(name); err == nil {
		return []string{"--symlink", strings.TrimPrefix(target, "/"), name}
	}
	return []string{"--ro-bind-try", name, name}
}

func (p *Process) reap() {
	p.err = p.cmd.Wait()
	// The init's end of the pipe closes with the last of it.
	_, _ = io.Copy(io.Discard, p.life)
	_ = p.life.Close()
	close(p.done)
}

// Wait waits until nothing of the cell is left. It fails where the init did.
func (p *Process) Wait() error {
	<-p.done
	return p.err
}

// PID is bwrap's process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Kill ends every process of the cell: bwrap's death is its init's, and the
// init's is everybody's.
func (p *Process) Kill() {
	p.once.Do(func() { _ = p.cmd.Process.Kill() })
}

// Check implements [Driver].
func (b *Bubblewrap) Check(ctx context.Context) []Precondition {
	list := []Precondition{checkBwrap(), checkLandlock(), checkCgroup()}
	return append(list, b.checkCell(ctx))
}

func checkBwrap() Precondition {
	p := Precondition{Name: "bubblewrap", Needed: true}
	out, err := exec.Command("bwrap", "--version").Output()
	if err != nil {
		p.Detail = "bwrap is missing: apt-get install bubblewrap"
		return p
	}
	p.Met, p.Detail = true, strings.TrimSpace(string(out))
	return p
}

func checkLandlock() Precondition {
	p := Precondition{Name: "landlock", Needed: true}
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		p.Detail = "the kernel has no Landlock: a kernel of 5.13 or later with lsm=landlock is needed"
		return p
	}
	p.Met, p.Detail = true, fmt.Sprintf("ABI %d", abi)
	return p
}

func checkCgroup() Precondition {
	p := Precondition{Name: "cgroup", Detail: "none can be made here: memory and processes are bounded by rlimits for each process, not for a job as a whole; run as root, or with a delegated cgroup"}
	if h, err := OpenCgroups("hotcell-check-" + strconv.Itoa(os.Getpid())); err == nil {
		p.Met, p.Detail = true, h.String()
		h.Close()
	}
	return p
}

// checkCell makes a cell whose init does all that it does for a job but run one.
func (b *Bubblewrap) checkCell(ctx context.Context) Precondition {
	p := Precondition{Name: "cell", Needed: true}
	var stderr bytes.Buffer
	dial, listen, err := linePair()
	if err != nil {
		p.Detail = err.Error()
		return p
	}
	defer func() { _ = dial.Close(); _ = listen.Close() }()
	process, err := b.Start(ctx, Config{Gateway: dial, Disk: 1 << 20, Stderr: &stderr})
	if err != nil {
		p.Detail = err.Error()
		return p
	}
	_ = dial.Close()
	stopped := make(chan struct{})
	go serveProbe(listen, stopped)
	err = process.Wait()
	_ = listen.Close()
	<-stopped
	if err != nil {
		p.Detail = "a cell does not start: " + strings.TrimSpace(stderr.String()) + ": unprivileged user namespaces are needed (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0)"
		return p
	}
	p.Met, p.Detail = true, "user, process, mount, network, IPC and host-name namespaces, seccomp and Landlock work"
	return p
}

// Reachable copies the program to a folder that every user of cells can reach,
// unless it is in one already, and returns its path there.
func Reachable(binary, folder string) (string, error) {
	in, err := os.Open(binary)
	if err != nil {
		return "", fmt.Errorf("reading this program: %w", err)
	}
	defer func() { _ = in.Close() }()
	path := filepath.Join(folder, "hotcell")
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return "", fmt.Errorf("copying this program: %w", err)
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Chmod(0o755), out.Close()); err != nil {
		return "", fmt.Errorf("copying this program: %w", err)
	}
	return path, nil
}

package child_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/line/child"
	"hotcell/internal/line/socketpair"
)

// The test's own program is the child, by its first argument.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "child-echo":
			echo()
		case "child-hopeless":
			fmt.Fprintln(os.Stderr, "the key is gone")
			os.Exit(child.ExitHopeless)
		case "child-mortal":
			fmt.Fprintln(os.Stderr, "born")
			os.Exit(1)
		case "child-deaf":
			fmt.Fprintln(os.Stderr, "born")
			select {}
		case "child-worker":
			err := child.HardenWorker()
			fmt.Fprintln(os.Stderr, os.Environ(), err)
			<-child.Leashed(context.Background()).Done()
			os.Exit(0)
		case "child-parent":
			parent()
		case "child-seen":
			fmt.Fprintln(os.Stderr, seen())
			<-child.Leashed(context.Background()).Done()
			os.Exit(0)
		case "child-vault":
			vault(os.Args[2], os.Args[3])
		}
	}
	os.Exit(m.Run())
}

// echo says who it is on each connection, until it is let go.
func echo() {
	env := strings.Join(os.Environ(), ",")
	if err := child.Harden(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	l, err := socketpair.NewListener(child.Line(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			dumpable, _ := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
			fmt.Fprintf(c, "%d %d %s", os.Getpid(), dumpable, env)
			_ = c.Close()
		}
	}()
	<-child.Leashed(context.Background()).Done()
	os.Exit(0)
}

// parent starts a child of its own, tells of it, and stays.
func parent() {
	c, err := child.Start(context.Background(), child.Spec{
		Name: "grandchild", Binary: os.Args[0], Arguments: []string{"child-seen"}, Stderr: io.Discard, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(c.PID())
	select {}
}

// sight is what a process sees of itself and of the machine.
type sight struct {
	UID, GID    int
	Groups      []int
	Root        []string
	Readable    []string
	Descriptors []int
	Map         string
	Failed      string
}

func seen() string {
	var s sight
	for fd := 3; fd < 1024; fd++ {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			s.Descriptors = append(s.Descriptors, fd)
		}
	}
	s.UID, s.GID = os.Getuid(), os.Getgid()
	s.Groups, _ = os.Getgroups()
	for _, path := range []string{"/etc/shadow", "/etc/passwd", "/proc/self/status", "/usr/bin", "/root", "/local.key", "/data"} {
		if f, err := os.Open(path); err == nil {
			s.Readable = append(s.Readable, path)
			_ = f.Close()
		}
	}
	entries, _ := os.ReadDir("/")
	for _, e := range entries {
		s.Root = append(s.Root, e.Name())
	}
	text, _ := os.ReadFile("/proc/self/uid_map")
	s.Map = strings.Join(strings.Fields(string(text)), " ")
	b, _ := json.Marshal(s)
	return string(b)
}

// vault does what the vault's process does first.
func vault(data, key string) {
	data, key, err := child.Enter(data, key, child.VaultUID)
	if err == nil {
		err = child.Harden()
	}
	if err == nil {
		err = os.WriteFile(data+"/written", nil, 0o600)
	}
	if err == nil {
		_, err = os.ReadFile(key)
	}
	if err == nil && (os.WriteFile("/x", nil, 0o600) == nil || os.WriteFile("/etc/x", nil, 0o600) == nil || syscall.Setuid(0) == nil || unix.Unmount("/etc", 0) == nil) {
		err = errors.New("it may more than it should")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(child.ExitHopeless)
	}
	fmt.Fprintln(os.Stderr, seen())
	<-child.Leashed(context.Background()).Done()
	os.Exit(0)
}

type words struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(b)
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// run starts a child that has no line.
func run(t *testing.T, spec child.Spec) (*child.Child, *words) {
	t.Helper()
	out := &words{}
	spec.Name, spec.Stderr, spec.Log = "test", out, slog.New(slog.DiscardHandler)
	if spec.Binary == "" {
		spec.Binary = os.Args[0]
	}
	c, err := child.Start(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	return c, out
}

func waitFor(t *testing.T, what string, fn func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); !fn(); <-tick.C {
		if time.Since(began) > 30*time.Second {
			t.Fatalf("%s: it never happened", what)
		}
	}
}

func start(t *testing.T, command string) (*child.Child, *socketpair.Dialer, *words) {
	t.Helper()
	dial, listen, err := socketpair.Pair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dial.Close(); _ = listen.Close() })
	out := &words{}
	c, err := child.Start(context.Background(), child.Spec{
		Name: "test", Binary: os.Args[0], Arguments: []string{command}, Lines: []*os.File{listen}, Stderr: out, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	d, err := socketpair.NewDialer(dial)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return c, d, out
}

func ask(t *testing.T, d *socketpair.Dialer) (pid, dumpable int, env string) {
	t.Helper()
	c, err := d.DialContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	text, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(string(text), &pid, &dumpable, &env); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return pid, dumpable, env
}

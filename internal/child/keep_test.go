package child_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/child"
	"hotcell/internal/socketpair"
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

type words struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(b)
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

func TestASuccessorServesTheSameLine(t *testing.T) {
	t.Parallel()
	c, d, _ := start(t, "child-echo")
	first, dumpable, env := ask(t, d)
	if first != c.PID() || dumpable != 0 || env != "LANG=C.UTF-8" {
		t.Errorf("pid %d, want %d; dumpable %d; environment %s", first, c.PID(), dumpable, env)
	}
	if err := unix.Kill(first, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	second, _, _ := ask(t, d) // waits in the line until the successor is there
	if second == first || second != c.PID() {
		t.Errorf("pid %d after %d, want %d", second, first, c.PID())
	}
	c.Stop()
	if err := unix.Kill(second, 0); err == nil {
		t.Error("it lives on after Stop")
	}
}

func TestOneWithoutHopeIsNotStartedAgain(t *testing.T) {
	t.Parallel()
	c, _, out := start(t, "child-hopeless")
	select {
	case err := <-c.Failed():
		if err == nil {
			t.Error("no error")
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it never gave up")
	}
	out.mu.Lock()
	defer out.mu.Unlock()
	if strings.Count(out.b.String(), "the key is gone") != 1 {
		t.Errorf("it said %q", out.b.String())
	}
}

package parser_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell"
	"hotcell/internal/line/socketpair"
	"hotcell/internal/parser"
)

// The test's own program reads texts, by its first argument.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "read-a-text" {
		os.Exit(parser.Main(kinds))
	}
	os.Exit(m.Run())
}

var kinds = parser.Kinds{
	"count":   counted(),
	"echo":    func(in []byte) ([]byte, error) { return in, nil },
	"wrong":   func([]byte) ([]byte, error) { return nil, hotcell.Invalid("/definition", "line %d", 7) },
	"failing": func(in []byte) ([]byte, error) { return nil, errors.New(string(in)) },
	"panic":   func(in []byte) ([]byte, error) { panic(string(in)) },
	"deep":    func(in []byte) ([]byte, error) { return deep(in), nil },
	"hungry": func([]byte) ([]byte, error) {
		var all [][]byte
		for range 64 {
			all = append(all, bytes.Repeat([]byte{1}, 64<<20))
		}
		return all[0][:len(all)], nil
	},
	"slow": func([]byte) ([]byte, error) {
		for on := true; on; on = len(os.Args) > 0 {
		}
		return nil, errors.New("it ended")
	},
	"large": func([]byte) ([]byte, error) { return make([]byte, 17<<20), nil },
	"grasp": grasp,
}

// counted tells how often its process was asked.
func counted() func([]byte) ([]byte, error) {
	n := 0
	return func([]byte) ([]byte, error) { n++; return fmt.Append(nil, n), nil }
}

// deep ends with the stack.
func deep(in []byte) []byte {
	if len(in) == 1<<50 {
		return in
	}
	return append(deep(append(in, 1)), 1)
}

// grasp does all that a process that was taken over would, and tells what worked.
func grasp(in []byte) ([]byte, error) {
	var order struct {
		Parent int
		File   string
	}
	if err := json.Unmarshal(in, &order); err != nil {
		return nil, err
	}
	try := map[string]func() error{
		"opening a file": func() error { _, err := os.Open("/etc/passwd"); return err },
		"writing a file": func() error { return os.WriteFile(order.File, nil, 0o600) },
		"a folder":       func() error { _, err := os.ReadDir("/"); return err },
		"a connection":   func() error { _, err := net.Dial("tcp", "127.0.0.1:1"); return refused(err) },
		"a socket":       func() error { _, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0); return err },
		"a program":      func() error { return exec.Command("/bin/true").Run() },
		"a signal":       func() error { return unix.Kill(order.Parent, 0) },
		"another's end":  func() error { return unix.Tgkill(order.Parent, order.Parent, 0) },
		"its parent":     func() error { _, err := unix.PtraceGetEventMsg(order.Parent); return err },
		"others' memory": func() error { return readOf(order.Parent) },
		"a pipe":         func() error { return unix.Pipe2(make([]int, 2), 0) },
		"a message":      func() error { return known(unix.Recvmsg(0, make([]byte, 1), make([]byte, 64), unix.MSG_DONTWAIT)) },
		"a namespace":    func() error { return unix.Unshare(unix.CLONE_NEWUSER) },
	}
	var worked []string
	for name, fn := range try {
		if fn() == nil {
			worked = append(worked, name)
		}
	}
	for _, one := range os.Environ() {
		if !strings.HasPrefix(one, "LANG=") {
			worked = append(worked, one)
		}
	}
	return json.Marshal(worked)
}

// known is nil where a call was let through, whatever came of it.
func known(_, _, _ int, _ unix.Sockaddr, err error) error {
	if errors.Is(err, unix.EPERM) {
		return err
	}
	return nil
}

// refused is nil where a connection was tried, though nobody listened.
func refused(err error) error {
	if errors.Is(err, unix.ECONNREFUSED) {
		return nil
	}
	return err
}

func readOf(pid int) error {
	local := make([]byte, 8)
	_, err := unix.ProcessVMReadv(pid, []unix.Iovec{{Base: &local[0], Len: 8}}, []unix.RemoteIovec{{Base: 0x10000, Len: 8}}, 0)
	if errors.Is(err, unix.EFAULT) {
		return nil
	}
	return err
}

func open(t *testing.T, life time.Duration) *parser.Remote {
	t.Helper()
	return openOn(t, &parser.Host{Binary: "/proc/self/exe", Arguments: []string{"read-a-text"}, Life: life, Log: slog.New(slog.DiscardHandler)})
}

func openOn(t testing.TB, h *parser.Host) *parser.Remote {
	t.Helper()
	dial, listen, err := socketpair.Pair()
	if err != nil {
		t.Fatal(err)
	}
	d, err := socketpair.NewDialer(dial)
	if err != nil {
		t.Fatal(err)
	}
	l, err := socketpair.NewListener(listen)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = h.Serve(context.WithoutCancel(t.Context()), l) }()
	t.Cleanup(func() { _, _ = d.Close(), l.Close() })
	return parser.NewRemote(d)
}

func TestATextIsReadElsewhere(t *testing.T) {
	t.Parallel()
	p := open(t, 0)
	for _, n := range []int{0, 1, 100, 70_000, 9 << 20} {
		in := make([]byte, n)
		for i := range in {
			in[i] = byte(rand.Uint32())
		}
		if out, err := p.Parse(t.Context(), "echo", in); err != nil || !bytes.Equal(in, out) {
			t.Errorf("%d bytes came back as %d: %v", n, len(out), err)
		}
	}
	_, err := p.Parse(t.Context(), "wrong", []byte("x"))
	if field, ok := errors.AsType[*hotcell.FieldError](err); !ok || field.Pointer != "/definition" || field.Reason != "line 7" {
		t.Errorf("an error of a text: %v", err)
	}
	if _, err := p.Parse(t.Context(), "echo", make([]byte, 33<<20)); !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("what is too large: %v", err)
	}
}

// What ends a reader is one text's matter: nothing of it is told, and others go on.
func TestWhatEndsAReaderEndsNobodyElse(t *testing.T) {
	t.Parallel()
	p := open(t, 3*time.Second)
	const secret = "7q4vXr9kTz2mPwLd81"
	for _, kind := range []string{"failing", "panic", "deep", "hungry", "slow", "large", "unknown"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			_, err := p.Parse(t.Context(), kind, []byte(secret))
			if !errors.Is(err, hotcell.ErrInvalid) || strings.Contains(fmt.Sprint(err), secret) {
				t.Errorf("%v", err)
			}
			if out, err := p.Parse(t.Context(), "echo", []byte("well")); err != nil || string(out) != "well" {
				t.Errorf("after it: %q, %v", out, err)
			}
		})
	}
}

func TestAReaderThatIsTakenOverReachesNothing(t *testing.T) {
	t.Parallel()
	p := open(t, 0)
	file := t.TempDir() + "/made"
	order := fmt.Sprintf(`{"Parent":%d,"File":%q}`, os.Getpid(), file)
	out, err := p.Parse(t.Context(), "grasp", []byte(order))
	if err != nil || string(out) != "null" {
		t.Errorf("these worked: %s, %v", out, err)
	}
	// Each of them works without the walls, so that the test says something.
	free, err := parser.Here(kinds).Parse(t.Context(), "grasp", []byte(order))
	if n := bytes.Count(free, []byte(`","`)); err != nil || n < 8 {
		t.Errorf("outside only these work: %s, %v", free, err)
	}
}

func TestWhoWaitsForAReaderCanLeave(t *testing.T) {
	t.Parallel()
	p := open(t, 0)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := p.Parse(ctx, "slow", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// What is asked in one session one process answers, and what ends it ends the session.
func TestASession(t *testing.T) {
	t.Parallel()
	p := open(t, 0)
	for range 3 { // each with a process of its own, and the next one ready
		s, err := p.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for n := range 5 {
			in := bytes.Repeat([]byte{byte(n)}, n*30_000)
			if out, err := s.Parse("count", in); err != nil || string(out) != fmt.Sprint(n+1) {
				t.Errorf("question %d: %s, %v", n, out, err)
			}
		}
		if _, err := s.Parse("wrong", nil); !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("a text at fault: %v", err)
		}
		if out, err := s.Parse("count", nil); err != nil || string(out) != "6" {
			t.Errorf("after it: %s, %v", out, err)
		}
		for range 2 {
			if _, err := s.Parse("deep", []byte("x")); !errors.Is(err, hotcell.ErrInvalid) {
				t.Errorf("what ends it: %v", err)
			}
		}
		s.Close()
	}
}

// A process that ended while it waited is no one's, and where none can be started, that
// is told.
func TestReadersThatEndBeforeTheirTime(t *testing.T) {
	t.Parallel()
	p := openOn(t, &parser.Host{Binary: "/bin/true", Log: slog.New(slog.DiscardHandler)})
	for range 3 {
		if _, err := p.Parse(t.Context(), "echo", []byte("x")); err == nil {
			t.Error("a program that reads nothing has read")
		}
	}
	p = openOn(t, &parser.Host{Binary: "/no/such", Log: slog.New(slog.DiscardHandler)})
	if _, err := p.Parse(t.Context(), "echo", []byte("x")); err == nil {
		t.Error("no program has read")
	}
}

func BenchmarkSession(b *testing.B) {
	p := openOn(b, &parser.Host{Binary: "/proc/self/exe", Arguments: []string{"read-a-text"}, Log: slog.New(slog.DiscardHandler)})
	for _, questions := range []int{1, 10} {
		b.Run(fmt.Sprint(questions), func(b *testing.B) {
			for b.Loop() {
				s, err := p.Open(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				for range questions {
					if _, err := s.Parse("echo", []byte("a text")); err != nil {
						b.Fatal(err)
					}
				}
				s.Close()
				b.StopTimer()
				time.Sleep(50 * time.Millisecond) // the next one gets ready
				b.StartTimer()
			}
		})
	}
}

// Who waits for a short time is told of a text that takes longer, as of one that ends
// its reader; who leaves meanwhile is told that.
func TestAnswersAreWaitedForWithinATime(t *testing.T) {
	t.Parallel()
	p := open(t, 0).Within(200 * time.Millisecond)
	if _, err := p.Parse(t.Context(), "slow", nil); !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(hotcell.ErrDenied)
	if _, err := p.Parse(ctx, "slow", nil); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("%v", err)
	}
}

// Nobody's text is read on: more of them than there are places keep nobody out.
func TestWhoLeavesTakesTheReaderAlong(t *testing.T) {
	t.Parallel()
	p := open(t, time.Minute)
	for range 8 {
		if _, err := p.Within(100*time.Millisecond).Parse(t.Context(), "slow", nil); !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%v", err)
		}
	}
	if out, err := p.Parse(t.Context(), "echo", []byte("well")); err != nil || string(out) != "well" {
		t.Errorf("after them: %q, %v", out, err)
	}
}

package socketpair_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/line/socketpair"
)

func line(t *testing.T) (dial, listen *os.File) {
	t.Helper()
	dial, listen, err := socketpair.Pair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dial.Close(); _ = listen.Close() })
	return dial, listen
}

func ends(t *testing.T) (*socketpair.Dialer, *socketpair.Listener) {
	t.Helper()
	dial, listen := line(t)
	d, err := socketpair.NewDialer(dial)
	if err != nil {
		t.Fatal(err)
	}
	l, err := socketpair.NewListener(listen)
	if err != nil {
		t.Fatal(err)
	}
	_ = dial.Close()
	_ = listen.Close()
	t.Cleanup(func() { _ = d.Close(); _ = l.Close() })
	return d, l
}

func echo(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
	}
}

func roundTrip(t *testing.T, d *socketpair.Dialer) {
	t.Helper()
	c, err := d.DialContext(context.Background())
	if err != nil {
		t.Error(err)
		return
	}
	speak(t, c)
}

// speak says hello to an echo, and closes the connection.
func speak(t *testing.T, c net.Conn) {
	t.Helper()
	defer func() { _ = c.Close() }()
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Error(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
		t.Errorf("echo = %q, %v", got, err)
	}
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestManyDialsLeakNothing(t *testing.T) {
	d, l := ends(t)
	go echo(l)
	roundTrip(t, d)
	before := openDescriptors(t)
	for range 10_000 {
		roundTrip(t, d)
	}
	if after := openDescriptors(t); after > before+20 {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func TestSuccessorAcceptsWhatWasDialledMeanwhile(t *testing.T) {
	t.Parallel()
	dial, listen := line(t)
	d, err := socketpair.NewDialer(dial)
	if err != nil {
		t.Fatal(err)
	}
	first, err := socketpair.NewListener(listen)
	if err != nil {
		t.Fatal(err)
	}
	_ = first.Close()
	c, err := d.DialContext(context.Background())
	if err != nil {
		t.Fatalf("dialling while nobody listens: %v", err)
	}
	defer func() { _ = c.Close() }()
	second, err := socketpair.NewListener(listen)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = second.Close() }()
	go echo(second)
	_, _ = c.Write([]byte("x"))
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Errorf("the successor did not answer: %v", err)
	}
}

func TestDialFailsWhenNobodyHoldsTheOtherEnd(t *testing.T) {
	t.Parallel()
	d, l := ends(t)
	_ = l.Close()
	if c, err := d.DialContext(context.Background()); err == nil {
		_ = c.Close()
		t.Error("dialling nobody worked")
	}
}

func TestConnectionEndsWhenNobodyIsLeftToAcceptIt(t *testing.T) {
	t.Parallel()
	d, l := ends(t)
	c, err := d.DialContext(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = l.Close()
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("reading = %d, %v", n, err)
	}
}

func TestFullLineEndsWithTheContext(t *testing.T) {
	t.Parallel()
	d, l := ends(t)
	fill(t, d)
	ctx, cancel := context.WithCancel(context.Background())
	waiting := make(chan error)
	for range 2 { // one waits for the line, the other for its turn
		go func() {
			_, err := d.DialContext(ctx)
			waiting <- err
		}()
	}
	cancel()
	for range 2 {
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Errorf("dialling a full line = %v", err)
		}
	}
	go echo(l)
	roundTrip(t, d) // no deadline is left behind
}

// fill dials until the line takes no more, and keeps what it dialled.
func fill(t *testing.T, d *socketpair.Dialer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	for range 100_000 {
		c, err := d.DialContext(ctx)
		if err != nil {
			return
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	t.Fatal("the line never filled up")
}

func TestDialWithAnEndedContextSendsNothing(t *testing.T) {
	t.Parallel()
	d, l := ends(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := d.DialContext(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("dialling with an ended context = %v", err)
	}
	go func() { roundTrip(t, d) }()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if n, err := io.Copy(c, io.LimitReader(c, 5)); n != 5 || err != nil {
		t.Errorf("the first connection accepted is not the one dialled: %d, %v", n, err)
	}
}

func TestManyAtOnceSpeakHTTP(t *testing.T) {
	t.Parallel()
	d, l := ends(t)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}), ReadHeaderTimeout: time.Minute}
	served := make(chan error)
	go func() { served <- server.Serve(l) }()
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx) },
	}}
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			want := strings.Repeat(strconv.Itoa(i), 1000)
			r, err := client.Post("http://line/", "text/plain", strings.NewReader(want))
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = r.Body.Close() }()
			if got, err := io.ReadAll(r.Body); err != nil || string(got) != want {
				t.Errorf("answer %d is another's, or %v", i, err)
			}
		})
	}
	all.Wait()
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve = %v", err)
	}
}

func TestCloseEndsAccept(t *testing.T) {
	t.Parallel()
	_, l := ends(t)
	done := make(chan error)
	go func() {
		_, err := l.Accept()
		done <- err
	}()
	_ = l.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close = %v", err)
	}
}

func TestAcceptEndsWithTheLastDialler(t *testing.T) {
	t.Parallel()
	d, l := ends(t)
	c, err := d.DialContext(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = d.Close()
	last, err := l.Accept()
	if err != nil {
		t.Fatalf("what was dialled before the end is lost: %v", err)
	}
	_ = last.Close()
	if _, err := l.Accept(); !errors.Is(err, io.EOF) {
		t.Errorf("Accept at the end = %v", err)
	}
}

func TestOnlyALineIsALine(t *testing.T) {
	t.Parallel()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	stream, other := os.NewFile(uintptr(fds[0]), "a"), os.NewFile(uintptr(fds[1]), "b")
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*os.File{stream, file} {
		if _, err := socketpair.NewDialer(f); err == nil {
			t.Error("a dialler was made of no line")
		}
		if _, err := socketpair.NewListener(f); err == nil {
			t.Error("a listener was made of no line")
		}
	}
	for _, f := range []*os.File{stream, other, file} {
		_ = f.Close()
	}
}

// What was made elsewhere is handed over with a word about it, and lives on when the one
// who handed it over lets go.
func TestAConnectionIsHandedOverWithAWord(t *testing.T) {
	t.Parallel()
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
	outer, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _, _ = d.Close(), l.Close(), outer.Close() })
	for _, word := range []string{"", "w", strings.Repeat("é", 127)} {
		peer, err := net.Dial("unix", outer.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c, err := outer.AcceptUnix()
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(d.Hand(t.Context(), c, word), c.Close()); err != nil {
			t.Fatal(err)
		}
		in, got, err := l.Receive()
		if err != nil || got != word {
			t.Fatalf("%q came with %v, want %q", got, err, word)
		}
		if _, err := io.WriteString(in, "hello"); err != nil {
			t.Error(err)
		}
		_ = in.Close()
		if text, err := io.ReadAll(peer); err != nil || string(text) != "hello" {
			t.Errorf("the peer read %q, %v", text, err)
		}
		_ = peer.Close()
	}
	peer, _ := net.Dial("unix", outer.Addr().String())
	t.Cleanup(func() { _ = peer.Close() })
	c, err := outer.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Hand(t.Context(), c, strings.Repeat("w", 256)); err == nil {
		t.Error("a word that is too long is handed over")
	}
	if _, err := d.DialContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, word, err := l.Receive(); err != nil || word != "" {
		t.Errorf("what was dialled came with %q, %v", word, err)
	}
}

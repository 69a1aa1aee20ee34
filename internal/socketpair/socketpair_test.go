package socketpair_test

import (
	"context"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/socketpair"
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
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
		t.Fatalf("echo = %q, %v", got, err)
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

func TestFullLineEndsWithTheContext(t *testing.T) {
	t.Parallel()
	d, _ := ends(t)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	for range 100_000 {
		c, err := d.DialContext(ctx)
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
	}
	t.Error("the line never filled up")
}

func TestMessagesWithoutExactlyOneDescriptorAreDropped(t *testing.T) {
	t.Parallel()
	dial, listen := line(t)
	l, err := socketpair.NewListener(listen)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	raw := int(dial.Fd())
	if err := unix.Sendmsg(raw, []byte{0}, nil, nil, 0); err != nil {
		t.Fatal(err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Sendmsg(raw, []byte{0}, unix.UnixRights(pair[0], pair[0]), nil, 0); err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(pair[0])
	d, err := socketpair.NewDialer(dial)
	if err != nil {
		t.Fatal(err)
	}
	go echo(l)
	roundTrip(t, d)
	// Both copies of the far end were closed, so this end is at its end.
	if n, err := unix.Read(pair[1], make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("a surplus descriptor lives on: %d, %v", n, err)
	}
	_ = unix.Close(pair[1])
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
	if err := <-done; err == nil {
		t.Error("Accept returned a connection")
	}
}

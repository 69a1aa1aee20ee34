package frames_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"hotcell/internal/line/border"
	"hotcell/internal/value/guard"
	"hotcell/internal/wire/frames"
)

func TestAFaultEndsOneWebSocketAndNotItsNeighbour(t *testing.T) {
	t.Parallel()
	p := patterns(t)
	throws := func(guard.Match) guard.Verdict { panic("at " + value) }
	for name, up := range map[string]bool{"upwards": true, "downwards": false} {
		told := make(chan *border.Fault, 2)
		sides := frames.Sides{Caught: func(f *border.Fault) { told <- f }}
		if up {
			sides.Up = frames.Guarded(p, throws, false)
		} else {
			sides.Down = frames.Guarded(p, throws, false)
		}
		client, us := net.Pipe()
		them, upstream := net.Pipe()
		ended := make(chan []byte, 2)
		for _, end := range []net.Conn{client, upstream} {
			go func() { b, _ := io.ReadAll(end); ended <- b }()
		}
		from := client
		if !up {
			from = upstream
		}
		go func() {
			_, _ = from.Write(frame(1, true, true, "a "+value))
			_, _ = from.Write(frame(1, true, true, "later"))
		}()
		if _, _, refused := frames.Join(us, them, sides); refused != nil {
			t.Errorf("%s: %v", name, refused)
		}
		for range 2 {
			if got := <-ended; strings.Contains(string(got), value[:6]) || strings.Contains(string(got), "later") {
				t.Errorf("%s: %q passed", name, got)
			}
		}
		if f := <-told; !strings.Contains(f.At, name) && !strings.Contains(f.At, "guard") {
			t.Errorf("%s: told of %q", name, f.At)
		}
		if got, refused := pass(t, frames.Guarded(p, nil, false), frame(1, true, true, "hello")); refused != nil || messages(t, got)[0] != "hello" {
			t.Errorf("%s: a neighbour got %q, %v", name, got, refused)
		}
	}
}

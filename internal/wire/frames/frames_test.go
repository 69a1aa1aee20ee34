package frames_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"

	"hotcell/internal/value/guard"
	"hotcell/internal/wire/frames"
)

const value = "sk_live_51Hx9Zq2eTyVb3"

func patterns(t testing.TB) *guard.Patterns {
	t.Helper()
	b := guard.NewBuilder()
	if err := b.Add(guard.Label{Name: "billing"}, []byte(value)); err != nil {
		t.Fatal(err)
	}
	return b.Build()
}

// frame writes a frame of a server, or of a client where it is masked.
func frame(opcode byte, final, masked bool, payload string) []byte {
	first := opcode
	if final {
		first |= 0x80
	}
	out := []byte{first}
	switch n := len(payload); {
	case n < 126:
		out = append(out, byte(n))
	default:
		out = binary.BigEndian.AppendUint16(append(out, 126), uint16(n))
	}
	if !masked {
		return append(out, payload...)
	}
	out[1] |= 0x80
	mask := []byte{1, 2, 3, 4}
	out = append(out, mask...)
	for i, c := range []byte(payload) {
		out = append(out, c^mask[i%4])
	}
	return out
}

// messages reads what came: each message with its opcode.
func messages(t *testing.T, b []byte) (out []string) {
	t.Helper()
	text := ""
	for len(b) > 0 {
		n, head := int(b[1]&0x7f), 2
		if n == 126 {
			n, head = int(binary.BigEndian.Uint16(b[2:])), 4
		}
		var mask []byte
		if b[1]&0x80 != 0 {
			mask = b[head : head+4]
			head += 4
		}
		payload := bytes.Clone(b[head : head+n])
		for i := range payload {
			if mask != nil {
				payload[i] ^= mask[i%4]
			}
		}
		if b[0]&0x0f >= 8 {
			out = append(out, "control:"+string(payload))
		} else if text += string(payload); b[0]&0x80 != 0 {
			out, text = append(out, text), ""
		}
		b = b[head+n:]
	}
	return out
}

// pass sends frames up a connection, and returns what came out and why it ended.
func pass(t *testing.T, side frames.Side, sent ...[]byte) ([]byte, *guard.RefusedError) {
	t.Helper()
	client, us := net.Pipe()
	them, upstream := net.Pipe()
	got := make(chan []byte)
	go func() { b, _ := io.ReadAll(upstream); got <- b }()
	go func() {
		for _, f := range sent {
			_, _ = client.Write(f)
		}
		_ = client.Close()
	}()
	_, _, refused := frames.Join(us, them, frames.Sides{Up: side})
	return <-got, refused
}

func TestMessagesAreGuarded(t *testing.T) {
	t.Parallel()
	p := patterns(t)
	long := strings.Repeat("all work and no play ", 60)
	for name, c := range map[string]struct {
		sent [][]byte
		want []string
	}{
		"a text":          {[][]byte{frame(1, true, true, "my key is "+value+".")}, []string{"my key is [hotcell:billing]."}},
		"fragments":       {[][]byte{frame(1, false, true, "key "+value[:5]), frame(9, true, true, "ping"), frame(0, false, true, value[5:9]), frame(0, true, true, value[9:]+"!")}, []string{"control:ping", "key [hotcell:billing]!"}},
		"a control frame": {[][]byte{frame(9, true, true, value)}, []string{"control:[hotcell:billing]"}},
		"ordinary":        {[][]byte{frame(2, true, true, "\x00\x01"), frame(1, true, true, ""), frame(1, true, true, long)}, []string{"\x00\x01", "", long}},
		"of a server":     {[][]byte{frame(1, true, false, "key "+value)}, []string{"key [hotcell:billing]"}},
	} {
		got, refused := pass(t, frames.Guarded(p, nil, false), c.sent...)
		all := strings.Join(messages(t, got), "|")
		// A ping between fragments may come before or after what they hold so far.
		if refused != nil || all != strings.Join(c.want, "|") {
			t.Errorf("%s: %q, want %q (%v)", name, all, c.want, refused)
		}
	}
}

func TestWhatSpansMessagesEndsTheConnection(t *testing.T) {
	t.Parallel()
	got, refused := pass(t, frames.Guarded(patterns(t), nil, false), frame(1, true, true, "a"+value[:10]), frame(1, true, true, value[10:]))
	if refused == nil || strings.Contains(strings.Join(messages(t, got), ""), value[10:]) {
		t.Errorf("%q passed, %v", messages(t, got), refused)
	}
}

func TestARefusedMessageDoesNotPass(t *testing.T) {
	t.Parallel()
	refuse := func(guard.Match) guard.Verdict { return guard.Refuse }
	got, refused := pass(t, frames.Guarded(patterns(t), refuse, false), frame(1, true, true, "hello"), frame(1, true, true, "x"+value))
	if refused == nil || strings.Join(messages(t, got), "|") != "hello" {
		t.Errorf("%q passed, %v", messages(t, got), refused)
	}
}

func FuzzJoin(f *testing.F) {
	f.Add(frame(1, true, true, "hello"))
	f.Add([]byte{0xc1, 0x85, 1, 2, 3, 4})
	f.Add([]byte{0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	p := patterns(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		got, _ := pass(t, frames.Guarded(p, nil, false), b)
		if bytes.Contains(got, []byte(value)) {
			t.Fatal("the value passed")
		}
	})
}

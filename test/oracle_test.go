package test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"

	"hotcell"
	"hotcell/test/prove"
)

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// drawn is a random text of the alphabet.
func drawn(random *rand.Rand, n int) string {
	var out strings.Builder
	for range n {
		out.WriteByte(alphabet[random.IntN(len(alphabet))])
	}
	return out.String()
}

// repeats answers with the bytes that came, head and body.
func repeats(c net.Conn, _ *bufio.Reader, _ *http.Request, raw string) bool {
	_, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len(raw), raw)
	return err == nil
}

// TestProveAGuesserLearnsNothing has a job that knows four or seven characters of a
// value (people print the last ones) use what the guard takes out as an oracle: each
// request brings thousands of guesses, which the service repeats, and the one that is
// missing from the answer was right. What it knows in the end beyond the
// few that it may be shown is nothing.
func TestProveAGuesserLearnsNothing(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 11))
	for _, as := range []string{"stand-in", "http"} {
		for range prove.Trials(1, 20) {
			value := drawn(random, 40)
			b := openBooth(t, "api.acme.example")
			b.reply = repeats
			if as == "http" {
				b.connection("api", value, hotcell.Auth{Kind: "bearer"}, hotcell.Narrowing{})
			} else {
				b.secret("KEY", value, hotcell.InjectStandIn, hotcell.Narrowing{})
			}
			b.start()
			known := len(value) - 7 // from there on it is known
			tries := 0
			for refused := false; !refused && known > 0; {
				var guesses strings.Builder
				for _, c := range alphabet {
					guesses.WriteString(string(c) + value[known:known+7] + "\n")
					tries++
				}
				head := []string{"Content-Type: text/plain"}
				if as != "http" {
					head = append(head, "Authorization: Bearer "+b.words["KEY"])
				}
				answer, text, _ := b.send(sent("POST", "/notes", guesses.String(), head...))
				refused = answer.StatusCode == http.StatusForbidden
				for _, c := range alphabet {
					if !refused && !strings.Contains(text, string(c)+value[known:known+7]+"\n") {
						known--
						break
					}
				}
			}
			if shown := len(value) - 7 - known; shown > 5 {
				t.Errorf("%s: by %d guesses it learnt %d characters more than the 7 that it knew", as, tries, shown)
			}
			if log := b.recorded(); !strings.Contains(log, "guessing") {
				t.Errorf("%s: the log says\n%s", as, log)
			}
		}
	}
}

// TestProveNothingIsLearntWithoutKnowingAPart tries guesses by the hundred thousand, in
// all places that a job chooses, without a part to begin with: none is told apart from
// another.
func TestProveNothingIsLearntWithoutKnowingAPart(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 5))
	value := drawn(random, 32)
	b := openBooth(t, "api.acme.example")
	b.reply = repeats
	b.secret("KEY", value, hotcell.InjectStandIn, hotcell.Narrowing{})
	b.start()
	for tries := 0; tries < prove.Trials(20_000, 100_000); {
		var guesses strings.Builder
		bare := "" // the latest guesses, as they are read without the marks between them
		for range 2000 {
			// Up to seven right ones at a place of its choice, and what follows guessed.
			at, right := random.IntN(len(value)-8), random.IntN(8)
			guess := drawn(random, 8)
			joined := bare + value[at:at+right] + guess
			if holdsPart(joined, value) {
				continue // an eighth that is right makes a part of it
			}
			bare = joined[max(0, len(joined)-32):]
			guesses.WriteString("~" + value[at:at+right] + "~" + guess + "~\n")
			tries++
		}
		pad := strings.Repeat("x", random.IntN(200))
		answer, text, _ := b.send(sent("POST", "/"+pad, guesses.String(), "Content-Type: text/plain", "X-Pad: "+pad, "Authorization: Bearer "+b.words["KEY"]))
		if answer.StatusCode != http.StatusOK || !strings.HasSuffix(text, guesses.String()) {
			t.Fatalf("after %d tries: %d, the guesses came back otherwise: %s", tries, answer.StatusCode, changed(text, guesses.String()))
		}
		if strings.Contains(text, value[:8]) || strings.Contains(text, value[len(value)-8:]) {
			t.Fatal("the value comes back")
		}
	}
}

// holdsPart says whether eight characters of a value are in a text, in any case.
func holdsPart(text, value string) bool {
	text, value = strings.ToLower(text), strings.ToLower(value)
	for i := range len(value) - 7 {
		if strings.Contains(text, value[i:i+8]) {
			return true
		}
	}
	return false
}

// TestWhoHangsUpIsCounted reads the beginning of each answer and hangs up: it has seen
// what it wanted, so it counts as if it had read on.
func TestWhoHangsUpIsCounted(t *testing.T) {
	t.Parallel()
	value := "Qm7Zr2Lx9Kd4Vw8Tn5Bm1Jc6Hs3Pf0Yg"
	b := openBooth(t, "api.acme.example")
	b.reply = func(c net.Conn, _ *bufio.Reader, _ *http.Request, raw string) bool {
		_, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(raw), raw)
		_, _ = c.Read(make([]byte, 1)) // and never ends it
		return err == nil && false
	}
	b.connection("api", value, hotcell.Auth{Kind: "bearer"}, hotcell.Narrowing{})
	b.start()
	status := 0
	for n := 0; n < 12 && status != http.StatusForbidden; n++ {
		c, err := b.dial(t.Context())
		b.must(err)
		_, err = io.WriteString(c, strings.ReplaceAll(sent("POST", "/", "guess "+value[n:n+9]+" end of it", "Content-Type: text/plain"), "HOST", fmt.Sprintf("%s:%d", b.host, b.port)))
		b.must(err)
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		b.must(err)
		status = answer.StatusCode
		got := make([]byte, 64)
		_, _ = io.ReadAtLeast(answer.Body, got, 16)
		_ = c.Close()
		_ = answer.Body.Close()
	}
	if status != http.StatusForbidden {
		t.Errorf("it may go on, and the log says\n%s", b.recorded())
	}
}

// frameOf is a text frame of a WebSocket, masked as a client's.
func frameOf(text string) string {
	mask := []byte{7, 1, 9, 4}
	out := []byte{0x81, 0x80 | 126, byte(len(text) >> 8), byte(len(text))}
	out = append(out, mask...)
	for i := range len(text) {
		out = append(out, text[i]^mask[i%4])
	}
	return string(out)
}

// readFrame reads the text of a frame of less than 64 KiB.
func readFrame(r io.Reader) (string, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		return "", err
	}
	n, mask := int(head[1]&0x7f), make([]byte, 4)
	if n == 126 {
		if _, err := io.ReadFull(r, head[2:4]); err != nil {
			return "", err
		}
		n = int(head[2])<<8 | int(head[3])
	}
	if head[1]&0x80 != 0 {
		if _, err := io.ReadFull(r, mask); err != nil {
			return "", err
		}
	}
	text := make([]byte, n)
	_, err := io.ReadFull(r, text)
	for i := range text {
		text[i] ^= mask[i%4]
	}
	return string(text), err
}

// converses answers an upgrade, and then each message with itself, and tells what came.
func converses(said chan<- string) func(net.Conn, *bufio.Reader, *http.Request, string) bool {
	return func(c net.Conn, in *bufio.Reader, r *http.Request, _ string) bool {
		if _, err := fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Echo: %s\r\n\r\n", r.Header.Get("Authorization")); err != nil {
			return false
		}
		for {
			text, err := readFrame(in)
			if err != nil {
				close(said)
				return false
			}
			said <- text
			back := fmt.Appendf(nil, "\x81\x7e%c%c%s", byte(len(text)>>8), byte(len(text)), text)
			if len(text) < 256 {
				back = append([]byte{0x81, 126, 0, byte(len(text))}, text...)
			}
			if _, err := c.Write(back); err != nil {
				close(said)
				return false
			}
		}
	}
}

// converse opens a WebSocket of the job.
func (b *booth) converse(headers ...string) (net.Conn, *bufio.Reader, *http.Response) {
	b.t.Helper()
	c, err := b.dial(b.t.Context())
	b.must(err)
	b.t.Cleanup(func() { _ = c.Close() })
	raw := get("/ws", append([]string{"Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, headers...)...)
	_, err = io.WriteString(c, strings.ReplaceAll(raw, "HOST", fmt.Sprintf("%s:%d", b.host, b.port)))
	b.must(err)
	in := bufio.NewReader(c)
	answer, err := http.ReadResponse(in, nil)
	b.must(err)
	_ = answer.Body.Close()
	return c, in, answer
}

// TestAWebSocketIsNoPlaceForAStandIn has the request that opens it take the value, and
// no message: neither the value nor the stand-in arrives in one, in any form or split.
func TestAWebSocketIsNoPlaceForAStandIn(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(word string) []string{
		"a message": func(word string) []string { return []string{frameOf(`{"text":"` + word + `"}`)} },
		"a graph's opener": func(word string) []string {
			return []string{frameOf(`{"type":"connection_init","payload":{"Authorization":"Bearer ` + word + `"}}`)}
		},
		"escaped":      func(word string) []string { return []string{frameOf(`{"text":"` + unicode(word) + `"}`)} },
		"two messages": func(word string) []string { return []string{frameOf(word[:9]), frameOf(word[9:])} },
		"two fragments": func(word string) []string {
			first := []byte(frameOf("x" + word[:11]))
			first[0] = 0x01
			second := []byte(frameOf(word[11:]))
			second[0] = 0x80
			return []string{string(first), string(second)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said := make(chan string, 100)
			b := openBooth(t, "api.acme.example")
			b.reply = converses(said)
			b.secret("KEY", realKey, hotcell.InjectStandIn, hotcell.Narrowing{Places: []string{"body:text"}})
			b.start()
			c, in, answer := b.converse("Authorization: Bearer " + b.words["KEY"])
			if answer.StatusCode != http.StatusSwitchingProtocols || strings.Contains(answer.Header.Get("X-Echo"), realKey[8:]) {
				t.Fatalf("%d %v", answer.StatusCode, answer.Header)
			}
			_, err := io.WriteString(c, frameOf("hello"))
			b.must(err)
			if text, err := readFrame(in); err != nil || text != "hello" {
				t.Errorf("an ordinary message: %q, %v", text, err)
			}
			for _, one := range write(b.words["KEY"]) {
				_, _ = io.WriteString(c, one)
			}
			rest, _ := io.ReadAll(in)
			var all strings.Builder
			for one := range said {
				all.WriteString(one)
			}
			if got := all.String(); strings.Contains(got, realKey[8:]) || strings.Contains(got, b.words["KEY"]) || strings.Contains(string(rest), realKey[8:]) {
				t.Errorf("there arrives %q, and comes back %q", got, rest)
			}
		})
	}
}

// TestGuessingByAWebSocketEnds has a job guess by messages.
func TestGuessingByAWebSocketEnds(t *testing.T) {
	t.Parallel()
	value := "Qm7Zr2Lx9Kd4Vw8Tn5Bm1Jc6Hs3Pf0Yg"
	said := make(chan string, 100)
	b := openBooth(t, "api.acme.example")
	b.reply = converses(said)
	b.connection("api", value, hotcell.Auth{Kind: "bearer"}, hotcell.Narrowing{})
	b.start()
	c, in, answer := b.converse()
	if answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%d", answer.StatusCode)
	}
	learnt := 0
	for at := 0; at+8 <= len(value); at++ {
		_, _ = io.WriteString(c, frameOf("is it "+value[at:at+8]+" ?"))
		text, err := readFrame(in)
		if err != nil {
			break
		}
		if !strings.Contains(text, "[hotcell:") {
			t.Errorf("there comes %q", text)
		}
		learnt++
	}
	if learnt > 5 {
		t.Errorf("%d parts of the value were confirmed", learnt)
	}
	b.reply = repeats
	if answer, text, _ := b.send(get("/")); answer.StatusCode != http.StatusForbidden || !strings.Contains(text, "guessing") {
		t.Errorf("a request after it: %d %s", answer.StatusCode, text)
	}
}

// changed is where a text was redacted.
func changed(text, body string) string {
	_, text, _ = strings.Cut(text, "\r\n\r\n")
	i := 0
	for i < min(len(text), len(body)) && text[i] == body[i] {
		i++
	}
	return fmt.Sprintf("%q of %q", text[max(0, i-40):min(len(text), i+40)], body[max(0, i-40):min(len(body), i+40)])
}

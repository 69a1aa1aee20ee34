package courier_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/socketpair"
	"hotcell/internal/parser"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/courier"
	"hotcell/test/prove"
)

// The test's own program reads texts, by its first argument.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "read-a-text" {
		os.Exit(parser.Main(parser.Kinds{"charset": charsets}))
	}
	os.Exit(m.Run())
}

// charsets decodes as the product does, and has the faults that a library might have.
func charsets(in []byte) ([]byte, error) {
	switch {
	case bytes.Contains(in, []byte("DEEP")):
		return deep(in), nil
	case bytes.Contains(in, []byte("HUNGRY")):
		var all [][]byte
		for range 64 {
			all = append(all, bytes.Repeat([]byte{1}, 64<<20))
		}
		return all[0][:len(all)], nil
	case bytes.Contains(in, []byte("SLOW")):
		for on := true; on; on = len(os.Args) > 0 {
		}
		return nil, errors.New("it ended")
	case bytes.Contains(in, []byte("PANIC")):
		panic("a fault")
	case bytes.Contains(in, []byte("LIES")): // as one that was taken over
		return []byte("\xff\xfe"), nil
	case bytes.Contains(in, []byte("LONG")):
		return bytes.Repeat([]byte("x"), 1<<20), nil
	case bytes.Contains(in, []byte("TELLS")): // the token, of which it knows nothing
		return []byte("the key is " + token), nil
	case bytes.Contains(in, []byte(token)):
		return []byte("the token came here, in this text"), nil
	}
	return connector.Plain["charset"](in)
}

// deep ends with the stack.
func deep(in []byte) []byte {
	if len(in) == 1<<50 {
		return in
	}
	return append(deep(append(in, 1)), 1)
}

// readers are processes that read.
func readers(t testing.TB, within time.Duration) connector.Opener {
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
	h := &parser.Host{Binary: "/proc/self/exe", Arguments: []string{"read-a-text"}, Log: slog.New(slog.DiscardHandler)}
	go func() { _ = h.Serve(context.WithoutCancel(t.Context()), l) }()
	t.Cleanup(func() { _, _ = d.Close(), l.Close() })
	by := parser.NewRemote(d).Within(within)
	return func(ctx context.Context) (connector.Reader, error) {
		session, err := by.Open(ctx)
		if err != nil {
			return nil, err
		}
		return session, nil
	}
}

// mailbox describes a service whose answers are messages.
const mailbox = `
slug: twin
name: Twin
category: mail
about: A service of tests.
base: https://example.com
auth: {kind: key, put: {kind: bearer}}
tools:
- name: read
  about: Reads messages.
  hint: read
  input: {type: object}
  request: {method: GET, path: /get}
  result: "${answer.messages.map(m, [mailtext(m)].map(t, {'text': t.text, 'files': t.attachments, 'to': others(header(m.headers, 'To'), [])})[0])}"
- name: page
  about: Reads a page.
  hint: read
  input: {type: object}
  request: {method: GET, path: /get}
`

// message is a message as Gmail has it: a text in a charset, and to whom.
func message(charset, text, to string) map[string]any {
	return map[string]any{"mimeType": "text/plain", "headers": []any{
		map[string]any{"name": "Content-Type", "value": `text/plain; charset="` + charset + `"`}, map[string]any{"name": "To", "value": to},
	}, "body": map[string]any{"data": base64.URLEncoding.EncodeToString([]byte(text)), "size": len(text)}}
}

// read calls a tool of the mailbox.
func read(t testing.TB, tool string, open connector.Opener, handler http.HandlerFunc) (*connector.Result, error) {
	t.Helper()
	return box(t, handler).read(tool, open)
}

// box is a mailbox that answers so.
func box(t testing.TB, handler http.HandlerFunc) *twin {
	t.Helper()
	w := setup(t, handler, courier.Limits{})
	var err error
	if w.made, err = connector.Parse([]byte(mailbox)); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *twin) read(tool string, open connector.Opener) (*connector.Result, error) {
	w.t.Helper()
	key := sensitive.Copy([]byte(token))
	defer key.Clear()
	patterns, err := courier.Patterns(guard.Label{ID: "con_1", Name: "twin"}, bearer, key)
	if err != nil {
		w.t.Fatal(err)
	}
	of, _ := w.made.Tool(tool)
	result, _, err := w.courier.Reading(open).Do(w.t.Context(), of.Begin(w.made, connector.Input{Args: map[string]any{}, Now: time.Now()}), bearer, key, patterns)
	return result, err
}

func messages(all ...any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]any{"messages": all}) }
}

// A text that would end its reader ends neither the call that has it nor another's.
func TestATextThatEndsItsReader(t *testing.T) {
	t.Parallel()
	open := readers(t, 6*time.Second)
	const good = "\xf0\xd2\xc9\xd7\xc5\xd4" // "Привет" in koi8-r
	for _, fault := range []string{"DEEP", "HUNGRY", "SLOW", "PANIC", "LIES", "LONG"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			result, err := read(t, "read", open, messages(message("koi8-r", good+fault, ""), message("koi8-r", good, "=?koi8-r?B?8NLJ18XU?= <k@acme.test>")))
			if err != nil {
				t.Fatal(err)
			}
			text := string(result.JSON)
			if !strings.Contains(text, "a text in the charset koi8-r, which cannot be read") || !strings.Contains(text, `"text":"Привет"`) || !strings.Contains(text, "k@acme.test") {
				t.Errorf("got %s", text)
			}
		})
	}
}

// Who ends readers again and again is not read any more, in that call.
func TestAServiceThatEndsReaders(t *testing.T) {
	t.Parallel()
	var opened int
	var mu sync.Mutex
	open := readers(t, 6*time.Second)
	all := []any{}
	for range 50 {
		all = append(all, message("koi8-r", "\xf0PANIC", ""))
	}
	result, err := read(t, "read", func(ctx context.Context) (connector.Reader, error) {
		mu.Lock()
		defer mu.Unlock()
		opened++
		return open(ctx)
	}, messages(all...))
	if err != nil || strings.Count(string(result.JSON), "which cannot be read") != 50 || opened > 2 {
		t.Errorf("%v: %d readers, %v", err, opened, result)
	}
}

// The values of a connection do not go to a reader, and none comes back.
func TestAReaderHasNoValues(t *testing.T) {
	t.Parallel()
	open := readers(t, 10*time.Second)
	for name, text := range map[string]string{"comes": "\xf0 TELLS", "goes": "\xf0 " + token} {
		for _, tool := range []string{"read", "page"} {
			result, err := read(t, tool, open, func(w http.ResponseWriter, _ *http.Request) {
				if tool == "page" {
					w.Header().Set("Content-Type", "text/html; charset=koi8-r")
					_, _ = w.Write([]byte(text))
					return
				}
				answer(w, map[string]any{"messages": []any{message("koi8-r", text, "")}})
			})
			if err != nil {
				t.Fatal(err)
			}
			all, _ := json.Marshal(result)
			got := string(result.JSON) + string(all)
			clean(t, name, got)
			// In base64 it is found before, and what is left is no text.
			if found := strings.Contains(got, "[hotcell:twin]") || name == "goes" && tool == "read"; !found || strings.Contains(got, "came here") {
				t.Errorf("%s to %s: %s", name, tool, got)
			}
		}
	}
}

// Where nobody reads, the call says so, and can be made anew.
func TestNobodyReads(t *testing.T) {
	t.Parallel()
	nobody := func(context.Context) (connector.Reader, error) {
		return nil, fmt.Errorf("%w: nobody", hotcell.ErrUnavailable)
	}
	if _, err := read(t, "read", nobody, messages(message("koi8-r", "\xf0", ""))); !errors.Is(err, hotcell.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if result, err := read(t, "read", nobody, messages(message("koi8-r", "ascii", "a@acme.test"), message("", "größe", ""))); err != nil || !strings.Contains(string(result.JSON), "größe") {
		t.Errorf("what needs no reader: %v, %v", result, err)
	}
}

// What is read elsewhere is what would be read here.
func TestProveReadersReadAsHere(t *testing.T) {
	t.Parallel()
	open := readers(t, 20*time.Second)
	r := rand.New(rand.NewPCG(5, rand.Uint64()))
	names := []string{"", "utf-8", "koi8-r", "windows-1252", "iso-8859-15", "shift_jis", "iso-2022-jp", "gb18030", "big5", "utf-16", "utf-16le", "utf-7", "no-such", "x\u00fc", "us-ascii", strings.Repeat("a", 100)}
	for range prove.Trials(8, 3000) {
		all := []any{}
		for range r.IntN(4) {
			text := make([]byte, r.IntN(60))
			for i := range text {
				text[i] = byte(r.IntN(256))
			}
			charset := names[r.IntN(len(names))]
			all = append(all, message(charset, string(text), fmt.Sprintf("=?%s?B?%s?= <a@acme.test>, Bob", charset, base64.StdEncoding.EncodeToString(text))+[]string{" <b@acme.test>", ""}[r.IntN(2)]))
		}
		there, err := read(t, "read", open, messages(all...))
		here, failed := read(t, "read", connector.Here, messages(all...))
		if fmt.Sprint(err) != fmt.Sprint(failed) || err == nil && !bytes.Equal(there.JSON, here.JSON) {
			t.Fatalf("%v: %s, %v, and here %s, %v", all, there.JSON, err, here.JSON, failed)
		}
	}
}

func BenchmarkACall(b *testing.B) {
	open := readers(b, 20*time.Second)
	for name, c := range map[string]struct {
		charset, text string
		open          connector.Opener
	}{
		"in UTF-8": {"utf-8", "größe", open}, "decoded here": {"koi8-r", "\xf0\xd2", connector.Here}, "decoded elsewhere": {"koi8-r", "\xf0\xd2", open},
	} {
		b.Run(name, func(b *testing.B) {
			w := box(b, messages(message(c.charset, c.text, "")))
			for b.Loop() {
				if _, err := w.read("read", c.open); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

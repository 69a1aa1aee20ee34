package courier

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"hotcell/internal/wire/measure"
	"hotcell/test/prove"
)

// event is what a reader of a stream of events makes of one.
type event struct {
	ID, Retry, Data string
}

// naive reads a whole stream of events in the plainest way: what the streaming reader is
// held against.
func naive(text string) (all []event) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var of event
	var data []string
	name := ""
	end := func() {
		if name != "" && name != "message" {
			data = nil
		}
		if of.Data = strings.Join(data, "\n"); strings.TrimSpace(of.Data) != "" || of.ID != "" || of.Retry != "" {
			all = append(all, of)
		}
		of, data, name = event{}, nil, ""
	}
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" {
			end()
			continue
		}
		key, value, _ := strings.Cut(line, ":")
		switch key {
		case "data":
			data = append(data, strings.TrimPrefix(value, " "))
		case "event":
			name = strings.TrimSpace(value)
		case "id":
			of.ID = strings.TrimSpace(value)
		case "retry":
			of.Retry = strings.TrimSpace(value)
		}
	}
	end()
	return all
}

// compact is a message as it is compared: without what does not count in JSON.
func compact(t *testing.T, text string) any {
	t.Helper()
	var v any
	if strings.TrimSpace(text) == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return v
}

func weightless([]byte) error { return nil }

// stream is a random stream of events.
func stream(r *rand.Rand) string {
	var out strings.Builder
	end := func() string { return []string{"\n", "\r\n"}[r.IntN(2)] }
	for range r.IntN(5) {
		for range r.IntN(4) {
			out.WriteString([]string{"id: 7", "id:x", "retry: 10", ": a comment", "other: x", "event: message", "event", "event: ping\ndata: now"}[r.IntN(8)] + end())
		}
		if r.IntN(3) > 0 {
			text := fmt.Sprintf(`{"jsonrpc":"2.0","method":"m",%s"params":{"a":[%d,"\n\"[{"]}}`, []string{"", "\n"}[r.IntN(2)], r.IntN(9))
			for line := range strings.SplitSeq(text, "\n") {
				out.WriteString([]string{"data: ", "data:"}[r.IntN(2)] + line + end())
			}
		}
		out.WriteString(strings.Repeat(end(), r.IntN(3)))
	}
	return out.String()
}

func TestProveEventsAgainstAReader(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(11, rand.Uint64()))
	read := 0
	for range prove.Trials(2_000, 500_000) {
		in := stream(r)
		want := naive(in)
		all, err := io.ReadAll(newEvents(split(r, in), weightless, func(error) {}))
		if err != nil {
			if slices.ContainsFunc(want, func(e event) bool { return e.Data != "" && !json.Valid([]byte(e.Data)) }) {
				continue // two messages that nothing stands between are none
			}
			t.Fatalf("%q: %v", in, err)
		}
		got := naive(string(all))
		if len(got) != len(want) {
			t.Fatalf("%q became %q", in, all)
		}
		for i := range got {
			read++
			if got[i].ID != want[i].ID || got[i].Retry != want[i].Retry || !reflect.DeepEqual(compact(t, got[i].Data), compact(t, want[i].Data)) {
				t.Fatalf("%q became %q", in, all)
			}
		}
	}
	if read < 500 {
		t.Errorf("only %d events were read", read)
	}
}

// split is a text that comes in random pieces.
func split(r *rand.Rand, text string) io.Reader {
	var pieces []io.Reader
	for text != "" {
		n := 1 + r.IntN(min(len(text), 20))
		pieces = append(pieces, strings.NewReader(text[:n]))
		text = text[n:]
	}
	return iotest.DataErrReader(io.MultiReader(pieces...))
}

func TestMessages(t *testing.T) {
	t.Parallel()
	within := func(s string) string { return `{"jsonrpc":"2.0","id":1,"result":` + s + `}` }
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"a message":           {within(`{"a":[1,"<x>"]}`), nil},
		"spaced":              {" \n" + within("{\t}") + "\n ", nil},
		"deep":                {within(strings.Repeat("[", 899) + strings.Repeat("]", 899)), nil},
		"too deep":            {within(strings.Repeat("[", 900) + strings.Repeat("]", 900)), measure.ErrDeep},
		"deep objects":        {within(strings.Repeat(`{"a":`, 20_000)), measure.ErrDeep},
		"many":                {within("[" + strings.Repeat("{},", 1<<20) + "0]"), measure.ErrHeavy},
		"two":                 {within("1") + within("2"), errUnread},
		"cut":                 {within("1")[:20], errUnread},
		"a list":              {"[" + within("1") + "]", errUnread},
		"no message":          {`{"a":1}`, errUnread},
		"nothing":             {"", errUnread},
		"another kind of id":  {`{"jsonrpc":"2.0","id":{},"result":1}`, errUnread},
		"another result type": {`{"jsonrpc":"2.0","id":1,"error":7}`, errUnread},
	} {
		out, err := message([]byte(c.text))
		if !errors.Is(err, c.want) || (err == nil) != json.Valid(out) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	out, err := message([]byte(within(`{"n":12345678901234567890123,"f":1.10,"\u0061":1,"a":2}`)))
	if err != nil || !bytes.Contains(out, []byte(`{"a":2,"f":1.10,"n":12345678901234567890123}`)) {
		t.Errorf("it became %s, %v", out, err)
	}
}

// A line feed that is not ours to see ends nothing for whoever reads after us.
func TestALoneReturnMakesNoLine(t *testing.T) {
	t.Parallel()
	in := "id: 1\revent: ping\r\rdata: {\ndata: {\"jsonrpc\":\"2.0\",\r\"method\":\"m\"}\n\n"
	var told error
	out, err := io.ReadAll(newEvents(strings.NewReader(in), weightless, func(e error) { told = e }))
	if err != nil || told != nil || strings.Contains(string(out), "\r") || bytes.Count(out, []byte("\n")) != 3 {
		t.Errorf("it became %q, %v, %v", out, err, told)
	}
	for line := range bytes.Lines(out) {
		if scanner := bufio.NewScanner(bytes.NewReader(line)); !scanner.Scan() {
			t.Errorf("%q", line)
		}
	}
}

package call

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is left of arguments is what came without the one that was taken out, and
// what is no object of one meaning there is refused.
func FuzzWithout(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"connection":"a","x":1}`, `{"x":{"connection":"b"},"connection":"a"}`, `{"connection":"a","connection":"b"}`, `{"\u0063onnection":"a"}`,
		`{"connection":1}`, `[]`, `null`, `{"x":1} {}`, `{"x":1e999,"y":"\ud800"}`, `{"":{}}`, ` { "a" : [ 1 , 2 ] } `, `{`, `{"a":`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		value, rest, err := without(text, connectionArgument)
		if err != nil {
			return
		}
		var before, after map[string]any
		if exactly(text, &before) != nil {
			t.Fatalf("%q is taken, which is no object", text)
		}
		if err := exactly(rest, &after); err != nil || !json.Valid(rest) {
			t.Fatalf("%q becomes %q: %v", text, rest, err)
		}
		if was, there := before[connectionArgument]; there && was != value {
			t.Fatalf("%q: took %q, want %v", text, value, was)
		}
		delete(before, connectionArgument)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Fatalf("%q becomes %q: %s", text, rest, diff)
		}
	})
}

// What people are shown is what is called, but for what the guard marked.
func FuzzAlike(f *testing.F) {
	f.Add([]byte(`{"a":"b","c":[1,{"d":null}]}`), []byte(`{"a":"[hotcell:x]","c":[1,{"d":null}]}`))
	f.Add([]byte(`{"a":1}`), []byte(`{"a":1.0}`))
	f.Add([]byte(`{"a":{"b":1}}`), []byte(`{"a":"[hotcell:x]"}`))
	f.Fuzz(func(t *testing.T, came, guarded []byte) {
		var a, b any
		if exactly(came, &a) != nil || exactly(guarded, &b) != nil {
			return
		}
		if !alike(a, a) {
			t.Fatalf("%q is not like itself", came)
		}
		if alike(a, b) && !marks.Match(guarded) && !bytes.Contains(guarded, []byte(`\`)) && cmp.Diff(a, b) != "" {
			t.Fatalf("%q is shown for %q", guarded, came)
		}
		shown, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		var again any
		if err := exactly(visible(shown), &again); err != nil || cmp.Diff(b, again) != "" {
			t.Fatalf("%q is shown as %q: %v", shown, visible(shown), err)
		}
	})
}

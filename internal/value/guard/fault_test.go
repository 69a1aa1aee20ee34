package guard_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"hotcell/internal/line/border"
	"hotcell/internal/value/guard"
)

// A fault within the guard must not let go of what it holds back, then or later.
func TestAGuardThatMeetsAFaultPassesNothingMore(t *testing.T) {
	t.Parallel()
	const value = "s3cr3t-value-of-the-test-91"
	b := guard.NewBuilder()
	b.Add(guard.Label{ID: "x", Name: "x"}, []byte(value))
	p := b.Build()
	policy := func(guard.Match) guard.Verdict { panic("at " + value) }
	for cut := 1; cut < len(value); cut++ {
		var out bytes.Buffer
		w := p.Writer(&out, policy)
		before := "before " + strings.Repeat("-", 64) + value[:cut]
		_, first := io.WriteString(w, before)
		_, err := io.WriteString(w, value[cut:]+" after")
		if first != nil {
			err = first
		}
		if _, ok := errors.AsType[*border.Fault](err); !ok {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		for range 2 {
			if _, again := io.WriteString(w, "more"); !errors.Is(again, err) {
				t.Errorf("cut at %d: it goes on: %v", cut, again)
			}
		}
		if closed := w.Close(); !errors.Is(closed, err) {
			t.Errorf("cut at %d: closed with %v", cut, closed)
		}
		if got := out.String(); strings.Contains(got, value[:3]) || strings.Contains(got, "after") || strings.Contains(got, "more") || strings.Contains(err.Error(), value) {
			t.Errorf("cut at %d: it passed %q, %v", cut, got, err)
		}
		all, err := io.ReadAll(p.Reader(strings.NewReader(before+value[cut:]+" after"), policy))
		if err == nil || strings.Contains(string(all), value[:3]) {
			t.Errorf("cut at %d: a reader gave %q, %v", cut, all, err)
		}
	}
}

package courier_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"hotcell"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/courier"
	"hotcell/internal/wire/budget"
)

// scale counts who holds a share of memory, and how many did at once.
type scale struct {
	mu        sync.Mutex
	jobs      *budget.Jobs
	now, most int
	all       int
}

func (s *scale) hold(ctx context.Context, n int64) (func(), error) {
	release, err := s.jobs.Of("job").Wait(ctx, budget.Buffered, n)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now++
	s.all++
	s.most = max(s.most, s.now)
	return func() {
		s.mu.Lock()
		s.now--
		s.mu.Unlock()
		release()
	}, nil
}

// What takes much memory is read by few calls of a job at once, and what takes little
// waits for none of them.
func TestLargeAnswersTakeTurns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body  string
		large bool
	}{
		"small":        {`{"ok":true,"items":[]}`, false},
		"many bytes":   {`{"ok":true,"text":"` + strings.Repeat("x", 300<<10) + `"}`, true},
		"many values":  {`{"ok":true,"items":[` + strings.Repeat("{},", 20_000) + `0]}`, true},
		"a large text": {strings.Repeat("x", 1<<20), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, func(out http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(out, c.body) }, courier.Limits{})
			s := &scale{jobs: budget.New(budget.Limits{budget.Buffered: {Each: 48 << 20, Queue: 100, All: 128 << 20}})}
			w.courier = w.courier.Holding(s.hold)
			var all sync.WaitGroup
			for range 12 {
				all.Go(func() {
					if seen, _, err := w.do(t.Context(), "get", nil); err != nil || len(seen) < len(c.body) && len(c.body) < 200<<10 {
						t.Errorf("%v", err)
					}
				})
			}
			all.Wait()
			if s.all != map[bool]int{true: 12}[c.large] || s.most > 3 || s.now != 0 || s.jobs.Held(budget.Buffered) != 0 {
				t.Errorf("%d held memory, %d at once, and %d still do", s.all, s.most, s.now)
			}
		})
	}
}

// A call holds one share, however many large answers it gets, and gives it back however
// it ends.
func TestACallHoldsOneShare(t *testing.T) {
	t.Parallel()
	pages := 0
	w := setup(t, func(out http.ResponseWriter, _ *http.Request) {
		next := "https://example.com/list"
		if pages++; pages == 4 {
			next = "https://evil.example.com/"
		}
		text, _ := json.Marshal(map[string]any{"items": []string{strings.Repeat("x", 300<<10)}, "next": next + "?p=" + strings.Repeat("1", pages)})
		out.Header().Set("Content-Type", "application/json")
		_, _ = out.Write(text)
	}, courier.Limits{})
	s := &scale{jobs: budget.New(nil)}
	w.courier = w.courier.Holding(s.hold)
	if _, trip, err := w.do(t.Context(), "list", nil); err == nil || trip.Requests != 4 {
		t.Errorf("%+v, %v", trip, err)
	}
	if s.all != 1 || s.now != 0 {
		t.Errorf("%d shares were held, and %d still are", s.all, s.now)
	}
	nobody := func(context.Context, int64) (func(), error) { return nil, hotcell.ErrRateLimited }
	w.courier = w.courier.Holding(nobody)
	if _, _, err := w.do(t.Context(), "list", nil); !errors.Is(err, hotcell.ErrUnavailable) {
		t.Errorf("where there is no memory: %v", err)
	}
}

func TestLargeMessagesOfAServerTakeTurns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		result string
		large  bool
	}{
		"small":       {`{"content":[{"type":"text","text":"said"}]}`, false},
		"many bytes":  {`{"content":[{"type":"text","text":"` + strings.Repeat("x", 300<<10) + `"}]}`, true},
		"many values": {`{"content":[],"structuredContent":{"a":[` + strings.Repeat("{},", 20_000) + `0]}}`, true},
	} {
		for how, events := range map[string]bool{"as JSON": false, "as events": true} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				w := setup(t, answering(c.result, events), courier.Limits{})
				s := &scale{jobs: budget.New(budget.Limits{budget.Buffered: {Each: 48 << 20, Queue: 100, All: 128 << 20}})}
				key := sensitive.Copy([]byte(token))
				patterns, err := courier.Patterns(guard.Label{ID: "con_1", Name: "twin"}, bearer, key)
				if err != nil {
					t.Fatal(err)
				}
				by := w.courier.Holding(s.hold)
				var all sync.WaitGroup
				for range 8 {
					all.Go(func() {
						if _, _, err := by.Ask(t.Context(), courier.Remote{URL: "https://example.com/mcp", Tool: "say"}, bearer, key, patterns); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				if (s.all == 8) != c.large || s.most > 3 || s.now != 0 {
					t.Errorf("%d held memory, %d at once, and %d still do", s.all, s.most, s.now)
				}
			})
		}
	}
}

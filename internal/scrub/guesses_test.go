package scrub_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hotcell/internal/guard"
	"hotcell/internal/scrub"
)

// clock is a clock that stands still.
type clock struct{ now time.Time }

func TestALoopOfGuessesIsSlowed(t *testing.T) {
	t.Parallel()
	c := &clock{time.Unix(1_800_000_000, 0)}
	g := &scrub.Guesses{Now: func() time.Time { return c.now }}
	slowed := 0
	for n := range 100 {
		if g.Redacted("job_1", uint64(n+1)) > 0 {
			slowed++
		}
	}
	first, second := g.Wait("job_1"), g.Wait("job_1")
	if slowed != 76 || first != 32*time.Second || second != 64*time.Second {
		t.Errorf("of 100 guesses %d were told of, and the next wait %s and %s", slowed, first, second)
	}
	if g.Wait("job_2") != 0 || g.Redacted("job_2", 1) != 0 {
		t.Error("another job waits")
	}
	c.now = c.now.Add(100 * time.Minute)
	if wait := g.Wait("job_1"); wait != 0 {
		t.Errorf("after a while it still waits %s", wait)
	}
}

// Who guesses as fast as they may has one try a minute: a character takes half an
// hour and more, and is on record each time.
func TestGuessesAreFewOverTime(t *testing.T) {
	t.Parallel()
	c := &clock{time.Unix(1_800_000_000, 0)}
	g := &scrub.Guesses{Now: func() time.Time { return c.now }}
	tries := 0
	for end := c.now.Add(time.Hour); c.now.Before(end); tries++ {
		c.now = c.now.Add(g.Wait("job") + time.Millisecond)
		g.Redacted("job", uint64(tries+1))
	}
	if tries > 240 {
		t.Errorf("%d tries in an hour", tries)
	}
}

func TestTheSameRequestAgainIsNoGuess(t *testing.T) {
	t.Parallel()
	g := &scrub.Guesses{}
	p := patterns(t)
	for range 100 {
		if g.Answered("job", asked(t, g, p, "POST", "http://acme.test/me", "the same", "q7Zr2Lx9Kd4Vw8Tn5Bm1Jc6H")) != 0 {
			t.Fatal("it is slowed")
		}
	}
	for range 100 {
		if g.Answered("job", asked(t, g, p, "POST", "http://acme.test/me", "another", "nothing of a value")) != 0 {
			t.Fatal("answers without a value count")
		}
	}
	last := int64(0)
	for n := range 40 {
		last = g.Answered("job", asked(t, g, p, "POST", "http://acme.test/me", strings.Repeat("x", n), "Zr2Lx9Kd"))
	}
	if last == 0 {
		t.Error("bodies that differ are not seen")
	}
}

func patterns(t *testing.T) *guard.Patterns {
	t.Helper()
	b := guard.NewBuilder().WithParts()
	if err := b.Add(guard.Label{ID: "id", Name: "n"}, []byte("q7Zr2Lx9Kd4Vw8Tn5Bm1Jc6H")); err != nil {
		t.Fatal(err)
	}
	return b.Build()
}

func asked(t *testing.T, g *scrub.Guesses, p *guard.Patterns, method, url, body, answer string) *scrub.Asked {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	a := g.Ask(r)
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		t.Fatal(err)
	}
	came := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer)), ContentLength: -1}
	if err := scrub.Scrub(came, p, a.Policy); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, came.Body); err != nil {
		t.Fatal(err)
	}
	return a
}

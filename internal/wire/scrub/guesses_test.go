package scrub_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/value/guard"
	"hotcell/internal/wire/scrub"
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
		if asked(t, g, p, "the same", whole).Answered() != "" {
			t.Fatal("it is slowed")
		}
	}
	for n := range 100 {
		if asked(t, g, p, strings.Repeat("y", n), "nothing of a value").Answered() != "" {
			t.Fatal("answers without a value count")
		}
	}
	last := ""
	for n := range 40 {
		last = asked(t, g, p, strings.Repeat("x", n), "Zr2Lx9Kd").Answered()
	}
	if !strings.Contains(last, "may be guessing, and is slowed") {
		t.Errorf("bodies that differ are not seen: %q", last)
	}
}

// A service may show the same part of a credential as often as it likes, and the
// whole of it; who has it show one part after the other guesses.
func TestPartsThatDifferEndTheUse(t *testing.T) {
	t.Parallel()
	c := &clock{time.Unix(1_800_000_000, 0)}
	g := &scrub.Guesses{Now: func() time.Time { return c.now }}
	p := patterns(t)
	for n := range 200 {
		c.now = c.now.Add(time.Minute)
		text := "account Kd4Vw8Tn5B, key " + whole + " or " + whole[12:] + strings.Repeat(".", n)
		if asked(t, g, p, strings.Repeat("x", n), text).Answered() != "" || g.Pause(t.Context(), "job") != nil {
			t.Fatalf("after %d answers with the same parts it is over", n)
		}
	}
	shown := 0
	for at := 0; g.Pause(t.Context(), "job") == nil; at++ {
		c.now = c.now.Add(time.Hour) // nor does it help to wait
		if at+8 > len(whole) {
			t.Fatal("all of it may be guessed")
		}
		told := asked(t, g, p, "window", "? "+whole[at:at+8]+" ?").Answered()
		shown++
		if err := g.Pause(t.Context(), "job"); err != nil && (!errors.Is(err, scrub.ErrGuessing) || !errors.Is(err, hotcell.ErrDenied) || !strings.Contains(told, "no more")) {
			t.Errorf("%v, and the log has %q", err, told)
		}
	}
	if shown > 4 || g.Pause(t.Context(), "another job") != nil {
		t.Errorf("%d parts were shown", shown)
	}
	c.now = c.now.Add(1000 * time.Hour)
	if !errors.Is(g.Pause(t.Context(), "job"), scrub.ErrGuessing) {
		t.Error("with time it may guess on")
	}
}

const whole = "q7Zr2Lx9Kd4Vw8Tn5Bm1Jc6H"

func patterns(t *testing.T) *guard.Patterns {
	t.Helper()
	b := guard.NewBuilder().WithParts()
	if err := b.Add(guard.Label{ID: "id", Name: "n"}, []byte(whole)); err != nil {
		t.Fatal(err)
	}
	return b.Build()
}

func asked(t *testing.T, g *scrub.Guesses, p *guard.Patterns, body, answer string) *scrub.Asked {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://acme.test/me", strings.NewReader(body))
	a := g.Ask("job", r)
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		t.Fatal(err)
	}
	came := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer)), ContentLength: -1}
	if err := scrub.Counted(came, p, a.Told); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, came.Body); err != nil {
		t.Fatal(err)
	}
	return a
}

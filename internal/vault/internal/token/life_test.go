package token_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"hotcell"
	"hotcell/test/acme/identity"
)

func TestWhoeverFallsOverLeavesTheWayFree(t *testing.T) {
	t.Parallel()
	s := open(t, identity.Rotates)
	s.Life(time.Hour)
	k := s.make("one")
	s.before = func(*http.Request) {
		s.before = nil
		panic("a fault of ours")
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("nobody fell over")
			}
		}()
		_ = s.ensure(k, 1)
	}()
	if err := s.ensure(k, 1); err != nil || s.now().Version != 2 {
		t.Errorf("%v, version %d", err, s.now().Version)
	}
}

func TestATokenThatLivesIsUsedWhileAnotherRefreshesIt(t *testing.T) {
	t.Parallel()
	s := open(t, identity.Rotates)
	s.Life(time.Hour)
	k := s.make("one")
	must(t, s.ensure(k, 1))
	s.pass(time.Hour - 30*time.Second)
	must(t, s.store.Update(t.Context(), func(w hotcell.VaultWriter) error { // another began, and was killed
		return w.PutRefresh(hotcell.Refresh{Workspace: s.made.Workspace, Credential: s.made.ID, Holder: "two", Until: s.clock().Add(40 * time.Second), Token: []byte("x"), Attempts: 1})
	}))
	must(t, s.ensure(k, 0))
	if c := s.now(); c.Version != 2 || s.Counts().Refreshes != 1 {
		t.Errorf("version %d, %+v", c.Version, s.Counts())
	}
	s.pass(time.Minute)
	must(t, s.ensure(k, 0))
	if c := s.now(); c.Version != 3 {
		t.Errorf("version %d", c.Version)
	}
}

// TestAPairThatIsOnItsWayIsStoredBeforeTheEnd: a vault that is stopped waits for it,
// and begins nothing more.
func TestAPairThatIsOnItsWayIsStoredBeforeTheEnd(t *testing.T) {
	t.Parallel()
	s := open(t, identity.Rotates)
	s.Life(time.Hour)
	k := s.make("one")
	given, release := make(chan struct{}), make(chan struct{})
	s.asked(func(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
		close(given)
		<-release
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer.Body.Bytes())
	})
	ensured, closed := make(chan error, 1), make(chan struct{})
	go func() { ensured <- s.ensure(k, 1) }()
	<-given
	go func() { k.Close(); close(closed) }()
	for k.Ensure(t.Context(), s.made.Workspace, "con_another", 0) == nil || !errors.Is(k.Ensure(t.Context(), s.made.Workspace, "con_another", 0), hotcell.ErrUnavailable) {
	}
	close(release)
	<-closed
	if version := s.now().Version; version != 2 {
		t.Errorf("it was closed with version %d", version)
	}
	must(t, <-ensured)
	if err := s.ensure(k, 2); !errors.Is(err, hotcell.ErrUnavailable) {
		t.Errorf("it goes on after its end: %v", err)
	}
}

// TestATokenThatLivesGivesItsServiceTime: nobody waits for the second try, which is
// the last.
func TestATokenThatLivesGivesItsServiceTime(t *testing.T) {
	t.Parallel()
	s := open(t, identity.Rotates)
	s.Life(time.Hour)
	s.pause = 0 // as ever
	k := s.make("one")
	must(t, s.ensure(k, 1))
	s.pass(time.Hour - 50*time.Second)
	n := 0
	s.front = func(http.ResponseWriter, *http.Request) bool {
		n++
		panic(http.ErrAbortHandler)
	}
	for range 10 {
		must(t, s.ensure(k, 0))
	}
	s.front = nil
	s.pass(2 * time.Minute)
	if err := s.ensure(k, 0); n != 1 || err != nil || s.now().Version != 3 {
		t.Errorf("asked %d times, %v, version %d", n, err, s.now().Version)
	}
}

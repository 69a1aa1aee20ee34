package token_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/token"
	"hotcell/internal/wire/authority"
	"hotcell/test/acme/identity"
)

func (s *scene) ensure(k *token.Keeper, refused int) error {
	return k.Ensure(s.t.Context(), s.made.Workspace, s.made.ID, refused)
}

// asked has what is asked of the token endpoint be answered by fn instead, after the
// server did it; it counts how often.
func (s *scene) asked(fn func(w http.ResponseWriter, answer *httptest.ResponseRecorder)) *atomic.Int64 {
	n := &atomic.Int64{}
	s.front = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/oauth/token" {
			return false
		}
		n.Add(1)
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, r)
		fn(w, answer)
		return true
	}
	return n
}

// TestAGatewayThatAnswersForTheServerIsAskedAtGrowingDistances: the service has renewed the
// token, and its gateway says otherwise. That ends nothing, and is no reason to send a token
// over and over; what the service says at last does.
func TestAGatewayThatAnswersForTheServerIsAskedAtGrowingDistances(t *testing.T) {
	t.Parallel()
	for _, status := range []int{500, 503, 408} {
		s := open(t, identity.Rotates)
		k := s.make("one")
		n := s.asked(func(w http.ResponseWriter, _ *httptest.ResponseRecorder) { w.WriteHeader(status) })
		for range 24 * 12 { // a day
			if err := s.ensure(k, 1); !errors.Is(err, hotcell.ErrUnavailable) {
				t.Fatalf("%d: %v", status, err)
			}
			s.pass(5 * time.Minute)
		}
		if n.Load() < 24 || n.Load() > 36 || s.now().Connected.Broken != nil {
			t.Errorf("%d: sent %d times, %+v", status, n.Load(), s.now().Connected.Broken)
		}
		s.front = nil
		s.pass(time.Hour)
		if err := s.ensure(k, 1); !errors.Is(err, hotcell.ErrNeedsReconnect) || s.Counts().Refreshes != 1 {
			t.Errorf("%d: %+v, %v", status, s.Counts(), err)
		}
	}
}

func TestAFaultThatDidNothingIsSurvived(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"502": "", "server_error": `{"error":"server_error"}`, "no answer": `<html>`, "half": `{"access_tok`,
	} {
		s := open(t, identity.Rotates)
		s.Life(time.Hour)
		k, n := s.make("one"), 0
		s.front = func(w http.ResponseWriter, r *http.Request) bool {
			if n++; r.URL.Path != "/oauth/token" || n > 1 {
				return false
			}
			if text == "" {
				w.WriteHeader(http.StatusBadGateway)
			}
			_, _ = io.WriteString(w, text)
			return true
		}
		if err := s.ensure(k, 1); err != nil || s.now().Version != 2 || n != 2 {
			t.Errorf("%s: %v, version %d, sent %d times", name, err, s.now().Version, n)
		}
	}
}

func TestTooManyRequestsAreAskedAgainAsOftenAsItTakes(t *testing.T) {
	t.Parallel()
	s := open(t, identity.Rotates)
	s.Life(time.Hour)
	k := s.make("one")
	s.front = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Retry-After", "17")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	for range 5 {
		err := s.ensure(k, 1)
		if why, ok := errors.AsType[*door.NotRenewed](err); !ok || why.After > 17*time.Second || why.After < 16*time.Second || why.Reason != "" {
			t.Errorf("%v", err)
		}
		if err := s.ensure(k, 1); !errors.Is(err, hotcell.ErrUnavailable) {
			t.Errorf("at rest: %v", err)
		}
		s.pass(20 * time.Second)
	}
	s.front = nil
	if err := s.ensure(k, 1); err != nil || s.Counts().Refreshes != 1 {
		t.Errorf("%v %+v", err, s.Counts())
	}
}

// TestANetworkThatBlinksBreaksNothing: nothing was sent where the other side closes,
// or cannot show who it is.
func TestANetworkThatBlinksBreaksNothing(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]func(net.Conn){
		"closes": func(c net.Conn) { _ = c.Close() },
		"resets": func(c net.Conn) {
			if tcp, ok := c.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			_ = c.Close()
		},
		"speaks no TLS": func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n"); _ = c.Close() },
		"is another": func(c net.Conn) {
			strangers, err := authority.New("strangers", time.Now(), time.Hour)
			if err == nil {
				other, _ := strangers.Issue("127.0.0.1")
				_ = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{other}, MinVersion: tls.VersionTLS12}).Handshake()
			}
			_ = c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, identity.Rotates)
			s.Life(time.Hour)
			k := s.make("one")
			l, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			t.Cleanup(func() { _ = l.Close() })
			var came atomic.Int64
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					came.Add(1)
					go serve(c)
				}
			}()
			s.before = func(r *http.Request) { r.URL.Host = l.Addr().String() }
			for range 6 {
				if err := s.ensure(k, 1); !errors.Is(err, hotcell.ErrUnavailable) || errors.Is(err, hotcell.ErrNeedsReconnect) {
					t.Errorf("%v", err)
				}
				s.pass(10 * time.Second)
			}
			if came.Load() < 6 {
				t.Errorf("it was tried %d times", came.Load())
			}
			s.before = nil
			if err := s.ensure(k, 1); err != nil || s.now().Connected.Broken != nil || s.Counts() != (identity.Counts{Refreshes: 1, Rotations: 1}) {
				t.Errorf("%v, %+v", err, s.Counts())
			}
		})
	}
}

func TestNoRequestTakesAConnectionThatIsOldAlready(t *testing.T) {
	t.Parallel()
	s := open(t, identity.Rotates)
	s.Life(time.Hour)
	k := s.make("one")
	seen := map[string]bool{}
	s.front = func(_ http.ResponseWriter, r *http.Request) bool {
		if seen[r.RemoteAddr] {
			panic(http.ErrAbortHandler) // net/http's way to cut an answer off
		}
		seen[r.RemoteAddr] = true
		return false
	}
	for refused := range 4 {
		if err := s.ensure(k, refused+1); err != nil {
			t.Fatalf("%d: %v", refused, err)
		}
		s.pass(time.Minute)
	}
	if c := s.Counts(); c.Refreshes != 4 || c.Reuses != 0 {
		t.Errorf("%+v", c)
	}
}

func TestATokenThatGoesOnMayComeAgain(t *testing.T) {
	t.Parallel()
	s := open(t, identity.Keeps)
	s.Life(time.Hour)
	k := s.make("one")
	s.Lose(func() bool { return true })
	for range 6 {
		if err := s.ensure(k, 1); !errors.Is(err, hotcell.ErrUnavailable) {
			t.Errorf("%v", err)
		}
		s.pass(time.Minute)
	}
	s.Lose(nil)
	if err := s.ensure(k, 1); err != nil || s.now().Connected.Broken != nil || s.now().Version != 2 {
		t.Errorf("%v %+v", err, s.now())
	}
}

func TestAPairIsKeptWhereItCannotBeStoredAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t, identity.Rotates)
	s.Life(time.Hour)
	failures := 0
	s.failing.says = func() error {
		if s.Counts().Refreshes == 1 && failures < 4 {
			failures++
			return errors.New("database or disk is full")
		}
		return nil
	}
	if err := s.ensure(s.make("one"), 1); err != nil || failures != 4 || s.now().Version != 2 || s.Counts() != (identity.Counts{Refreshes: 1, Rotations: 1}) {
		t.Errorf("%v after %d failures, version %d, %+v", err, failures, s.now().Version, s.Counts())
	}
}

func TestATokenThatCannotBeKeptSafeIsNotKept(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"short":   `{"access_token":"x","token_type":"bearer"}`,
		"header":  `{"access_token":"aaaabbbbccccdddd\r\nX-Evil: 1","token_type":"bearer"}`,
		"refresh": `{"access_token":"aaaabbbbccccddddeeee","refresh_token":"a b c d e f g h i j","token_type":"bearer"}`,
		"long":    `{"access_token":"` + strings.Repeat("abcdefgh", hotcell.MaxValue/8+1) + `","token_type":"bearer"}`,
	} {
		s := open(t, identity.Rotates)
		s.front = func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, text)
			return true
		}
		if err := s.ensure(s.make("one"), 1); err == nil || s.now().Version != 1 {
			t.Errorf("%s: %v, version %d", name, err, s.now().Version)
		}
	}
}

// endless answers a token without its life.
func endless(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	w.Header().Set("Content-Type", "application/json")
	text := answer.Body.Bytes()
	if at := bytes.Index(text, []byte(`,"expires_in":`)); at > 0 {
		end := at + 1 + bytes.IndexAny(text[at+1:], ",}")
		text = append(bytes.Clone(text[:at]), text[end:]...)
	}
	_, _ = w.Write(text)
}

func TestATokenWithoutALifeIsRenewedWhenTheServiceDoesNotKnowIt(t *testing.T) {
	t.Parallel()
	s := open(t, identity.Rotates)
	k := s.make("one")
	s.asked(endless)
	must(t, s.ensure(k, 1))
	c := s.now()
	if c.Version != 2 || c.Connected.Expires != nil || !c.Renewed() {
		t.Fatalf("%+v %+v", c, c.Connected)
	}
	s.pass(24 * time.Hour)
	must(t, s.ensure(k, 0))
	must(t, s.ensure(k, 1))
	if n := s.Counts().Refreshes; n != 1 {
		t.Errorf("%d refreshes of a token that nobody refused", n)
	}
	must(t, s.ensure(k, 2))
	if c := s.now(); c.Version != 3 {
		t.Errorf("version %d", c.Version)
	}
}

func TestAServiceThatKnowsNoTokenGetsTwoAndNoMore(t *testing.T) {
	t.Parallel()
	s := open(t, identity.Rotates)
	s.Life(time.Hour)
	k := s.make("one")
	must(t, s.ensure(k, 1))
	for range 10 {
		if err := s.ensure(k, s.now().Version); !errors.Is(err, door.ErrYoung) {
			t.Errorf("%v", err)
		}
	}
	if n := s.Counts().Refreshes; n != 1 {
		t.Errorf("%d tokens were made", n)
	}
	s.pass(time.Minute)
	must(t, s.ensure(k, s.now().Version))
}

func TestATokenThatLivesIsUsedWhileTheServiceIsDown(t *testing.T) {
	t.Parallel()
	s := open(t, identity.Rotates)
	s.Life(time.Hour)
	k := s.make("one")
	must(t, s.ensure(k, 1))
	s.Down(true)
	s.pass(time.Hour - 30*time.Second)
	for range 3 {
		must(t, s.ensure(k, 0))
	}
	s.pass(time.Minute)
	if err := s.ensure(k, 0); !errors.Is(err, hotcell.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	s.Down(false)
	s.pass(time.Minute)
	if err := s.ensure(k, 0); err != nil || s.now().Version != 3 {
		t.Errorf("%v, version %d", err, s.now().Version)
	}
}

func TestNothingIsSentOnceTheLeaseIsAnothers(t *testing.T) {
	t.Parallel()
	for name, happen := range map[string]func(*scene, *http.Request){
		"taken": func(s *scene, _ *http.Request) {
			must(s.t, s.store.Update(s.t.Context(), func(w hotcell.VaultWriter) error {
				journal, err := w.Refresh(s.made.Workspace, s.made.ID)
				journal.Holder, journal.Attempts = "two", journal.Attempts+1
				return errors.Join(err, w.PutRefresh(journal))
			}))
		},
		"over": func(s *scene, _ *http.Request) { s.pass(time.Minute) },
	} {
		s := open(t, identity.Rotates)
		came := 0
		s.front = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.PostFormValue("refresh_token") != "" {
				came++
			}
			return false
		}
		s.before = func(r *http.Request) { happen(s, r) }
		if err := s.ensure(s.make("one"), 1); !errors.Is(err, hotcell.ErrUnavailable) || came != 0 || s.now().Connected.Broken != nil {
			t.Errorf("%s: %v, %d tokens came", name, err, came)
		}
		if name != "taken" {
			continue
		}
		must(t, s.store.View(t.Context(), func(r hotcell.VaultReader) error {
			if journal, err := r.Refresh(s.made.Workspace, s.made.ID); err != nil || journal.Holder != "two" {
				t.Errorf("the other's lease is gone: %+v, %v", journal, err)
			}
			return nil
		}))
	}
}

package vault_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hotcell"
)

// known is a service that knows who is connected, by a key or by a client's tokens.
func known(document string) string {
	account := "account:\n  request: {method: GET, path: /me}\n  id: ${answer.id}\n  name: ${answer.name}\n"
	return strings.Replace(document, "tools:\n", account+"tools:\n", 1)
}

// account is one connection to a service whose probe and whose operations answer with
// a status each.
type account struct {
	*office
	connection hotcell.Credential
	on         hotcell.AssignmentID
	job        hotcell.JobID
	probe, rest,
	tokens atomic.Int64
	asked atomic.Int64
}

func newAccount(t *testing.T, renewed bool) *account {
	t.Helper()
	a := &account{}
	document, slug, tool := known(chat), "chat", "post"
	if renewed {
		document, slug, tool = known(robotDocument), "robot", "work"
	}
	a.office = newOfficeOf(t, document)
	a.probe.Store(http.StatusOK)
	a.rest.Store(http.StatusOK)
	a.answers(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/token":
			a.tokens.Add(1)
			_, _ = io.WriteString(w, `{"access_token":"`+a.plant("token")+`","expires_in":3600}`)
			return
		case "/me":
			a.asked.Add(1)
			w.WriteHeader(int(a.probe.Load()))
		default:
			w.WriteHeader(int(a.rest.Load()))
		}
		_, _ = io.WriteString(w, `{"id":"7","name":"someone"}`)
	})
	key := a.plant("key")
	if renewed {
		key = "client-1:" + key
	}
	c, err := a.keyed(a.me, slug, "work", key, nil)
	must(t, err)
	a.connection = c
	a.on, a.job = a.with(a.me, hotcell.Narrowing{Tools: []string{tool}}, c.ID)
	return a
}

// try makes one call, and returns its error's code.
func (a *account) try(renewed bool) string {
	a.t.Helper()
	tool, arguments := "chat_post", hello
	if renewed {
		tool, arguments = "robot_work", `{}`
	}
	answer, err := a.call(a.job, tool, arguments)
	must(a.t, err)
	if answer.Error == nil {
		return ""
	}
	return answer.Error.Code
}

func (a *account) broken() bool {
	a.t.Helper()
	return a.show(a.me, a.connection.ID).Connected.Broken != nil
}

func TestASuspicionIsDecidedByTheProbe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		probe int64
		code  string
		ends  bool
	}{
		{http.StatusOK, "service", false}, {http.StatusForbidden, "service", false}, {http.StatusUnauthorized, "reconnect", true},
		{http.StatusInternalServerError, "service", false}, {http.StatusBadGateway, "service", false}, {http.StatusTooManyRequests, "service", false},
	} {
		for _, renewed := range []bool{false, true} {
			a := newAccount(t, renewed)
			a.rest.Store(http.StatusUnauthorized)
			a.probe.Store(c.probe)
			for range 5 { // however often
				if code := a.try(renewed); code != c.code || a.broken() != c.ends {
					t.Errorf("the probe answers %d, renewed %v: told %q, broken %v", c.probe, renewed, code, a.broken())
				}
			}
		}
	}
}

func TestAConnectionThatWorksAgainIsActiveByItself(t *testing.T) {
	t.Parallel()
	for _, renewed := range []bool{false, true} {
		a := newAccount(t, renewed)
		a.rest.Store(http.StatusUnauthorized)
		a.probe.Store(http.StatusUnauthorized)
		if a.try(renewed); !a.broken() {
			t.Fatal("it is not broken")
		}
		refused(t, "a job to come", a.begin(a.job2()), hotcell.ErrDenied, "must be renewed")
		a.asked.Store(0)
		must(t, a.daemon.ReconsiderOnce(t.Context()))
		if a.asked.Load() != 0 {
			t.Error("it is asked about at once")
		}
		a.ticks.Add(time.Minute.Milliseconds())
		must(t, a.daemon.ReconsiderOnce(t.Context()))
		if !a.broken() {
			t.Error("it is active although its service does not know it")
		}
		a.probe.Store(http.StatusServiceUnavailable)
		a.ticks.Add((2 * time.Minute).Milliseconds())
		must(t, a.daemon.ReconsiderOnce(t.Context()))
		if !a.broken() {
			t.Error("it is active although its service is away")
		}
		a.rest.Store(http.StatusOK)
		a.probe.Store(http.StatusOK)
		a.ticks.Add((2 * time.Hour).Milliseconds()) // a token has ended since, and is renewed
		must(t, a.daemon.ReconsiderOnce(t.Context()))
		if a.broken() {
			t.Errorf("renewed %v: it works, and is broken still", renewed)
		}
		must(t, a.begin(a.job2()))
		if events := a.events(hotcell.EventFilter{Kind: "connection.mend"}); len(events) != 1 {
			t.Errorf("the log has %+v", events)
		}
	}
}

func (a *account) job2() hotcell.JobID { return a.office.job(a.me, a.on) }

func TestASuspicionIsAskedAboutABoundedNumberOfTimes(t *testing.T) {
	t.Parallel()
	a := newAccount(t, false)
	a.rest.Store(http.StatusUnauthorized)
	a.probe.Store(http.StatusUnauthorized)
	a.try(false)
	a.asked.Store(0)
	for range 60 * 48 {
		a.ticks.Add(time.Minute.Milliseconds())
		must(t, a.daemon.ReconsiderOnce(t.Context()))
	}
	if n := a.asked.Load(); n < 5 || n > 11 {
		t.Errorf("it was asked about %d times in two days", n)
	}
}

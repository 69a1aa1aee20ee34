package vault_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

func TestAKeyThatIsNotKnownAnyMoreBreaksItsConnection(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c, other := o.account(o.b, "work", o.plant("key")), o.account(o.b, "home", o.plant("other"))
	o.share(o.b, c.ID, true)
	on, job := o.with(o.b, reading, c.ID)
	_, second := o.with(o.me, reading, c.ID)
	_, both := o.with(o.b, reading, c.ID, other.ID)
	o.list(second)
	o.answers(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"message":"who?"}`, http.StatusUnauthorized)
	})
	// Nobody can ask this service who is connected: one operation's word is not enough, however often.
	for range 4 {
		answer, err := o.call(job, "chat_post", hello)
		must(t, err)
		if e := answer.Error; e == nil || e.Code != "service" || e.Status != http.StatusUnauthorized || o.show(o.b, c.ID).Connected.Broken != nil {
			t.Fatalf("got %+v", answer.Error)
		}
	}
	answer, err := o.call(job, "chat_history", `{"channel":"x"}`)
	must(t, err)
	told := "Berta, by hotcell connections reconnect " + string(c.ID)
	if e := answer.Error; e == nil || e.Code != "reconnect" || e.Retryable || !strings.Contains(e.Message, told) || !strings.Contains(e.Message, "who?") {
		t.Errorf("got %+v", answer.Error)
	}
	now := o.show(o.b, c.ID)
	if b := now.Connected.Broken; b == nil || b.At.IsZero() || strings.Contains(b.Reason, "who?") {
		t.Errorf("it is %+v", b)
	}
	if events := o.events(hotcell.EventFilter{Kind: "connection.break"}); len(events) != 1 || events[0].Credential != c.ID || events[0].Reason == "" {
		t.Errorf("the log has %+v", events)
	}
	o.answers(nil)
	o.arrived()
	// The jobs that run keep their tools, and are told whose connection it is.
	for _, running := range []hotcell.JobID{job, second} {
		o.refuses(running, "chat_history", `{"channel":"x"}`, "reconnect", told)
		if tools, access := o.list(running); tools["chat_post"].Name == "" || !strings.Contains(access, told) {
			t.Errorf("listed %v, %s", tools, access)
		}
	}
	o.refuses(both, "chat_history", `{"channel":"x","connection":"work"}`, "reconnect", told)
	o.done(both, "chat_history", `{"channel":"x","connection":"home"}`)
	refused(t, "a job to come", o.begin(o.job(o.b, on)), hotcell.ErrDenied, told)
	if n := len(o.events(hotcell.EventFilter{Kind: "connection.call", Decision: hotcell.Refused})); n < 3 {
		t.Errorf("%d refusals are on record", n)
	}
}

func TestAJobWithAnOlderKeyBreaksNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c := o.account(o.me, "work", o.plant("old"))
	_, job := o.with(o.me, reading, c.ID)
	fresh := o.plant("new")
	_, err := o.rotate(o.me, c.ID, fresh)
	must(t, err)
	o.answers(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+fresh {
			http.Error(w, `{}`, http.StatusUnauthorized)
		}
	})
	for range 2 {
		_, err := o.call(job, "chat_post", hello)
		must(t, err)
	}
	answer, err := o.call(job, "chat_history", `{"channel":"x"}`)
	must(t, err)
	if answer.Error == nil || answer.Error.Code != "reconnect" || o.show(o.me, c.ID).Connected.Broken != nil {
		t.Errorf("got %+v, %+v", answer.Error, o.show(o.me, c.ID).Connected.Broken)
	}
}

func TestAStormOfRefusalsMakesTwoTokens(t *testing.T) {
	t.Parallel()
	r, job := newRobot(t)
	r.deaf.Store(true)
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			if answer, err := r.call(job, "robot_work", `{}`); err != nil || answer.Error == nil || answer.Error.Code != "reconnect" {
				t.Errorf("%+v, %v", answer, err)
			}
		})
	}
	wait.Wait()
	if n := r.given.Load(); n != 2 {
		t.Errorf("%d tokens were made", n)
	}
}

func TestTheTokenEndpointsDelayIsTheAgents(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]vaultrpc.ToolError{
		http.StatusTooManyRequests: {Code: "unavailable", Retryable: true, RetryAfter: 17},
		http.StatusBadRequest:      {Code: "unavailable", Retryable: false},
	} {
		r, job := newRobot(t)
		r.office.done(job, "robot_work", `{}`)
		r.arrived()
		r.answers(func(w http.ResponseWriter, q *http.Request) {
			if q.URL.Path != "/token" {
				http.Error(w, `{}`, http.StatusUnauthorized)
				return
			}
			w.Header().Set("Retry-After", "17")
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, `{"error":"invalid_client"}`)
		})
		for range 2 { // the second is told by the rest that it is given
			answer, err := r.call(job, "robot_work", `{}`)
			must(t, err)
			if e := answer.Error; e == nil || e.Code != want.Code || e.Retryable != want.Retryable || e.RetryAfter != want.RetryAfter || !strings.Contains(e.Message, `"robot"`) {
				t.Errorf("%d: got %+v", status, answer.Error)
			}
		}
		if n := len(r.arrived()); n != 3 {
			t.Errorf("%d: %d requests came", status, n)
		}
	}
}

func TestATokenThatHasEndedAndCannotBeRenewed(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c := o.account(o.me, "work", o.plant("key"))
	_, job := o.with(o.me, reading, c.ID)
	must(t, o.store.Update(t.Context(), func(w hotcell.VaultWriter) error {
		stored, err := w.Credential(o.me.Workspace, c.ID)
		if err != nil {
			return err
		}
		ends := o.now().Add(-1)
		stored.Connected.Expires = &ends
		return errors.Join(err, w.PutCredential(stored))
	}))
	o.stop()
	o.start()
	o.refuses(job, "chat_post", hello, "reconnect", "hotcell connections reconnect "+string(c.ID))
}

package job_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/control/job"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/workerrpc"
)

func (s *scene) opened(t *testing.T, life time.Duration) hotcell.JobID {
	t.Helper()
	made, err := s.Create(t.Context(), ada, job.Draft{Assignment: "asg_a", External: life})
	if err != nil || !made.External {
		t.Fatalf("%+v, %v", made, err)
	}
	return made.ID
}

// state waits until a job is in a state.
func (s *scene) state(t *testing.T, id hotcell.JobID, want hotcell.JobState) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 4000 {
		if j, err := s.Job(t.Context(), ada, id); err == nil && j.State == want {
			return
		}
		<-tick.C
	}
	t.Fatalf("it never was %s", want)
}

func TestExternalJobsKeepNobodyFromACell(t *testing.T) {
	t.Parallel()
	s := newScene(t, func(c *job.Config) { c.Concurrency = 2 })
	s.perform = func(ctx context.Context, j hotcell.Job, fn func(*workerrpc.RunEvent) error) error {
		if j.External {
			return hanging(ctx, j, fn)
		}
		return ending(0, "")(ctx, j, fn)
	}
	stop := s.work(t)
	var outside []hotcell.JobID
	for range 5 {
		outside = append(outside, s.opened(t, time.Hour))
	}
	for _, id := range outside {
		s.state(t, id, hotcell.JobRunning)
	}
	if j, _ := s.end(t, s.made(t)); j.State != hotcell.JobSucceeded {
		t.Errorf("%s: %s", j.State, j.Reason)
	}
	if _, err := s.Cancel(t.Context(), ada, outside[0]); err != nil {
		t.Fatal(err)
	}
	if j, _ := s.end(t, outside[0]); j.State != hotcell.JobCancelled || len(s.told(j.ID)) != 1 {
		t.Errorf("%s: %s", j.State, j.Reason)
	}
	stop() // the server's end is not theirs
	for _, id := range outside[1:] {
		if told := s.told(id); len(told) != 0 {
			t.Errorf("the vault was told %v", told)
		}
	}
}

func TestAnExternalJobDiesWithItsToken(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.perform = hanging
	s.work(t)
	id := s.opened(t, time.Second)
	if j, _ := s.end(t, id); j.State != hotcell.JobTimedOut || s.told(id)[0] != hotcell.JobTimedOut {
		t.Errorf("%s: %s, told %v", j.State, j.Reason, s.told(id))
	}
	for _, d := range []job.Draft{{External: time.Millisecond}, {External: 25 * time.Hour}, {External: -1}, {External: time.Hour, Arguments: []string{"x"}}} {
		d.Assignment = "asg_a"
		if _, err := s.Create(t.Context(), ada, d); !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%+v: %v", d, err)
		}
	}
}

func TestAJobThatWaitsShowsIt(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	let := make(chan struct{})
	s.perform = func(_ context.Context, _ hotcell.Job, fn func(*workerrpc.RunEvent) error) error {
		for _, kind := range []workerrpc.Kind{workerrpc.Started, workerrpc.Resumed, workerrpc.Waiting} {
			if err := fn(&workerrpc.RunEvent{Kind: kind, At: time.Now()}); err != nil {
				return err
			}
		}
		<-let
		if err := fn(&workerrpc.RunEvent{Kind: workerrpc.Resumed, At: time.Now()}); err != nil {
			return err
		}
		<-let
		return fn(&workerrpc.RunEvent{Kind: workerrpc.Ended, End: &workerrpc.End{Code: new(int)}})
	}
	s.work(t)
	id := s.made(t)
	s.state(t, id, hotcell.JobWaiting)
	list, err := s.Jobs(t.Context(), ada, hotcell.JobFilter{State: hotcell.JobWaiting}, hotcell.Page{})
	if err != nil || len(list) != 1 || list[0].ID != id {
		t.Errorf("%+v, %v", list, err)
	}
	let <- struct{}{}
	s.state(t, id, hotcell.JobRunning)
	close(let)
	if j, _ := s.end(t, id); j.State != hotcell.JobSucceeded {
		t.Errorf("%s: %s", j.State, j.Reason)
	}
}

// door is the door before a worker that says what it got.
func door(t *testing.T, worker http.HandlerFunc) *httptest.Server {
	t.Helper()
	behind := httptest.NewServer(worker)
	t.Cleanup(behind.Close)
	dial := func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", behind.Listener.Addr().String())
	}
	front := httptest.NewServer(job.NewDoor(job.NewRemote(rpc.NewClient(dial))))
	t.Cleanup(front.Close)
	return front
}

func TestTheDoorLeadsToTheTokensJobAlone(t *testing.T) {
	t.Parallel()
	id := hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))
	token := hotcell.NewToken(id)
	front := door(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Mcp-Session-Id"), "gone") {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		_, _ = fmt.Fprintf(w, "%s %s %s %d cookie=%q x=%q session=%q", r.Method, r.URL.Path, r.URL.RawQuery, len(body), r.Header.Get("Cookie"), r.Header.Get("Hotcell-Job"), r.Header.Get("Mcp-Session-Id"))
	})
	ask := func(authorization, session string, size int) (int, string, http.Header) {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, front.URL+"/mcp?token="+token, io.LimitReader(neverending('x'), int64(size)))
		r.Header = http.Header{"Cookie": {"a=b"}, "Hotcell-Job": {"job_other"}, "Mcp-Session-Id": {session}}
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		answer, err := front.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text), answer.Header
	}
	if status, text, _ := ask("Bearer "+token, "s1", 10); status != 200 || text != fmt.Sprintf(`POST /tools/%s  10 cookie="" x="" session="s1"`, id) {
		t.Errorf("%d %s", status, text)
	}
	for name, authorization := range map[string]string{"none": "", "a wrong sum": "Bearer " + token[:len(token)-1] + "!", "a path": "Bearer hct_../../files/" + strings.Repeat("a", 60)} {
		if status, _, header := ask(authorization, "s1", 10); status != 401 || !strings.HasPrefix(header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%s: %d %v", name, status, header)
		}
	}
	if status, _, _ := ask("Bearer "+token, "gone", 10); status != 401 {
		t.Errorf("a job that is not here: %d", status)
	}
	if status, _, _ := ask("Bearer "+token, "s1", 5<<20); status != 413 {
		t.Errorf("5 MiB: %d", status)
	}
}

type neverending byte

func (n neverending) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(n)
	}
	return len(b), nil
}

package job_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"hotcell"
	"hotcell/internal/control/job"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/workerrpc"
)

// shelf is a worker that has what it was given.
type shelf struct {
	mu   sync.Mutex
	has  map[string]string
	full bool
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	digest := r.PathValue("digest")
	switch _, has := s.has[digest]; {
	case r.Method == http.MethodPut && s.full:
		w.WriteHeader(http.StatusInsufficientStorage)
	case r.Method == http.MethodPut:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		s.has[digest] = string(body)
		w.WriteHeader(http.StatusNoContent)
	case !has:
		w.WriteHeader(http.StatusNotFound)
	}
}

// remote is a worker behind a line, of which the far end is the handler.
func remote(t *testing.T, mux *http.ServeMux) (r *job.Remote, hangUp func()) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "line")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := rpc.Server(mux)
	go func() { _ = server.Serve(l) }()
	hangUp = sync.OnceFunc(func() { _ = server.Close() })
	t.Cleanup(hangUp)
	return job.NewRemote(rpc.NewClient(func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	})), hangUp
}

func TestAFolderIsGivenToAWorkerOnce(t *testing.T) {
	t.Parallel()
	s, mux := &shelf{has: map[string]string{}}, http.NewServeMux()
	mux.Handle(workerrpc.FilesPath+"{digest}", s)
	r, hangUp := remote(t, mux)
	opened, digest := 0, strings.Repeat("ab", 32)
	open := func() (io.ReadCloser, error) {
		opened++
		return io.NopCloser(strings.NewReader("an archive")), nil
	}
	for range 2 {
		if err := r.Give(t.Context(), digest, open); err != nil {
			t.Fatal(err)
		}
	}
	if opened != 1 || s.has[digest] != "an archive" {
		t.Errorf("opened %d times, and it has %q", opened, s.has)
	}
	gone := fmt.Errorf("%w: upload them again", hotcell.ErrNotFound)
	if err := r.Give(t.Context(), "other", func() (io.ReadCloser, error) { return nil, gone }); !errors.Is(err, gone) {
		t.Errorf("what is gone here: %v", err)
	}
	s.full = true
	if err := r.Give(t.Context(), "other", open); !errors.Is(err, hotcell.ErrUnavailable) {
		t.Errorf("a full disk there: %v", err)
	}
	hangUp()
	if err := r.Give(t.Context(), digest, open); !errors.Is(err, hotcell.ErrUnavailable) {
		t.Errorf("nobody there: %v", err)
	}
}

func TestARunComesInOrderAndEndsWithItsLine(t *testing.T) {
	t.Parallel()
	mux, ended := http.NewServeMux(), make(chan error, 1)
	rpc.HandleStream(mux, workerrpc.Run, func(ctx context.Context, r *workerrpc.RunRequest, send func(*workerrpc.RunEvent) error) error {
		switch r.Job.Name {
		case "hanging":
			_ = send(&workerrpc.RunEvent{Kind: workerrpc.Started})
			<-ctx.Done()
			ended <- ctx.Err()
			return ctx.Err()
		case "refused":
			return fmt.Errorf("%w: this machine cannot confine", hotcell.ErrDenied)
		}
		for i := range 100 {
			if err := send(&workerrpc.RunEvent{Kind: workerrpc.Log, Data: fmt.Appendf(nil, "%d\n", i)}); err != nil {
				return err
			}
		}
		return send(&workerrpc.RunEvent{Kind: workerrpc.Ended, End: &workerrpc.End{Code: new(int), Output: 7}})
	})
	rpc.Handle(mux, workerrpc.Health, func(context.Context, *struct{}) (*workerrpc.HealthAnswer, error) {
		return &workerrpc.HealthAnswer{Problems: []string{"no landlock"}, PID: 7}, nil
	})
	r, hangUp := remote(t, mux)
	var log strings.Builder
	var end *workerrpc.End
	err := r.Run(t.Context(), hotcell.Job{}, func(e *workerrpc.RunEvent) error {
		log.Write(e.Data)
		end = e.End
		return nil
	})
	if err != nil || log.String() != numbers(0, 100) || end == nil || end.Code == nil || end.Output != 7 {
		t.Errorf("%v, %q, %+v", err, log.String(), end)
	}
	if err := r.Run(t.Context(), hotcell.Job{Name: "refused"}, nil); !errors.Is(err, hotcell.ErrDenied) || !strings.Contains(err.Error(), "cannot confine") {
		t.Errorf("refused: %v", err)
	}
	if health, err := r.Health(t.Context()); err != nil || health.PID != 7 || len(health.Problems) != 1 {
		t.Errorf("%+v, %v", health, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := r.Run(ctx, hotcell.Job{Name: "hanging"}, func(*workerrpc.RunEvent) error { cancel(); return nil }); err == nil {
		t.Error("a run that was let go of ended well")
	}
	<-ended // the worker hears of it
	err = r.Run(t.Context(), hotcell.Job{Name: "hanging"}, func(*workerrpc.RunEvent) error { hangUp(); return nil })
	if !errors.Is(err, hotcell.ErrUnavailable) {
		t.Errorf("with its line: %v", err)
	}
}

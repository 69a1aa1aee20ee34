package border_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"hotcell/internal/line/border"
)

const inside = "CANARY-inside-5r8t"

func thrower() error { panic(errors.New("slice of " + inside)) }

func logged() (*slog.Logger, *said) {
	b := &said{}
	return slog.New(slog.NewTextHandler(b, nil)), b
}

// said is a log that several write to and read at once.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestAPanicComesBackAsAnErrorWithoutItsText(t *testing.T) {
	t.Parallel()
	for name, throw := range map[string]func() error{
		"an error": thrower, "a text": func() error { panic(inside) },
		"a bound": func() error { b := []byte(inside); i := len(b) + len(name(t)); return errors.New(string(b[:i])) },
	} {
		err := border.Run("here", throw)
		f, ok := errors.AsType[*border.Fault](err)
		if !ok || f.At != "here" || f.Type == "" || !strings.Contains(f.Place, "border_test.") || strings.Contains(err.Error(), inside) {
			t.Errorf("%s: %#v, %v", name, f, err)
		}
		log, text := logged()
		if !border.Tell(log, err) || strings.Contains(text.String(), inside) || !strings.Contains(text.String(), "border_test.") {
			t.Errorf("%s: the log: %s", name, text)
		}
	}
	other := errors.New("other")
	if err := border.Run("here", func() error { return other }); !errors.Is(err, other) || border.Tell(slog.New(slog.DiscardHandler), err) {
		t.Errorf("an error of its own: %v", err)
	}
}

func name(t *testing.T) string { t.Helper(); return t.Name() }

func TestAGoroutineTellsOfItsPanic(t *testing.T) {
	t.Parallel()
	told := make(chan *border.Fault, 4)
	caught := func(f *border.Fault) { told <- f }
	fn := func() { _ = thrower() }
	ctx, cancel := context.WithCancel(t.Context())
	border.Go("1", caught, fn)
	border.After(0, "2", caught, fn)
	border.WithEnd(ctx, "3", caught, fn)
	cancel()
	seen := map[string]bool{}
	for range 3 {
		seen[(<-told).At] = true
	}
	sent := make(chan error, 1)
	border.Send(sent, "4", thrower)
	if err := <-sent; len(seen) != 3 || err == nil {
		t.Errorf("%v, %v", seen, err)
	}
}

func TestARequestThatThrowsIsRefusedAndOthersGoOn(t *testing.T) {
	t.Parallel()
	log, text := logged()
	mux := http.NewServeMux()
	mux.HandleFunc("/before", func(http.ResponseWriter, *http.Request) { _ = thrower() })
	mux.HandleFunc("/within", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "a part ")
		_ = http.NewResponseController(w).Flush()
		_ = thrower()
	})
	mux.HandleFunc("/taken", func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
			_ = thrower()
		}
	})
	mux.HandleFunc("/aborted", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/well", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "well") })
	server := httptest.NewUnstartedServer(border.Handler("a test", log, border.Refuse, mux))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelWarn)
	server.Start()
	t.Cleanup(server.Close)
	get := func(path string) (int, string, error) {
		answer, err := server.Client().Get(server.URL + path)
		if err != nil {
			return 0, "", err
		}
		defer func() { _ = answer.Body.Close() }()
		b, err := io.ReadAll(answer.Body)
		return answer.StatusCode, string(b), err
	}
	if status, said, err := get("/before"); status != 500 || strings.Contains(said, inside) || !strings.Contains(said, "fault") || err != nil {
		t.Errorf("before an answer: %d %q %v", status, said, err)
	}
	if _, said, err := get("/within"); err == nil || said != "a part " {
		t.Errorf("within an answer, which would be taken for whole: %q %v", said, err)
	}
	if _, _, err := get("/taken"); err != nil {
		t.Errorf("a connection that was taken over: %v", err)
	}
	if _, _, err := get("/aborted"); err == nil {
		t.Error("an answer that was meant to break off is whole")
	}
	if status, said, err := get("/well"); status != 200 || said != "well" || err != nil {
		t.Errorf("a bystander: %d %q %v", status, said, err)
	}
	server.Close()
	if n := strings.Count(text.String(), "a fault in the program"); n != 3 || strings.Contains(text.String(), inside) {
		t.Errorf("%d faults in the log: %s", n, text)
	}
}

type hostile struct{ left int }

func (h *hostile) Read(b []byte) (int, error) {
	if h.left--; h.left < 0 {
		_ = thrower()
	}
	return copy(b, "abc"), nil
}

func (h *hostile) Close() error { return nil }

// A transport reads a body in a goroutine of its own, where nothing would catch it.
func TestABodyThatThrowsFailsItsRequest(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	t.Cleanup(server.Close)
	told := make(chan *border.Fault, 1)
	body := border.Reader("a body", func(f *border.Fault) { told <- f }, &hostile{left: 3})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := server.Client().Do(r)
	if err == nil {
		_ = answer.Body.Close()
	}
	if _, ok := errors.AsType[*border.Fault](err); !ok || (<-told).At != "a body" {
		t.Errorf("%v", err)
	}
	if n, err := body.Read(make([]byte, 8)); n != 0 || err == nil {
		t.Errorf("it is read on: %d, %v", n, err)
	}
}

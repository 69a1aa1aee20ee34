package client_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/control/api/apitest"
	"hotcell/internal/value/sensitive"
)

func variables(values ...string) (out []client.Variable) {
	for i := 0; i < len(values); i += 2 {
		out = append(out, client.Variable{Name: values[i], Value: sensitive.New([]byte(values[i+1]))})
	}
	return out
}

// wire is a line between a client and a server that remembers what was said.
type wire struct {
	mu   sync.Mutex
	said bytes.Buffer
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.said.Write(p)
}

func (w *wire) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.said.String()
}

// listen opens a socket in a folder of its own.
func listen(t *testing.T) (net.Listener, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "hotcell-client-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener, path
}

// tapped is a socket that leads to another, and what went to it.
func tapped(t *testing.T, to string) (string, *wire) {
	t.Helper()
	listener, path := listen(t)
	seen := &wire{}
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", to)
			if err != nil {
				_ = from.Close()
				return
			}
			go func() { _, _ = io.Copy(from, server); _ = from.Close() }()
			go func() { _, _ = io.Copy(io.MultiWriter(server, seen), from); _ = server.Close() }()
		}
	}()
	return path, seen
}

func TestValuesLeaveSealed(t *testing.T) {
	t.Parallel()
	world := apitest.New(t)
	path, seen := tapped(t, world.Serve(t))
	c, ctx := client.New(client.Options{Socket: path, Pin: client.PinFile(filepath.Join(t.TempDir(), "pins.json"))}), t.Context()
	const value, second = "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "\x01\xff binary, and long enough"
	made, err := c.CreateSecret(ctx, client.SecretDraft{Name: "billing", Service: "stripe", Variables: variables("KEY", value, "BYTES", second)})
	if err != nil || world.Value("billing", "KEY") != value || world.Value("billing", "BYTES") != second || made.Service != "stripe" || made.Shared {
		t.Fatalf("%+v, %v", made, err)
	}
	now, err := c.ChangeSecret(ctx, made.ID, made.Revision, client.SecretChange{Set: variables("KEY", value+"-rotated"), Rename: map[string]string{"BYTES": "RAW"}})
	if err != nil || now.Version != 2 || world.Value("billing", "KEY") != value+"-rotated" || world.Value("billing", "RAW") != second {
		t.Errorf("%+v, %v", now, err)
	}
	if said := seen.String(); !strings.Contains(said, `"sealed"`) {
		t.Error("the tap is not on the line")
	} else {
		for _, v := range []string{value, second[6:]} {
			for skip := range 3 { // base64 begins anew at each third byte
				inside := base64.StdEncoding.EncodeToString([]byte(v[skip:]))
				if strings.Contains(said, v) || strings.Contains(said, inside[:len(inside)-4]) {
					t.Errorf("a value went over the line")
				}
			}
		}
	}
}

func TestAnotherServerInTheSamePlaceGetsNothing(t *testing.T) {
	t.Parallel()
	dir, ctx := t.TempDir(), t.Context()
	place := filepath.Join(dir, "hotcell.sock")
	first, second := apitest.New(t), apitest.New(t)
	for i, world := range []*apitest.World{first, second, first} {
		_ = os.Remove(place)
		if err := os.Symlink(world.Serve(t), place); err != nil {
			t.Fatal(err)
		}
		c := client.New(client.Options{Socket: place, Pin: client.PinFile(filepath.Join(dir, "pins.json"))})
		_, err := c.CreateSecret(ctx, client.SecretDraft{Name: fmt.Sprint("s", i), Variables: variables("KEY", "a-value")})
		changed, refused := errors.AsType[*client.PinError](err)
		if refused != (world == second) || refused && (changed.Server != place || !errors.Is(err, hotcell.ErrDenied)) || !refused && err != nil {
			t.Errorf("server %d: %v", i, err)
		}
	}
	if first.Secrets() != 2 || second.Secrets() != 0 {
		t.Errorf("the first has %d secrets, the other %d", first.Secrets(), second.Secrets())
	}
}

func TestErrorsAreTheSentinelsOfTheVocabulary(t *testing.T) {
	t.Parallel()
	world, ctx := apitest.New(t), t.Context()
	c := client.New(client.Options{Socket: world.Serve(t)})
	for _, want := range []error{
		hotcell.ErrNotFound, hotcell.ErrDenied, hotcell.ErrConflict, &hotcell.StaleError{Current: 3}, hotcell.Invalid("/name", "a rule"), hotcell.ErrUnavailable,
		hotcell.ErrNeedsReconnect, hotcell.ErrRateLimited, hotcell.ErrTampered, errors.New("something else"),
	} {
		world.Fail(want)
		_, err := c.Secrets(ctx, "")
		answer, ok := errors.AsType[*client.Error](err)
		if !ok || answer.RequestID == "" || answer.Status < 400 || err.Error() == "" {
			t.Errorf("%v: %v", want, err)
			continue
		}
		for sentinel, code := range map[error]string{
			hotcell.ErrNotFound: "not_found", hotcell.ErrDenied: "denied", hotcell.ErrConflict: "conflict", hotcell.ErrStale: "stale", hotcell.ErrInvalid: "invalid",
			hotcell.ErrUnavailable: "unavailable", hotcell.ErrNeedsReconnect: "needs_reconnect", hotcell.ErrRateLimited: "rate_limited", hotcell.ErrTampered: "tampered",
		} {
			if is := errors.Is(err, sentinel); is != (answer.Code == code) || is != errors.Is(want, sentinel) {
				t.Errorf("%v: is %v: %t", want, sentinel, is)
			}
		}
		if answer.Code == "stale" && answer.Current != 3 || answer.Code == "invalid" && (len(answer.Fields) != 1 || answer.Fields[0].Pointer != "/name") {
			t.Errorf("%v: %+v", want, answer)
		}
	}
}

func TestNoAnswerIsToldWithoutTheQuestion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ended, end := context.WithCancel(t.Context())
	end()
	closed, path := listen(t)
	go func() {
		for {
			conn, err := closed.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	for name, c := range map[string]struct {
		socket string
		ctx    context.Context //nolint:containedctx // a case's
		want   error
	}{
		"no socket": {filepath.Join(dir, "none"), t.Context(), client.ErrNoServer}, "closed": {path, t.Context(), hotcell.ErrUnavailable}, "left": {path, ended, context.Canceled},
	} {
		_, err := client.New(client.Options{Socket: c.socket}).Secrets(c.ctx, "a-name-that-i-look-for")
		if !errors.Is(err, c.want) || strings.Contains(fmt.Sprint(err), "look-for") || strings.Contains(fmt.Sprint(err), "://") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAssignmentsAndJobsThroughTheirLives(t *testing.T) {
	t.Parallel()
	world, ctx := apitest.New(t), t.Context()
	c := client.New(client.Options{Socket: world.Serve(t)})
	work := hotcell.Work{Command: "out hello\nleave a.txt x\nexit 4", Allow: []hotcell.Allow{{Host: "api.acme.test", Port: 443, Protocol: hotcell.ProtocolHTTPS}}, Limits: hotcell.Limits{Timeout: hotcell.Duration(90 * time.Second), Pids: 7}, Environment: map[string]string{"A": "b"}}
	a, err := c.CreateAssignment(ctx, "report", work)
	if err != nil || a.Work.Limits != work.Limits || a.Work.Environment["A"] != "b" || len(a.Work.Allow) != 1 {
		t.Fatalf("%+v, %v", a, err)
	}
	s, err := c.CreateSecret(ctx, client.SecretDraft{Name: "billing", Variables: variables("KEY", "a-value")})
	if err != nil {
		t.Fatal(err)
	}
	at, err := c.Attach(ctx, a.ID, s.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	if a, err = c.Assignment(ctx, a.ID); err != nil || len(a.Attachments) != 1 || a.Attachments[0].Name != "billing" {
		t.Errorf("%+v, %v", a, err)
	}
	if s, err = c.Secret(ctx, s.ID); err != nil || len(s.Attachments) != 1 || s.Attachments[0].Name != "report" {
		t.Errorf("%+v, %v", s, err)
	}
	name := "reports"
	if a, err = c.ChangeAssignment(ctx, a.ID, a.Revision, &name, nil); err != nil || a.Name != name || a.Work.Command != work.Command {
		t.Errorf("%+v, %v", a, err)
	}
	j, err := c.Run(ctx, a.ID, []string{"x"})
	if err != nil {
		t.Fatal(err)
	}
	if j, err = c.Follow(ctx, j.ID, func(hotcell.LogChunk) error { return nil }); err != nil || j.State != hotcell.JobFailed || *j.ExitCode != 4 {
		t.Errorf("%+v, %v", j, err)
	}
	if out, err := c.Out(ctx, j.ID); err != nil {
		t.Error(err)
	} else {
		_ = out.Close()
	}
	if _, err := c.Cancel(ctx, j.ID); !errors.Is(err, hotcell.ErrConflict) {
		t.Errorf("cancelling after the end: %v", err)
	}
	if list, err := c.Jobs(ctx, hotcell.JobFilter{Assignment: a.ID, State: hotcell.JobFailed}, 10); err != nil || len(list) != 1 {
		t.Errorf("%d jobs, %v", len(list), err)
	}
	if err := errors.Join(c.Detach(ctx, at.ID), c.DeleteAssignment(ctx, a.ID), c.DeleteSecret(ctx, s.ID, s.Revision)); err != nil {
		t.Error(err)
	}
	if list, err := c.Assignments(ctx, ""); err != nil || len(list) != 0 {
		t.Errorf("%d assignments, %v", len(list), err)
	}
}

func TestAListIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	world, ctx := apitest.New(t), t.Context()
	c := client.New(client.Options{Socket: world.Serve(t)})
	for i := range 230 {
		if _, err := c.CreateAssignment(ctx, fmt.Sprintf("a%03d", i), hotcell.Work{Command: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := c.Assignments(ctx, "")
	if err != nil || len(list) != 230 || list[229].Name != "a229" {
		t.Errorf("%d items, %v", len(list), err)
	}
}

// A stream that breaks off is taken up behind the last chunk that came.
func TestAStreamThatBreaksIsTakenUp(t *testing.T) {
	t.Parallel()
	listener, path := listen(t)
	var mu sync.Mutex
	var asked []string
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.URL.Query().Get("after"))
		switch len(asked) {
		case 1:
			_, _ = io.WriteString(w, "id: 1\nevent: log\ndata: {\"sequence\":1}\n\nid: 2\nevent: log\ndata: {\"sequence\":2}\n\n")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case 2:
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"code":"unavailable","detail":"the vault restarts"}`)
		default:
			_, _ = io.WriteString(w, "id: 3\nevent: log\ndata: {\"sequence\":3}\n\nevent: end\ndata: {\"state\":\"succeeded\"}\n\n")
		}
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	var got []int64
	j, err := client.New(client.Options{Socket: path}).Follow(t.Context(), "job_x", func(c hotcell.LogChunk) error { got = append(got, c.Sequence); return nil })
	if err != nil || j.State != hotcell.JobSucceeded || fmt.Sprint(got) != "[1 2 3]" || fmt.Sprint(asked) != "[0 2 2]" {
		t.Errorf("%v, %v: chunks %v, asked for after %q", j.State, err, got, asked)
	}
}

func TestAnUploadThatIsRefusedSaysWhy(t *testing.T) {
	t.Parallel()
	listener, path := listen(t)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity) // before all of it was read
		_, _ = io.WriteString(w, `{"code":"invalid","detail":"it is too large"}`)
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	for range 20 {
		_, err := client.New(client.Options{Socket: path}).PutFiles(t.Context(), io.LimitReader(zeros{}, 64<<20))
		if !errors.Is(err, hotcell.ErrInvalid) || err.Error() != "it is too large" {
			t.Fatalf("%v", err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

package browser_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell/internal/cell/browser"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/value/sensitive"
)

// world is a browser with sites that it can reach, and a hand that stands for the
// vault: where a stand-in arrives that was armed, the site takes it as the password.
type world struct {
	t      *testing.T
	driver *browser.Driver
	mux    *http.ServeMux
	server *httptest.Server

	mu       sync.Mutex
	logins   []cellrpc.Login
	armed    cellrpc.ArmRequest
	state    cellrpc.ArmState
	changed  chan struct{}
	sessions []cellrpc.Session
	kept     map[string]string
	files    map[string]string
	asked    int
	// byHost are the logins of the same server by another of its names.
	byHost map[string][]cellrpc.Login
	// status is how the site answers what it takes; 0 is 200.
	status int
	// onArm is called when something is armed.
	onArm func()
	// code is the true one; trueCode where it is empty.
	code string
}

const (
	truePassword = "tr0ub4dor&3-horse"
	trueCode     = "314159"
)

// open starts a browser. Sites are at the server's address, which is loopback, so
// that no certificate is needed.
func open(t *testing.T, change func(*browser.Config)) *world {
	t.Helper()
	program := browser.Program()
	if program == "" {
		t.Skip("there is no chromium-headless-shell on this machine")
	}
	w := &world{t: t, mux: http.NewServeMux(), changed: make(chan struct{}), kept: map[string]string{}, files: map[string]string{}}
	w.server = httptest.NewServer(w.mux)
	t.Cleanup(w.server.Close)
	w.logins = []cellrpc.Login{{Use: "att_1", Name: "portal", Username: "ada", Password: true, OTP: true, Known: true}}
	flags := append([]string{"--no-sandbox"}, browser.Flags(t.TempDir(), "")...)
	cmd := exec.Command(program, flags...)
	theirs, to, err := os.Pipe()
	must(t, err)
	from, ours, err := os.Pipe()
	must(t, err)
	cmd.ExtraFiles = []*os.File{theirs, ours}
	must(t, cmd.Start())
	_, _ = theirs.Close(), ours.Close()
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	c := browser.Config{
		Pipe: browser.Pipe{To: to, From: from}, Hand: w, Downloads: t.TempDir(), Uploads: t.TempDir(), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&c)
	}
	w.driver, err = browser.Open(t.Context(), c)
	must(t, err)
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// page serves a page at a path.
func (w *world) page(path, html string) string {
	w.mux.HandleFunc("GET "+path, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(rw, "<!doctype html>"+html)
	})
	return w.server.URL + path
}

func (w *world) call(tool string, pairs ...any) cellrpc.CallAnswer {
	w.t.Helper()
	in := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		in[pairs[i].(string)] = pairs[i+1]
	}
	raw, err := json.Marshal(in)
	must(w.t, err)
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	return w.driver.Call(ctx, cellrpc.Call{Tool: tool, Arguments: raw})
}

// ok is a call that must succeed.
func (w *world) ok(tool string, pairs ...any) string {
	w.t.Helper()
	out := w.call(tool, pairs...)
	if out.Error {
		w.t.Fatalf("%s %v: %s", tool, pairs, out.Text)
	}
	return out.Text
}

// ref is the ref of the first line of a snapshot with a text.
func (w *world) ref(snapshot, text string) string {
	w.t.Helper()
	for line := range strings.Lines(snapshot) {
		if _, after, found := strings.Cut(line, "[ref="); found && strings.Contains(line, text) {
			id, _, _ := strings.Cut(after, "]")
			return id
		}
	}
	w.t.Fatalf("nothing says %q in\n%s", text, snapshot)
	return ""
}

// hang answers nothing.
func (w *world) hang(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	select {
	case <-r.Context().Done():
	case <-w.t.Context().Done():
	}
}

// takes says whether a site takes what was sent as the password: what was armed,
// or the real one in fill mode. It is put once.
func (w *world) takes(password, code string) (passwordOK, codeOK bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if password != "" && password == w.armed.Password && !w.state.Gone {
		passwordOK, w.armed.Password, w.state.Password = true, "", true
	}
	if code != "" && code == w.armed.Code && !w.state.Gone {
		codeOK, w.armed.Code, w.state.Code = true, "", true
	}
	if passwordOK || codeOK {
		w.state.Status, w.state.Gone = cmp.Or(w.status, 200), w.armed.Password == "" && w.armed.Code == ""
		close(w.changed)
		w.changed = make(chan struct{})
	}
	return passwordOK || password == truePassword, codeOK || code == cmp.Or(w.code, trueCode)
}

func (w *world) Logins(_ context.Context, r cellrpc.LoginsRequest) (cellrpc.LoginsAnswer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	u, _ := url.Parse(w.server.URL)
	port, _ := strconv.Atoi(u.Port())
	if logins := w.byHost[r.Origin.Host]; logins != nil && r.Origin.Port == port {
		return cellrpc.LoginsAnswer{Logins: logins}, nil
	}
	if r.Origin.Host != u.Hostname() || r.Origin.Port != port {
		return cellrpc.LoginsAnswer{Others: "there is no login for this site"}, nil
	}
	return cellrpc.LoginsAnswer{Logins: w.logins}, nil
}

func (w *world) Arm(_ context.Context, r cellrpc.ArmRequest) (cellrpc.ArmAnswer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed, w.state = r, cellrpc.ArmState{}
	if w.onArm != nil {
		w.onArm()
	}
	return cellrpc.ArmAnswer{ID: "arm"}, nil
}

func (w *world) AwaitArm(ctx context.Context, r cellrpc.AwaitArmRequest) (cellrpc.ArmState, error) {
	for {
		w.mu.Lock()
		if r.Cancel {
			w.state.Gone = true
		}
		state, changed := w.state, w.changed
		w.mu.Unlock()
		if state.Gone || state.Status != 0 {
			return state, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return state, ctx.Err()
		case <-time.After(10 * time.Second):
			return cellrpc.ArmState{Gone: true}, nil
		}
	}
}

func (w *world) Fill(_ context.Context, r cellrpc.FillRequest) (v browser.Values, err error) {
	if r.Password {
		v.Password = sensitive.New([]byte(truePassword))
	}
	if r.Code {
		v.Code = sensitive.New([]byte(cmp.Or(w.code, trueCode)))
	}
	return v, nil
}

func (w *world) Filled(context.Context, cellrpc.Origin) error { return nil }

func (w *world) AskLogin(context.Context, cellrpc.AskLogin) (cellrpc.Asked, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	return cellrpc.Asked{Request: "ask_1", State: "refused", Text: "it was refused"}, nil
}

func (w *world) AskWay(context.Context, cellrpc.AskWay) (cellrpc.Asked, error) {
	return cellrpc.Asked{Request: "ask_2", State: "approved"}, nil
}

func (w *world) Session(_ context.Context, s cellrpc.Session) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sessions = append(w.sessions, s)
	return nil
}

func (w *world) Fetch(_ context.Context, path string, to io.Writer) error {
	text, there := w.files[path]
	if !there {
		return errors.New("there is no file " + path)
	}
	_, err := io.WriteString(to, text)
	return err
}

func (w *world) Keep(_ context.Context, name string, from io.Reader) (cellrpc.File, error) {
	text, err := io.ReadAll(from)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept[name] = string(text)
	return cellrpc.File{Path: filepath.Join("/job/out", name)}, err
}

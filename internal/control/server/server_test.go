package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hotcell"
	"hotcell/internal/control/server"
	"hotcell/internal/line/socketpair"
)

func say(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

func config(t *testing.T) server.Config {
	t.Helper()
	_, local := line(t)
	return server.Config{Local: local, Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)}
}

// line is one that a vault hands connections over on.
func line(t *testing.T) (*socketpair.Dialer, *socketpair.Listener) {
	t.Helper()
	dial, listen, err := socketpair.Pair()
	if err != nil {
		t.Fatal(err)
	}
	to, err := socketpair.NewDialer(dial)
	if err != nil {
		t.Fatal(err)
	}
	from, err := socketpair.NewListener(listen)
	if err := errors.Join(err, dial.Close(), listen.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = to.Close() })
	return to, from
}

// door is a socket that lets everybody in, each with a bearer of their own.
func door(t *testing.T, c *server.Config) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "hotcell.sock")
	socket, err := server.Bind(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	to, from := line(t)
	c.Local = from
	go func() {
		for n := 1; ; n++ {
			in, err := socket.AcceptUnix()
			if err != nil {
				return
			}
			err = to.Hand(context.Background(), in, fmt.Sprintf("bearer %d", n))
			if err := errors.Join(err, in.Close()); err != nil && !errors.Is(err, syscall.EPIPE) { // the server's end is closed
				t.Errorf("handing over: %v", err)
			}
		}
	}()
	return path
}

// run serves until the test ends, or it is stopped: on the socket what is given.
func run(t *testing.T, c server.Config, local ...http.Handler) (s *server.Server, stop func() error) {
	t.Helper()
	s, err := server.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	s.Serve(append(local, say("local"))[0], say("public"))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = func() error {
		cancel()
		err := <-ended
		ended <- err
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return s, stop
}

func local(socket string) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
}

func get(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	answer, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// made is with which mode files are made.
func made(t *testing.T) fs.FileMode {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

// What follows changes the process's umask, so nothing here is parallel to it.
func TestEachListenerServesItsOwn(t *testing.T) {
	c, before := config(t), made(t)
	socket := door(t, &c)
	s, _ := run(t, c)
	if after := made(t); after != before {
		t.Errorf("files are made with %v now, and with %v before", after, before)
	}
	if got := get(t, local(socket), "http://hotcell/"); got != "local" {
		t.Errorf("the socket says %q", got)
	}
	if got := get(t, http.DefaultClient, "http://"+s.Address()); got != "public" {
		t.Errorf("the port says %q", got)
	}
	info, err := os.Stat(socket)
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestOffLoopbackIsRefused(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "127.0.0.1", "nonsense", ""} {
		c := config(t)
		c.Listen = listen
		s, err := server.Open(c)
		if err == nil || s != nil {
			t.Errorf("%q is listened on", listen)
		}
	}
	for _, listen := range []string{"127.0.0.1:0", "127.8.8.8:0", "localhost:0"} {
		c := config(t)
		c.Listen = listen
		s, _ := run(t, c)
		if host, _, err := net.SplitHostPort(s.Address()); err != nil || !net.ParseIP(host).IsLoopback() {
			t.Errorf("%q is %s", listen, s.Address())
		}
	}
}

func TestATakenPortIsTold(t *testing.T) {
	first, _ := run(t, config(t))
	c := config(t)
	c.Listen = first.Address()
	if _, err := server.Open(c); err == nil || !strings.Contains(err.Error(), "listening") {
		t.Errorf("%v", err)
	}
}

func TestEachConnectionHasItsOwnBearer(t *testing.T) {
	c := config(t)
	socket := door(t, &c)
	parted := make(chan hotcell.Bearer, 2)
	c.Parted = func(b hotcell.Bearer) { parted <- b }
	s, _ := run(t, c, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, string(server.Bearer(r.Context())))
	}))
	for n := 1; n <= 2; n++ {
		want := fmt.Sprintf("bearer %d", n)
		if got := get(t, local(socket), "http://hotcell/"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if got := <-parted; string(got) != want {
			t.Errorf("another one has parted than %q", want)
		}
	}
	if got := get(t, http.DefaultClient, "http://"+s.Address()); got != "public" {
		t.Errorf("the port says %q", got)
	}
}

func TestASocketOfADeadServerIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hotcell.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := server.Bind(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestWhatIsNoSocketStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hotcell.sock")
	if err := os.WriteFile(path, []byte("somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Bind(path); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("%v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "somebody's" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestAPathThatIsTooLongForASocketIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), strings.Repeat("x", 100), "hotcell.sock")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Bind(path); err == nil || !strings.Contains(err.Error(), "107 bytes") {
		t.Errorf("%v", err)
	}
}

func TestTheEndEndsEverything(t *testing.T) {
	c := config(t)
	socket := door(t, &c)
	entered := make(chan struct{})
	s, stop := run(t, c, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		close(entered)
		<-r.Context().Done() // as one who follows a log
	}))
	answer, err := local(socket).Get("http://hotcell/")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	idle, err := net.Dial("unix", socket) // who never says a word
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = idle.Close() }()
	<-entered
	if err := stop(); err != nil {
		t.Errorf("%v", err)
	}
	if _, err := io.ReadAll(answer.Body); err != nil {
		t.Errorf("the follower: %v", err)
	}
	_, _ = io.ReadAll(idle) // ends, by a word or without
	if _, err := net.Dial("tcp", s.Address()); err == nil {
		t.Error("the port is still open")
	}
}

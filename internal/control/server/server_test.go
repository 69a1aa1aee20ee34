package server_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hotcell/internal/control/server"
)

// TestMain lets the test's own binary be somebody else at the socket.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "ask" {
		os.Exit(ask(os.Args[2]))
	}
	os.Exit(m.Run())
}

// ask exits with 0 where the socket answers, with 3 where it hangs up.
func ask(socket string) int {
	c, err := net.Dial("unix", socket)
	if err != nil {
		return 2
	}
	defer func() { _ = c.Close() }()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: hotcell\r\nConnection: close\r\n\r\n")
	if answer, _ := io.ReadAll(c); strings.Contains(string(answer), "200 OK") {
		return 0
	}
	return 3
}

func say(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

func config(t *testing.T) server.Config {
	t.Helper()
	return server.Config{
		Socket: filepath.Join(t.TempDir(), "hotcell.sock"), Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler),
	}
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
	s, _ := run(t, c)
	if after := made(t); after != before {
		t.Errorf("files are made with %v now, and with %v before", after, before)
	}
	if got := get(t, local(c.Socket), "http://hotcell/"); got != "local" {
		t.Errorf("the socket says %q", got)
	}
	if got := get(t, http.DefaultClient, "http://"+s.Address()); got != "public" {
		t.Errorf("the port says %q", got)
	}
	info, err := os.Stat(c.Socket)
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestOnlyTheOwnerAndRootAreHeard(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("to be somebody else needs root")
	}
	dir, err := os.MkdirTemp("", "hotcell-server-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program := filepath.Join(dir, "program")
	if out, err := exec.Command("cp", os.Args[0], program).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c := config(t)
	c.Socket = filepath.Join(dir, "hotcell.sock")
	reached := make(chan struct{}, 8)
	run(t, c, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached <- struct{}{} }))
	// Even where somebody opened up folder and socket.
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(c.Socket, 0o777)); err != nil {
		t.Fatal(err)
	}
	for _, who := range []struct {
		uid  uint32
		code int
	}{{65534, 3}, {1, 3}, {0, 0}} {
		cmd := exec.Command(program, "ask", c.Socket)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: who.uid, Gid: 0}}
		if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != who.code {
			t.Errorf("uid %d: %v, want %d", who.uid, err, who.code)
		}
	}
	if n := len(reached); n != 1 {
		t.Errorf("%d requests were heard", n)
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
		if _, err := os.Lstat(c.Socket); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: a socket is left: %v", listen, err)
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

func TestASocketOfADeadServerIsReplaced(t *testing.T) {
	c := config(t)
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: c.Socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	run(t, c)
	if got := get(t, local(c.Socket), "http://hotcell/"); got != "local" {
		t.Errorf("%q", got)
	}
}

func TestWhatIsNoSocketStays(t *testing.T) {
	c := config(t)
	if err := os.WriteFile(c.Socket, []byte("somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Open(c); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("%v", err)
	}
	if text, err := os.ReadFile(c.Socket); err != nil || string(text) != "somebody's" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestAPathThatIsTooLongForASocketIsTold(t *testing.T) {
	c := config(t)
	c.Socket = filepath.Join(filepath.Dir(c.Socket), strings.Repeat("x", 100), "hotcell.sock")
	if err := os.Mkdir(filepath.Dir(c.Socket), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Open(c); err == nil || !strings.Contains(err.Error(), "107 bytes") {
		t.Errorf("%v", err)
	}
}

func TestTheEndEndsEverything(t *testing.T) {
	c := config(t)
	entered := make(chan struct{})
	s, stop := run(t, c, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		close(entered)
		<-r.Context().Done() // as one who follows a log
	}))
	answer, err := local(c.Socket).Get("http://hotcell/")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	idle, err := net.Dial("unix", c.Socket) // who never says a word
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
	if _, err := os.Stat(c.Socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

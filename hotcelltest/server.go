// Package hotcelltest runs a whole server in a test: the real program with its
// real parts, on a folder of its own.
//
//	s := hotcelltest.Start(t, "")
//	s.OK("secrets", "create", "billing", "--env-file", file)
//	r := s.Run("run", "report")
//	if r.Code != 0 { … }
package hotcelltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hotcell/client"
)

// patience is for how long a process may take. One that takes longer hangs: it is
// told to say where it stands, and the test fails with that, instead of the whole run
// with nothing.
const patience = 5 * time.Minute

// Server is a server that runs for the time of a test.
type Server struct {
	t testing.TB
	// Data is its data folder.
	Data   string
	Client *client.Client
	home   string
	config string
	flags  []string
	log    string
	cmd    *exec.Cmd
	ended  chan struct{}
}

// Result is how a command ended.
type Result struct {
	Out, Err string
	Code     int
}

// built are the programs that were built for the tests of this process, by their
// packages, and the folder that they are in.
var built struct {
	sync.Mutex
	dir      string
	programs map[string]func() (string, error)
}

// Binary is the program: what HOTCELL_TEST_BINARY names, as on a machine or for
// a user without Go, else built once a test process.
func Binary(t testing.TB) string {
	t.Helper()
	if given := os.Getenv("HOTCELL_TEST_BINARY"); given != "" {
		return given
	}
	return Program(t, product)
}

// product is the package of the program.
const product = "hotcell/cmd/hotcell"

// Program is the program of a package of this module, built once a test process.
func Program(t testing.TB, of string) string {
	t.Helper()
	built.Lock()
	build := built.programs[of]
	if build == nil {
		build = sync.OnceValues(func() (string, error) { return compile(of) })
		if built.programs == nil {
			built.programs = map[string]func() (string, error){}
		}
		built.programs[of] = build
	}
	built.Unlock()
	path, err := build()
	if err != nil {
		t.Fatalf("building %s: %v", of, err)
	}
	return path
}

// compile builds a program into the folder of this process.
func compile(of string) (string, error) {
	built.Lock()
	if built.dir == "" {
		dir, err := os.MkdirTemp("", "hotcell-built-")
		if err == nil {
			err = os.Chmod(dir, 0o755)
		}
		if err != nil {
			built.Unlock()
			return "", err
		}
		built.dir = dir
	}
	to := filepath.Join(built.dir, path.Base(of))
	built.Unlock()
	cmd := exec.Command("go", "build", "-o", to, of) // tests run in folders of the module
	if of == product {
		root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
		if err != nil {
			return "", fmt.Errorf("looking for the module: %w", err)
		}
		cmd = exec.Command(filepath.Join(strings.TrimSpace(string(root)), "scripts", "build.sh"), to)
	}
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return to, nil
}

// Main runs the tests of a package that uses this one, and removes what was
// built for them.
func Main(m *testing.M) int {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	return code
}

// Start starts a server with a configuration in YAML, and stops it when the
// test ends.
func Start(t testing.TB, config string) *Server {
	t.Helper()
	return StartWith(t, config)
}

// StartWith is Start with more flags of serve.
func StartWith(t testing.TB, config string, flags ...string) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "hotcell-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return startIn(t, config, dir, flags)
}

// Flags gives the next start of the server other flags.
func (s *Server) Flags(flags ...string) { s.flags = flags }

// StartIn is Start in a folder that the caller made.
func StartIn(t testing.TB, config, dir string) *Server {
	t.Helper()
	return startIn(t, config, dir, nil)
}

func startIn(t testing.TB, config, dir string, flags []string) *Server {
	t.Helper()
	s := &Server{t: t, flags: flags, Data: filepath.Join(dir, "data"), home: dir, config: filepath.Join(dir, "hotcell.yaml"), log: filepath.Join(dir, "serve.log")}
	if err := os.WriteFile(s.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	s.Restart()
	return s
}

// Restart starts the server again on its folder.
func (s *Server) Restart() {
	s.t.Helper()
	if text := s.serve(); text != "" {
		s.t.Fatalf("the server does not start:\n%s", text)
	}
}

// serve starts the server and waits until it is ready; else it returns what
// the server said.
func (s *Server) serve() string {
	s.t.Helper()
	log, err := os.Create(s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	s.cmd = exec.Command(Binary(s.t), append([]string{"serve", "--data", s.Data, "--config", s.config, "--listen", "127.0.0.1:0"}, s.flags...)...)
	s.cmd.Env = s.environment()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) { _ = cmd.Wait(); close(ended) }(s.cmd, s.ended)
	s.Client = client.New(client.Options{Socket: filepath.Join(s.Data, "hotcell.sock")})
	for hangs := time.After(patience); ; {
		if strings.Contains(s.Log(), "\nready ") {
			return ""
		}
		select {
		case <-s.ended:
			return s.Log()
		case <-hangs:
			s.dump()
			s.t.Fatalf("the server is not ready, and does not end:\n%s", s.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// dump ends the server, with the stacks of all that it does in its log.
func (s *Server) dump() {
	_ = s.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-s.ended:
	case <-time.After(10 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}

// Refused starts the server where it must refuse, and returns its words and
// its exit code.
func (s *Server) Refused() (string, int) {
	s.t.Helper()
	text := s.serve()
	if text == "" {
		s.t.Fatal("the server started")
	}
	return text, s.cmd.ProcessState.ExitCode()
}

// Log is what the server said since it was started.
func (s *Server) Log() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// Stop ends the server as a person would.
func (s *Server) Stop() { s.signal(syscall.SIGTERM) }

// Kill ends the server as a power cut would, as far as a process can tell.
func (s *Server) Kill() { s.signal(syscall.SIGKILL) }

func (s *Server) signal(sig syscall.Signal) {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Signal(sig)
	select {
	case <-s.ended:
	case <-time.After(patience):
		s.dump()
		s.t.Errorf("the server does not end:\n%s", s.Log())
	}
}

// PID is the server's process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

func (s *Server) environment() []string {
	return []string{"HOME=" + s.home, "HOTCELL_DATA=" + s.Data, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}
}

// Command is the program with arguments, for this server.
func (s *Server) Command(args ...string) *exec.Cmd {
	return s.command(context.Background(), args...)
}

func (s *Server) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, Binary(s.t), args...)
	cmd.Env = s.environment()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// Run runs a command line.
func (s *Server) Run(args ...string) Result { return s.RunWith("", args...) }

// RunWith runs a command line with a standard input.
func (s *Server) RunWith(in string, args ...string) Result {
	s.t.Helper()
	return s.run(s.environment(), in, args)
}

func (s *Server) run(environment []string, in string, args []string) Result {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var out, words bytes.Buffer
	cmd := s.command(ctx, args...)
	cmd.Env = environment
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &out, &words
	err := cmd.Run()
	if ctx.Err() != nil {
		s.t.Fatalf("hotcell %s does not end:\n%s%s\nand the server says\n%s", strings.Join(args, " "), &out, &words, s.Log())
	}
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		s.t.Fatal(err)
	}
	return Result{out.String(), words.String(), cmd.ProcessState.ExitCode()}
}

// OK runs a command line that must succeed, and returns its output without the
// last line end.
func (s *Server) OK(args ...string) string {
	s.t.Helper()
	r := s.Run(args...)
	if r.Code != 0 {
		s.t.Fatalf("hotcell %s: exit code %d\n%s%s", strings.Join(args, " "), r.Code, r.Out, r.Err)
	}
	return strings.TrimSuffix(r.Out, "\n")
}

// URL is that of the server's open port.
func (s *Server) URL() string {
	s.t.Helper()
	_, rest, _ := strings.Cut(s.Log(), "\nready on ")
	url, _, _ := strings.Cut(rest, " ")
	return url
}

// Address is where the server's open port is.
func (s *Server) Address() string {
	s.t.Helper()
	_, address, _ := strings.Cut(s.URL(), "://")
	if address == "" {
		s.t.Fatal("the server did not say where it is")
	}
	return address
}

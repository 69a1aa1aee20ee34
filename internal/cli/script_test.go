package cli_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/internal/cli"
	"hotcell/internal/control/api/apitest"
)

// TestMain makes the commands a program that scripts can run.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hotcell": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		serve := &cobra.Command{Use: "serve", Short: "Run the server", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return nil }}
		terminal := cli.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Version: "1.2.3"}
		os.Exit(cli.Run(ctx, terminal, os.Args[1:], serve))
	}})
}

// world is the workspace behind a script's commands.
type world struct{}

// TestScripts runs the transcripts in testdata/script, each on a workspace in
// memory behind the real API.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			inner, ok := env.T().(testing.TB)
			if !ok {
				return errors.New("this is no test")
			}
			w := apitest.New(inner)
			env.Values[world{}] = w
			env.Setenv("OTHER", apitest.New(inner).Serve(inner))
			home := filepath.Join(env.WorkDir, "home")
			env.Setenv("HOME", home)
			env.Setenv("HOTCELL_DATA", filepath.Dir(w.Serve(inner)))
			env.Setenv("TZ", "UTC")
			url, authority := w.ServeTLS(inner, "hcs_session-of-ada", "hc_pat_a-token-of-ada")
			env.Setenv("URL", url)
			if err := os.WriteFile(filepath.Join(env.WorkDir, "ca.pem"), authority, 0o600); err != nil {
				return err
			}
			return os.Mkdir(home, 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "fail": fail, "value": value, "break": breakChain, "interrupt": interrupt, "connect": connect, "clientsecret": clientsecret, "another": another, "archive": archive, "unlogged": unlogged, "unanswered": unanswered,
		},
	})
}

func worldOf(ts *testscript.TestScript) *apitest.World {
	w, ok := ts.Value(world{}).(*apitest.World)
	if !ok {
		ts.Fatalf("there is no world")
	}
	return w
}

// exits CODE PROGRAM ARGS… runs a program that must exit so.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	code := 0
	err := ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// fail SENTINEL makes the vault answer so; without one, it works again.
func fail(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) == 0 {
		worldOf(ts).Fail(nil)
		return
	}
	worldOf(ts).Fail(map[string]error{
		"not_found": hotcell.ErrNotFound, "denied": hotcell.ErrDenied, "conflict": hotcell.ErrConflict, "stale": &hotcell.StaleError{Current: 4}, "invalid": hotcell.Invalid("/name", "a rule"),
		"unavailable": hotcell.ErrUnavailable, "needs_reconnect": hotcell.ErrNeedsReconnect, "rate_limited": hotcell.ErrRateLimited, "tampered": hotcell.ErrTampered, "internal": errors.New("a cause"),
	}[args[0]])
}

// value SECRET VARIABLE TEXT compares with what the vault has; TEXT is quoted as in Go.
func value(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Unquote(`"` + args[2] + `"`)
	if got := worldOf(ts).Value(args[0], args[1]); err != nil || (got == want) == neg {
		ts.Fatalf("%s of %s is %q, %v", args[1], args[0], got, err)
	}
}

// break N breaks the audit log's chain at an event.
func breakChain(ts *testscript.TestScript, _ bool, args []string) {
	n, _ := strconv.ParseInt(args[0], 10, 64)
	worldOf(ts).Break(n)
}

// another puts another server in the place of this one.
func another(ts *testscript.TestScript, _ bool, _ []string) {
	socket := filepath.Join(ts.Getenv("HOTCELL_DATA"), "hotcell.sock")
	ts.Check(os.Remove(socket))
	ts.Check(os.Symlink(ts.Getenv("OTHER"), socket))
}

// archive PATTERN… looks for texts in the archive of the newest assignment's files.
func archive(ts *testscript.TestScript, neg bool, args []string) {
	content := string(worldOf(ts).Archive(strings.TrimSpace(ts.ReadFile("digest"))))
	for _, text := range args {
		if strings.Contains(content, text) == neg {
			ts.Fatalf("%q in an archive of %d bytes: %t", text, len(content), !neg)
		}
	}
}

// unlogged TEXT… fails where the server's log or what it remembers has a text.
func unlogged(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	for _, text := range args {
		if strings.Contains(w.Logged.String()+w.Remembered(), text) {
			ts.Fatalf("the server keeps %q", text)
		}
	}
}

// connect ARGS… runs a command that waits for a link, and is the person who opens
// it and says yes.
func connect(ts *testscript.TestScript, _ bool, args []string) {
	program, err := exec.LookPath("hotcell")
	ts.Check(err)
	cmd := exec.Command(program, args...)
	cmd.Env = []string{"HOME=" + ts.Getenv("HOME"), "HOTCELL_DATA=" + ts.Getenv("HOTCELL_DATA"), "PATH=" + ts.Getenv("PATH")}
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	worldOf(ts).Consent()
	ts.Check(cmd.Run())
}

// clientsecret CONNECTOR TEXT compares with what the vault has.
func clientsecret(ts *testscript.TestScript, neg bool, args []string) {
	if got := worldOf(ts).ClientSecret(args[0]); (got == args[1]) == neg {
		ts.Fatalf("the secret of %s is %q", args[0], got)
	}
}

// interrupt CODE TIMES ARGS… runs a command that starts a job, interrupts it
// once the job runs, as often as it says, and compares the exit code.
func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	program, err := exec.LookPath("hotcell")
	ts.Check(err)
	cmd := exec.Command(program, args[2:]...)
	cmd.Env = []string{"HOME=" + ts.Getenv("HOME"), "HOTCELL_DATA=" + ts.Getenv("HOTCELL_DATA"), "PATH=" + ts.Getenv("PATH")}
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	ts.Check(cmd.Start())
	w.Await(func(j hotcell.Job) bool { return j.State == hotcell.JobRunning })
	ts.Check(cmd.Process.Signal(os.Interrupt))
	if args[1] == "twice" {
		w.Await(func(j hotcell.Job) bool { return j.Cancelling })
		ts.Check(cmd.Process.Signal(os.Interrupt))
	}
	_ = cmd.Wait()
	if code := fmt.Sprint(cmd.ProcessState.ExitCode()); code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

// unanswered has the next test of a connection find nobody.
func unanswered(ts *testscript.TestScript, _ bool, _ []string) { worldOf(ts).Unanswered() }

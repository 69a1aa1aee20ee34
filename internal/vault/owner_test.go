package vault_test

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/line/socketpair"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/vault"
)

// TestMain lets the test's own binary be somebody else at the owner's socket.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "come-in" {
		os.Exit(comeIn(os.Args[2]))
	}
	os.Exit(m.Run())
}

// comeIn exits with 0 where the socket lets it in, with 3 where it hangs up.
func comeIn(socket string) int {
	c, err := net.Dial("unix", socket)
	if err != nil {
		return 2
	}
	defer func() { _ = c.Close() }()
	if said, _ := io.ReadAll(c); string(said) == "come in" {
		return 0
	}
	return 3
}

// entrance is the owner's socket of a scene, and the line on which the vault hands over.
type entrance struct {
	path string
	to   *socketpair.Listener
}

func (s *scene) entrance(dir string) entrance {
	s.t.Helper()
	path := filepath.Join(dir, "hotcell.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	must(s.t, err)
	dial, listen, err := socketpair.Pair()
	must(s.t, err)
	to, err := socketpair.NewDialer(dial)
	must(s.t, err)
	from, err := socketpair.NewListener(listen)
	must(s.t, errors.Join(err, dial.Close(), listen.Close()))
	ended := make(chan error, 1)
	go func() { ended <- s.owners.Let(s.t.Context(), l, to, slog.New(slog.DiscardHandler)) }()
	s.t.Cleanup(func() { must(s.t, errors.Join(<-ended, from.Close(), to.Close())) })
	return entrance{path, from}
}

func TestWhoComesByTheOwnersSocketIsTheOwner(t *testing.T) {
	t.Parallel()
	s := setup(t)
	at := s.entrance(t.TempDir())
	in, err := net.Dial("unix", at.path)
	must(t, err)
	_, err = io.WriteString(in, "a request")
	must(t, err)
	handed, word, err := at.to.Receive()
	must(t, err)
	said := make([]byte, 9)
	_, err = io.ReadFull(handed, said)
	if must(t, err); string(said) != "a request" {
		t.Errorf("of what was sent, %q came over", said)
	}
	claimed := hotcell.Principal{Member: "mem_other", Via: "a lie", Request: "req_1", Bearer: hotcell.Bearer(word)}
	got, err := s.control.Who(t.Context(), claimed)
	must(t, err)
	if want := (hotcell.Principal{Workspace: s.me.Workspace, Member: s.me.Member, Via: "local", Request: "req_1", Bearer: hotcell.Bearer(word)}); got != want {
		t.Errorf("it is %+v, want %+v", got, want)
	}
	claimed.Workspace = "wsp_other"
	_, err = s.control.Who(t.Context(), claimed)
	refused(t, "in another workspace", err, hotcell.ErrNotFound, "no such workspace")
	claimed.Workspace = ""
	must(t, s.control.Part(t.Context(), hotcell.Bearer(word)))
	_, err = s.control.Who(t.Context(), claimed)
	refused(t, "after its connection's end", err, hotcell.ErrSignIn, "nobody is signed in")
	must(t, errors.Join(in.Close(), handed.Close()))
}

func TestWhoHasNoBearerIsNobody(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for what, bearer := range map[string]hotcell.Bearer{"none": "", "made up": "hcl_ABC", "another's form": "Bearer " + s.me.Bearer, "cut": s.me.Bearer[:len(s.me.Bearer)-1], "longer": s.me.Bearer + "A"} {
		p := s.me
		p.Bearer = bearer
		_, err := s.control.Workspace(t.Context(), &vaultrpc.WorkspaceRequest{By: vaultrpc.As(p)})
		refused(t, what, err, hotcell.ErrSignIn, "nobody is signed in")
		_, err = s.control.CreateSecret(t.Context(), &vaultrpc.CreateSecretRequest{By: vaultrpc.As(p), Name: "x", Variables: s.sealed("x", "A", "b")})
		refused(t, what, err, hotcell.ErrSignIn, "nobody is signed in")
	}
}

func TestABearerEndsWhenItIsQuiet(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := setupWith(t, nil)
	owners := vault.NewOwners(os.Geteuid(), func() time.Time { return now })
	s.stop()
	s.owners = owners
	s.start()
	p := s.daemon.Owner()
	for _, step := range []struct {
		after time.Duration
		in    bool
	}{{0, true}, {59 * time.Minute, true}, {59 * time.Minute, true}, {61 * time.Minute, false}, {0, false}} {
		now = now.Add(step.after)
		if _, err := s.control.Who(t.Context(), p); (err == nil) != step.in {
			t.Errorf("after %v more: %v", step.after, err)
		}
	}
}

func TestOnlyTheOwnerAndRootComeIn(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("to be somebody else needs root")
	}
	dir, err := os.MkdirTemp("", "hotcell-owner-") // others must get to it
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program := filepath.Join(dir, "program")
	if out, err := exec.Command("cp", os.Args[0], program).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s := setupWith(t, nil)
	s.owners = vault.NewOwners(4711, time.Now)
	at := s.entrance(dir)
	go func() {
		for {
			c, _, err := at.to.Receive()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "come in")
			_ = c.Close()
		}
	}()
	// Even where somebody opened up folder and socket.
	must(t, errors.Join(os.Chmod(dir, 0o755), os.Chmod(at.path, 0o777)))
	for _, who := range []struct {
		uid  uint32
		code int
	}{{65534, 3}, {1, 3}, {4712, 3}, {4711, 0}, {0, 0}} {
		cmd := exec.Command(program, "come-in", at.path)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: who.uid, Gid: 0}}
		if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != who.code {
			t.Errorf("uid %d: %v, want %d", who.uid, err, who.code)
		}
	}
}

package hotcelltest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Desk is a machine of somebody's own, from which they reach a server by its URL alone: it
// has a home, and nothing of the server's.
type Desk struct {
	t      testing.TB
	server *Server
	home   string
	// Variables are set besides, as NAME=value.
	Variables []string
}

// Desk is a new machine.
func (s *Server) Desk(t testing.TB) *Desk {
	t.Helper()
	return &Desk{t: t, server: s, home: t.TempDir()}
}

// File puts a text into a file of the machine, for its owner alone, and returns its path.
func (d *Desk) File(name, text string) string {
	d.t.Helper()
	path := filepath.Join(d.home, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
	return path
}

// Run runs a command line there.
func (d *Desk) Run(args ...string) Result {
	d.t.Helper()
	environment := append([]string{"HOME=" + d.home, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}, d.Variables...)
	return d.server.run(environment, "", args)
}

// OK runs a command line that must succeed, and returns its output without the last line
// end.
func (d *Desk) OK(args ...string) string {
	d.t.Helper()
	r := d.Run(args...)
	if r.Code != 0 {
		d.t.Fatalf("hotcell %s: exit code %d\n%s%s", strings.Join(args, " "), r.Code, r.Out, r.Err)
	}
	return strings.TrimSuffix(r.Out, "\n")
}

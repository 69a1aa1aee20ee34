// Package cell is a confined process, and what runs first inside it.
//
// A cell is a job's own user, process, mount, network, IPC and host-name
// namespaces: read-only /usr, a made /etc, temporary folders of bounded size,
// no network but loopback, and one inherited line to its gateway. Its init
// ([InitMain]) is process 1 inside: it makes a key, asks once for the lease,
// opens it, answers names, hands connections over, guards the output. The
// command runs in a nested user namespace without any capability, behind
// Landlock and a filter of system calls ([ExecMain]).
//
// It guards the host from the job and the job's values from other jobs. It
// does not decide what may be reached or used: the gateway and the vault do.
// It does not protect from a hole in the kernel. One way to use it:
//
//	driver := cell.NewBubblewrap(cell.Options{Binary: self, Bundle: "/etc/ssl/certs/ca-certificates.crt"})
//	process, err := driver.Start(ctx, cell.Config{Gateway: line, Limits: limits})
//	err = process.Wait()
package cell

import (
	"context"
	"io"
	"os"
)

// The hidden commands under which the binary finds itself inside a cell.
const (
	InitCommand = "cell-init"
	ExecCommand = "cell-exec"
	// BrowserCommand is the init of a browser's cell; package browser does it.
	BrowserCommand = "browser-init"
)

// Driver makes cells.
type Driver interface {
	// Check tells what the machine has and lacks for cells, by making one.
	Check(ctx context.Context) []Precondition
	// Start makes a cell and starts its init. It fails where the machine cannot
	// confine: there is no weaker cell.
	Start(ctx context.Context, c Config) (*Process, error)
}

// Precondition is one thing that a machine has or lacks.
type Precondition struct {
	Name string
	Met  bool
	// Needed is true where jobs cannot run without it.
	Needed bool
	// Detail says what was found, or how to get it.
	Detail string
}

// Mount is a folder of the machine, and where a cell sees it.
type Mount struct{ Source, Target string }

// Config is one cell.
type Config struct {
	// Gateway is the dialling end of the line to the cell's gateway.
	Gateway *os.File
	// Calls is the listening end of the line on which the gateway asks a browser's
	// cell; nil for a job's cell, which nobody asks.
	Calls *os.File
	// Disk bounds /job and /tmp each, in bytes.
	Disk int64
	// Cache bounds the folder of what jobs keep for each other, in bytes; 0 for none.
	Cache int64
	// Root is the folder of an image, as package image makes them, that the cell has in
	// the place of the machine's /usr and /etc, to read; empty for the machine's.
	Root string
	// Mounts are folders of the machine that the cell sees besides, to read.
	Mounts []Mount
	// Cgroup bounds all processes of the cell together; nil where there is none.
	Cgroup *Cgroup
	// User is the uid, as this process sees it, under which the cell runs; 0 is
	// this process's own, but for the machine's root: then it is nobody's, 65534.
	User int
	// Stderr takes what goes wrong before the init can speak.
	Stderr io.Writer
}

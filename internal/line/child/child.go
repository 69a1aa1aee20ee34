// Package child starts the house's other processes and keeps them running: the
// vault and the worker, each with a closed environment, inherited lines and,
// where the server runs as root, a host uid of its own.
//
// It guards what a child gets: no environment but what is named here, no
// descriptor but its lines, death with its parent. It does not confine jobs:
// that is package cell. One way to use it:
//
//	c := child.Start(ctx, child.Spec{Name: "vault", Arguments: …, Lines: …})
//	defer c.Stop()
package child

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/line/border"
)

// Spec says what to start.
type Spec struct {
	Name string
	// Program is the executable, open; where it is nil, Binary is its path. Arguments
	// follow it. No value is ever among them.
	Program   *os.File
	Binary    string
	Arguments []string
	// Lines are inherited as descriptors 3, 4, … in this order, and other files after
	// them. The parent keeps its own copies, so that a successor gets the same lines.
	Lines []*os.File
	// Attr is how the process is made: credentials, namespaces. May be nil.
	Attr *syscall.SysProcAttr
	// Env are settings of the child's runtime, and no value; it has nothing else of
	// ours but its language.
	Env []string
	// Stderr takes the child's own words.
	Stderr io.Writer
	// Grace is how long the child has to end by itself; 0 is 5 s.
	Grace time.Duration
	Log   *slog.Logger
}

// Child is a process that is started again when it dies.
type Child struct {
	spec   Spec
	cancel context.CancelFunc
	done   chan struct{}
	failed chan error

	mu  sync.Mutex
	pid int
}

// ExitHopeless is the exit code of a process that cannot run on this machine or
// with this data: it is not started again. (sysexits.h: EX_CONFIG)
const ExitHopeless = 78

// The pauses between a death and the next start.
const (
	firstPause = 50 * time.Millisecond
	longPause  = 5 * time.Second
	// calm is how long a child lives before its next death counts as a first.
	calm  = 10 * time.Second
	grace = 5 * time.Second
)

// Start starts the process. It fails where the first start fails; later deaths
// are logged, and it is started again.
func Start(ctx context.Context, spec Spec) (*Child, error) {
	spec.Grace = cmp.Or(spec.Grace, grace)
	ctx, cancel := context.WithCancel(ctx)
	c := &Child{spec: spec, cancel: cancel, done: make(chan struct{}), failed: make(chan error, 1)}
	cmd, leash, err := c.launch()
	if err != nil {
		cancel()
		return nil, fmt.Errorf("starting the %s: %w", spec.Name, err)
	}
	border.Go("keeping the "+spec.Name, border.Log(spec.Log), func() { c.keep(ctx, cmd, leash) })
	return c, nil
}

// PID is the process that runs now.
func (c *Child) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pid
}

// Failed tells when the process gave up for good; it has said why on its
// standard error.
func (c *Child) Failed() <-chan error { return c.failed }

// Stop ends the process and waits for it.
func (c *Child) Stop() {
	c.cancel()
	<-c.done
}

// launch starts the process once. The leash is its standard input: a child
// ends when that is closed, by this process's will or by its death.
func (c *Child) launch() (*exec.Cmd, io.Closer, error) {
	path, files := c.spec.Binary, c.spec.Lines
	if c.spec.Program != nil {
		path, files = Inherited(len(files)), append(slices.Clone(files), c.spec.Program)
	}
	cmd := exec.Command(path, c.spec.Arguments...)
	cmd.Env = append([]string{"LANG=C.UTF-8"}, c.spec.Env...)
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = c.spec.Stderr, c.spec.Stderr
	cmd.ExtraFiles = files
	cmd.SysProcAttr = c.spec.Attr
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	// An interrupt at the terminal is for the parent, which ends its children in order.
	cmd.SysProcAttr.Setpgid = true
	// What whoever started this process left open is not for the child.
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return nil, nil, fmt.Errorf("keeping descriptors back: %w", err)
	}
	leash, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, errors.Join(err, leash.Close())
	}
	c.mu.Lock()
	c.pid = cmd.Process.Pid
	c.mu.Unlock()
	return cmd, leash, nil
}

// keep starts the process again whenever it dies, until ctx ends.
func (c *Child) keep(ctx context.Context, cmd *exec.Cmd, leash io.Closer) {
	defer close(c.done)
	pause := firstPause
	for {
		born := time.Now()
		err := c.attend(ctx, cmd, leash)
		if ctx.Err() != nil {
			return
		}
		if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == ExitHopeless {
			c.failed <- fmt.Errorf("the %s cannot run", c.spec.Name)
			return
		}
		if time.Since(born) > calm {
			pause = firstPause
		}
		c.spec.Log.Error("a part of the server died and is started again", "part", c.spec.Name, "error", err, "pause", pause)
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			pause = min(2*pause, longPause)
			if cmd, leash, err = c.launch(); err == nil {
				break
			}
			c.spec.Log.Error("a part of the server does not start", "part", c.spec.Name, "error", err)
		}
	}
}

// attend waits for the process's end; when ctx ends first, it lets go of the
// leash, and kills what does not end by that.
func (c *Child) attend(ctx context.Context, cmd *exec.Cmd, leash io.Closer) error {
	ended := make(chan error, 1)
	border.Send(ended, "the end of the "+c.spec.Name, cmd.Wait)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	_ = leash.Close()
	select {
	case err := <-ended:
		return err
	case <-time.After(c.spec.Grace):
		_ = cmd.Process.Kill()
		return <-ended
	}
}

package cell

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/line/border"
)

// Process is a cell that runs.
type Process struct {
	cmd *exec.Cmd
	// init is a descriptor of the cell's process 1, or -1; set when known is closed.
	init  int
	known chan struct{}
	err   error
	done  chan struct{}
}

// outputDelay is how long is waited for the end of a cell's own words when the
// cell is gone.
const outputDelay = time.Second

// attend follows a cell that starts, and ends it with ctx.
func attend(ctx context.Context, cmd *exec.Cmd, info *os.File) *Process {
	p := &Process{cmd: cmd, init: -1, known: make(chan struct{}), done: make(chan struct{})}
	border.Go("the first process of a cell", border.Silent, func() { p.learn(info) })
	stop := border.WithEnd(ctx, "the end of a cell", border.Silent, p.Kill)
	border.Go("the end of a cell", border.Silent, func() {
		defer close(p.done)
		p.err = cmd.Wait()
		stop()
		<-p.known
		if p.init >= 0 {
			// Where bwrap was killed by others, its cell may just be ending.
			awaitEnd(p.init)
			_ = unix.Close(p.init)
		}
	})
	return p
}

// learn reads which process bwrap made the cell's process 1. Its pid cannot be
// another's meanwhile: bwrap does not reap it before it has told.
func (p *Process) learn(info *os.File) {
	defer close(p.known)
	defer func() { _ = info.Close() }()
	var about struct {
		PID int `json:"child-pid"`
	}
	if json.NewDecoder(info).Decode(&about) == nil && about.PID > 0 {
		if fd, err := unix.PidfdOpen(about.PID, 0); err == nil {
			p.init = fd
		}
	}
}

// awaitEnd waits until a process is gone.
func awaitEnd(pidfd int) {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, -1)
		if err != unix.EINTR || n > 0 {
			return
		}
	}
}

// Wait waits until nothing of the cell is left. It fails where the init did.
func (p *Process) Wait() error {
	<-p.done
	return p.err
}

// PID is bwrap's process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Kill ends every process of the cell. It returns before they are gone; [Wait]
// does not. Process 1 is killed and not bwrap: bwrap then ends when the last of
// them has.
func (p *Process) Kill() {
	select {
	case <-p.known:
	case <-p.done:
		return
	}
	select {
	case <-p.done:
		return
	default:
	}
	if p.init < 0 || unix.PidfdSendSignal(p.init, unix.SIGKILL, nil, 0) != nil {
		_ = p.cmd.Process.Kill()
	}
}

package parser

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/line/border"
)

// What a process has: its life from when it has its line, and how many have one at once.
const (
	life   = 20 * time.Second
	atOnce = 4
)

// Host has a process for each line that comes in. The first one is waited for; from then
// on one more is ready.
type Host struct {
	// Binary is the program, and Arguments have it call [Main].
	Binary    string
	Arguments []string
	// Life is how long one process has; 0 for 20 s.
	Life time.Duration
	Log  *slog.Logger

	ready chan *reader
}

// reader is a process that waits for its line, or has it. Lines are given to it over a
// socket of ours.
type reader struct {
	cmd   *exec.Cmd
	give  *os.File
	ended chan error
}

// Serve takes lines until the listener ends.
func (h *Host) Serve(ctx context.Context, l net.Listener) error {
	h.ready = make(chan *reader, 1)
	defer h.dismiss()
	places := make(chan struct{}, atOnce)
	for {
		places <- struct{}{}
		line, err := l.Accept()
		if err != nil {
			return err
		}
		border.Go("a reader of texts", border.Log(h.Log), func() {
			defer func() { <-places }()
			h.read(ctx, line)
		})
	}
}

// dismiss ends the process that waits. One that comes later finds its socket closed when
// this process ends, and ends too.
func (h *Host) dismiss() {
	select {
	case r := <-h.ready:
		_ = r.end()
	default:
	}
}

// read has one process answer one line, and another be ready then: whoever waits for the
// first has the processor meanwhile.
func (h *Host) read(ctx context.Context, line net.Conn) {
	defer func() { _ = line.Close() }()
	with, ok := line.(interface{ File() (*os.File, error) })
	if !ok {
		return
	}
	file, err := with.File()
	if err != nil {
		return
	}
	_ = line.Close()
	if h.answer(ctx, file) {
		h.prepare()
	}
}

// answer has one process answer one line, which it closes; false where none was there.
func (h *Host) answer(ctx context.Context, file *os.File) bool {
	defer func() { _ = file.Close() }()
	r, err := h.next()
	if err == nil {
		err = r.take(file)
	}
	if err != nil {
		h.Log.Error("starting a reader of texts", "error", err)
		return false
	}
	h.await(ctx, r, file)
	return true
}

// look is how often it is looked whether somebody still waits for an answer.
const look = 50 * time.Millisecond

// await waits for the end of a process: its own, or that of its time, or of its line at
// the other end, where nobody wants to know any more.
func (h *Host) await(ctx context.Context, r *reader, line *os.File) {
	most := h.Life
	if most == 0 {
		most = life
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	tick := time.NewTicker(look)
	defer tick.Stop()
	var err error
	for waits := true; waits; {
		select {
		case err = <-r.ended:
			waits = false
		case <-ctx.Done():
			err, waits = r.end(), false
		case <-tick.C:
			if left(line) {
				_ = r.end()
				return
			}
		}
	}
	switch {
	case r.cmd.ProcessState != nil && r.cmd.ProcessState.ExitCode() == exitOpen:
		h.Log.Error("a reader of texts cannot be confined on this machine, and reads nothing")
	case err != nil:
		h.Log.Warn("a reader of texts ended over one", "error", err)
	}
}

// left says whether nobody is at the other end of a line any more.
func left(line *os.File) bool {
	at := []unix.PollFd{{Fd: int32(line.Fd())}}
	n, err := unix.Poll(at, 0)
	return err == nil && n > 0 && at[0].Revents&unix.POLLHUP != 0
}

// next is the process that waits, else a new one. One that has ended meanwhile is none.
func (h *Host) next() (*reader, error) {
	select {
	case r := <-h.ready:
		select {
		case err := <-r.ended:
			h.Log.Warn("a reader of texts ended before it had one", "error", err)
			_ = r.give.Close()
		default:
			return r, nil
		}
	default:
	}
	return h.start()
}

// prepare starts a process that waits, where there is none.
func (h *Host) prepare() {
	if len(h.ready) > 0 {
		return
	}
	r, err := h.start()
	if err != nil {
		h.Log.Error("starting a reader of texts", "error", err)
		return
	}
	select {
	case h.ready <- r:
	default:
		_ = r.end()
	}
}

// start starts a process.
func (h *Host) start() (*reader, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("making its socket: %w", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "theirs")
	defer func() { _ = theirs.Close() }()
	r := &reader{give: os.NewFile(uintptr(fds[0]), "give"), ended: make(chan error, 1)}
	r.cmd = exec.Command(h.Binary, h.Arguments...)
	r.cmd.Env = []string{"LANG=C.UTF-8", "GOTRACEBACK=none"}
	r.cmd.Dir = "/"
	r.cmd.Stdin = theirs // and nowhere to write to: what is printed at an end may quote the text
	if err := r.cmd.Start(); err != nil {
		_ = r.give.Close()
		return nil, err
	}
	border.Go("the end of a reader of texts", border.Log(h.Log), func() { r.ended <- r.cmd.Wait(); close(r.ended) })
	return r, nil
}

// take gives the process its line. No other comes.
func (r *reader) take(line *os.File) error {
	defer func() { _ = r.give.Close() }()
	if err := unix.Sendmsg(int(r.give.Fd()), []byte{0}, unix.UnixRights(int(line.Fd())), nil, unix.MSG_NOSIGNAL); err != nil {
		_ = r.end()
		return fmt.Errorf("giving it a line: %w", err)
	}
	return nil
}

// end ends the process.
func (r *reader) end() error {
	_ = r.give.Close()
	_ = r.cmd.Process.Kill()
	return <-r.ended
}

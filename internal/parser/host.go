package parser

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"time"

	"hotcell/internal/border"
)

// What a process has: its life, and how many there are at once.
const (
	life   = 20 * time.Second
	atOnce = 4
)

// Host starts a process for each line that comes in.
type Host struct {
	// Binary is the program, and Arguments have it call [Main].
	Binary    string
	Arguments []string
	// Life is how long one process has; 0 for 20 s.
	Life time.Duration
	Log  *slog.Logger
}

// Serve takes lines until the listener ends.
func (h *Host) Serve(ctx context.Context, l net.Listener) error {
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

// read has one process answer one line.
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
	_ = line.Close() // the process has it now, and its end is the line's
	most := h.Life
	if most == 0 {
		most = life
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	cmd := exec.CommandContext(ctx, h.Binary, h.Arguments...)
	cmd.Env = []string{"LANG=C.UTF-8", "GOTRACEBACK=none"}
	cmd.Dir = "/"
	cmd.Stdin = file // and nowhere to write to: what is printed at an end may quote the text
	err = cmd.Start()
	_ = file.Close()
	if err != nil {
		h.Log.Error("starting a reader of texts", "error", err)
		return
	}
	switch err := cmd.Wait(); {
	case cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == exitOpen:
		h.Log.Error("a reader of texts cannot be confined on this machine, and reads nothing")
	case err != nil:
		h.Log.Warn("a reader of texts ended over one", "error", err)
	}
}

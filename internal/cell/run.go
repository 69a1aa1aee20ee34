package cell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/value/sensitive"
)

// stage is the process that confines itself and becomes the command, seen from
// the init.
type stage struct {
	pid     int
	orders  *os.File
	failure *os.File
	// output is the command's stdout and stderr.
	output map[string]*os.File
	// devtools is a browser's pipe: to it, and from it.
	devtools [2]*os.File
}

// startStage starts it, in a user namespace of its own in which it is uid 1000
// and has power over nothing.
func startStage(of confinement) (*stage, error) {
	s := &stage{output: map[string]*os.File{}}
	var pipes [6][2]*os.File // orders, failure, stdout, stderr; a browser's commands and answers
	for n := range pipes {
		if n > 3 && of != browsers {
			break
		}
		var err error
		if pipes[n][0], pipes[n][1], err = os.Pipe(); err != nil {
			return nil, fmt.Errorf("preparing the command: %w", err)
		}
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, fmt.Errorf("preparing the command: %w", err)
	}
	theirs := []*os.File{null, pipes[2][1], pipes[3][1], pipes[0][0], pipes[1][1]}
	argv := []string{"hotcell", ExecCommand, string(of)}
	if of == browsers {
		theirs = append(theirs, pipes[4][0], pipes[5][1])
		s.devtools = [2]*os.File{pipes[4][1], pipes[5][0]}
	}
	fds := make([]uintptr, len(theirs))
	for n, f := range theirs {
		fds[n] = f.Fd()
	}
	s.pid, err = syscall.ForkExec("/proc/self/exe", argv, &syscall.ProcAttr{Dir: "/job", Env: []string{}, Files: fds, Sys: &syscall.SysProcAttr{
		Cloneflags:                 syscall.CLONE_NEWUSER,
		UidMappings:                []syscall.SysProcIDMap{{ContainerID: 1000, HostID: 0, Size: 1}},
		GidMappings:                []syscall.SysProcIDMap{{ContainerID: 1000, HostID: 0, Size: 1}},
		GidMappingsEnableSetgroups: false,
		Setsid:                     true,
		AmbientCaps:                []uintptr{unix.CAP_SETPCAP}, // until it empties the bounding set
	}})
	// Its ends are its alone, so that the streams end with the command.
	for _, f := range theirs {
		_ = f.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("preparing the command: %w", err)
	}
	s.orders, s.failure = pipes[0][1], pipes[1][0]
	s.output["stdout"], s.output["stderr"] = pipes[2][0], pipes[3][0]
	return s, nil
}

// run lets the command go, and stays until it and all that it left are gone.
func (i *initial) run(ctx context.Context) cellrpc.Exit {
	logs := i.startLogs(ctx)
	if err := i.gateway.post(ctx, cellrpc.PathStarted, struct{}{}, nil); err != nil {
		return unstarted(fmt.Errorf("telling that the command starts: %w", err))
	}
	if i.spec.Errands {
		running, stop := context.WithCancel(ctx)
		defer stop()
		border.Go("the errands of a cell", caught, func() { i.errands(running) })
	}
	failure := i.release()
	status := reap(i.stage.pid)
	// Whoever the command left behind would write for ever.
	_ = unix.Kill(-1, unix.SIGKILL)
	reap(-1)
	i.witness.look()
	full := fullFolders()
	redactions, err := logs.finish()
	switch {
	case failure != nil:
		return unstarted(failure)
	case err != nil:
		return unstarted(err)
	}
	exit := cellrpc.Exit{Code: code(status), Redactions: redactions, Full: full}
	more, err := i.sendOut(ctx)
	if exit.Redactions += more; err != nil {
		exit.Reason = err.Error()
	}
	if exit.Code == 0 {
		// The job did what it was to do, whether this is kept or not.
		more, err := i.sendCache(ctx)
		if exit.Redactions += more; err != nil {
			exit.Cache = err.Error()
		}
	}
	return exit
}

// release gives the stage its orders, and returns why it did not become the
// command. The bytes that held the values are wiped here.
func (i *initial) release() error {
	env := i.environment()
	defer func() {
		for _, variable := range env {
			sensitive.Wipe(variable)
		}
	}()
	return i.command(order{Argv: i.shell(), Env: env, Limits: i.spec.Limits, Input: i.input()})
}

// command tells the stage what to become.
func (i *initial) command(o order) error {
	b, err := json.Marshal(o)
	defer sensitive.Wipe(b)
	if err != nil {
		return fmt.Errorf("preparing the command: %w", err)
	}
	// Where the stage is gone already, it has said why.
	_, err = i.stage.orders.Write(b)
	err = errors.Join(err, i.stage.orders.Close())
	if text, _ := io.ReadAll(io.LimitReader(i.stage.failure, 2048)); len(text) > 0 {
		return fmt.Errorf("starting the command: %s", text)
	}
	if err != nil {
		return fmt.Errorf("starting the command: %w", err)
	}
	return nil
}

// reap waits for a process, or for all with -1, and for whatever else becomes
// this process's child meanwhile.
func reap(pid int) unix.WaitStatus {
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil, got == pid:
			return status
		}
	}
}

// code is an exit code as a shell gives it.
func code(status unix.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// folders are those of a cell in which its command can write, each with a size of its
// own; package cell makes them in [Bubblewrap.arguments].
var folders = []string{"/job", "/tmp", "/home/job", "/dev/shm"}

// fullFolders are those folders in which nothing more can be written. The kernel does
// not count how often that was tried.
func fullFolders() (full []string) {
	for _, folder := range folders {
		var now unix.Statfs_t
		if unix.Statfs(folder, &now) == nil && (now.Bavail == 0 || now.Files > 0 && now.Ffree == 0) {
			full = append(full, folder)
		}
	}
	return full
}

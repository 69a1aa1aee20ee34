package cell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"hotcell/internal/cellrpc"
	"hotcell/internal/sensitive"
)

// order is what the init tells the stage that becomes the command, by a pipe:
// the environment of that stage is not the command's.
type order struct {
	Argv   []string
	Env    []string
	Limits cellrpc.Limits
}

// run runs the command to its end, and everything that it left behind.
func (i *initial) run(ctx context.Context) cellrpc.Exit {
	cmd, orders, err := i.stage()
	if err != nil {
		return cellrpc.Exit{Code: -1, Reason: err.Error()}
	}
	out, err := i.outputs(ctx, cmd)
	if err != nil {
		return cellrpc.Exit{Code: -1, Reason: err.Error()}
	}
	if err := cmd.Start(); err != nil {
		return cellrpc.Exit{Code: -1, Reason: fmt.Sprintf("starting the command's stage: %v", err)}
	}
	out.started()
	if err := i.gateway.post(ctx, cellrpc.PathStarted, struct{}{}, nil); err != nil {
		return cellrpc.Exit{Code: -1, Reason: err.Error()}
	}
	if err := i.send(orders); err != nil {
		return cellrpc.Exit{Code: -1, Reason: err.Error()}
	}
	status := reap(cmd.Process.Pid)
	// What the command left running would write for ever; nobody waits for it.
	_ = unix.Kill(-1, unix.SIGKILL)
	exit := cellrpc.Exit{Code: code(status)}
	redactions, err := out.finish()
	if err != nil {
		return cellrpc.Exit{Code: -1, Reason: err.Error()}
	}
	exit.Redactions = redactions
	more, err := i.sendOut(ctx)
	if err != nil {
		exit.Reason = err.Error()
	}
	exit.Redactions += more
	return exit
}

// stage prepares the process that confines itself and becomes the command, in a
// user namespace of its own in which it is the uid 1000.
func (i *initial) stage() (*exec.Cmd, *os.File, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("preparing the command: %w", err)
	}
	cmd := exec.Command("/proc/self/exe", ExecCommand)
	cmd.Env, cmd.Dir = []string{}, "/job"
	cmd.ExtraFiles = []*os.File{read}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:                 syscall.CLONE_NEWUSER,
		UidMappings:                []syscall.SysProcIDMap{{ContainerID: 1000, HostID: 0, Size: 1}},
		GidMappings:                []syscall.SysProcIDMap{{ContainerID: 1000, HostID: 0, Size: 1}},
		GidMappingsEnableSetgroups: false,
		Setsid:                     true,
		// For the time until it empties the bounding set.
		AmbientCaps: []uintptr{unix.CAP_SETPCAP},
	}
	return cmd, write, nil
}

// send gives the stage its orders. The values in them are wiped here after.
func (i *initial) send(orders *os.File) error {
	b, err := json.Marshal(order{Argv: i.shell(), Env: i.environment(), Limits: i.spec.Limits})
	defer sensitive.Wipe(b)
	if err != nil {
		return fmt.Errorf("preparing the command: %w", err)
	}
	_, err = orders.Write(b)
	if err := errors.Join(err, orders.Close()); err != nil {
		return fmt.Errorf("preparing the command: %w", err)
	}
	return nil
}

// reap waits for the command, and for whatever else becomes this process's
// child meanwhile.
func reap(pid int) unix.WaitStatus {
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return status
		case got == pid:
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

// outputs are the command's two streams on their way to the log.
type outputs struct {
	childEnds []*os.File
	wait      sync.WaitGroup
	mu        sync.Mutex
	count     int
	err       error
}

// outputs connects the command's streams to the log, through the guard. When
// the log cannot be told any more, the cell ends: nobody would see what it does.
func (i *initial) outputs(ctx context.Context, cmd *exec.Cmd) (*outputs, error) {
	o := &outputs{}
	for _, stream := range []string{"stdout", "stderr"} {
		read, write, err := os.Pipe()
		if err != nil {
			return nil, fmt.Errorf("preparing the command's output: %w", err)
		}
		if stream == "stdout" {
			cmd.Stdout = write
		} else {
			cmd.Stderr = write
		}
		o.childEnds = append(o.childEnds, write)
		o.wait.Go(func() { o.note(i.stream(ctx, stream, read)) })
	}
	return o, nil
}

// started closes this side's copies, so that the streams end with the command.
func (o *outputs) started() {
	for _, f := range o.childEnds {
		_ = f.Close()
	}
}

func (o *outputs) note(redactions int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count += redactions
	o.err = errors.Join(o.err, err)
}

func (o *outputs) finish() (int, error) {
	o.wait.Wait()
	return o.count, o.err
}

// stream sends one stream, guarded, until it ends.
func (i *initial) stream(ctx context.Context, name string, from io.Reader) (int, error) {
	read, write := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		answer, err := i.gateway.do(ctx, http.MethodPost, cellrpc.PathLog+"?stream="+name, read)
		if err == nil {
			err = answer.Body.Close()
		}
		_ = read.CloseWithError(errLog)
		sent <- err
	}()
	w := i.guard.Writer(write)
	_, err := io.Copy(onlyWriter{w}, from)
	err = errors.Join(err, w.Close(), write.Close())
	if failed := <-sent; failed != nil || err != nil {
		_ = unix.Kill(-1, unix.SIGKILL)
		return 0, errors.Join(errLog, failed)
	}
	return w.Count(), nil
}

var errLog = errors.New("the job's log could not be told any more")

// onlyWriter keeps io.Copy from finding a faster way around the guard.
type onlyWriter struct{ io.Writer }

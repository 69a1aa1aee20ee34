package cell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"golang.org/x/sys/unix"

	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
)

// logs are the command's two streams on their way to the log.
type logs struct {
	wait  sync.WaitGroup
	mu    sync.Mutex
	count int
	err   error
}

// startLogs connects the command's streams to the log, through the guard. When
// the log cannot be told any more, the command ends: nobody would see what it does.
func (i *initial) startLogs(ctx context.Context) *logs {
	l := &logs{}
	for name, from := range i.stage.output {
		l.wait.Go(border.Func("a job's log", caught, func() {
			redactions, err := 0, errLog
			defer func() { l.note(redactions, err) }()
			redactions, err = i.stream(ctx, name, from)
		}))
	}
	return l
}

func (l *logs) note(redactions int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count += redactions
	l.err = errors.Join(l.err, err)
}

// finish waits for the ends of the streams and says what the guard took out.
func (l *logs) finish() (int, error) {
	l.wait.Wait()
	return l.count, l.err
}

var errLog = errors.New("the job's log could not be told any more")

// stream sends one stream, guarded, until it ends.
func (i *initial) stream(ctx context.Context, name string, from io.Reader) (int, error) {
	read, write := io.Pipe()
	sent := make(chan error, 1)
	border.Send(sent, "a job's log on its way", func() error {
		defer func() { _ = read.CloseWithError(errLog) }()
		answer, err := i.gateway.do(ctx, http.MethodPost, cellrpc.PathLog+"?stream="+name, read)
		if err == nil {
			err = answer.Body.Close()
		}
		return err
	})
	guarded := i.guard.Load().Log(from)
	err := border.Run("the guard on a job's log", func() error {
		_, err := io.Copy(write, onlyReader{guarded})
		return err
	})
	fault(err)
	err = errors.Join(err, write.Close())
	if err != nil {
		_ = unix.Kill(-1, unix.SIGKILL)
	}
	if failed := <-sent; failed != nil || err != nil {
		fault(failed)
		return 0, logError(err)
	}
	return guarded.Count(), nil
}

// logError is what the job's end tells of a log that was cut off.
func logError(err error) error {
	if f, ok := errors.AsType[*border.Fault](err); ok {
		return fmt.Errorf("%w: %w", errLog, f)
	}
	return errLog
}

// onlyReader keeps io.Copy from finding a way around the guard.
type onlyReader struct{ io.Reader }

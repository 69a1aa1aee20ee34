package cell

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"

	"golang.org/x/sys/unix"

	"hotcell/internal/cellrpc"
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
		l.wait.Go(func() { l.note(i.stream(ctx, name, from)) })
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
	go func() {
		answer, err := i.gateway.do(ctx, http.MethodPost, cellrpc.PathLog+"?stream="+name, read)
		if err == nil {
			err = answer.Body.Close()
		}
		_ = read.CloseWithError(errLog)
		sent <- err
	}()
	w := i.guard.Load().Writer(write, nil)
	_, err := io.Copy(onlyWriter{w}, from)
	if err == nil {
		err = w.Close()
	}
	err = errors.Join(err, write.Close())
	if err != nil {
		_ = unix.Kill(-1, unix.SIGKILL)
	}
	if failed := <-sent; failed != nil || err != nil {
		return 0, errLog
	}
	return w.Count(), nil
}

// onlyWriter keeps io.Copy from finding a way around the guard.
type onlyWriter struct{ io.Writer }

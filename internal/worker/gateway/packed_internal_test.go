package gateway

import (
	"bytes"
	"io"
	"sync"
	"testing"

	"hotcell/internal/wire/unpack"
)

// A transport closes a body from another goroutine, while it still reads from it.
func TestABodyIsClosedWhileItIsRead(t *testing.T) {
	t.Parallel()
	for range 50 {
		looker := unpack.New(unpack.NewBudget(unpack.Limits{Bytes: maxDecoded, Spend: func(int64) error { return nil }}), func() io.WriteCloser { return discard{} })
		l := &lagged{from: bytes.NewReader(bytes.Repeat([]byte("eyJhIjoiYiJ9 \x1f\x8b text "), 1<<12)), looker: looker, buf: make([]byte, 512)}
		var both sync.WaitGroup
		both.Go(func() { _, _ = io.Copy(io.Discard, l) })
		both.Go(func() { _ = l.Close() })
		both.Wait()
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }

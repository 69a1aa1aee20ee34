package border

import (
	"io"
	"sync/atomic"
)

// Reader reads from r; what r throws becomes its error, and nothing is read from
// it any more. It is for what others read in goroutines of theirs: the body of a
// request that a transport sends.
func Reader(at string, caught Caught, r io.ReadCloser) io.ReadCloser {
	return &reader{at: at, caught: caught, from: r}
}

type reader struct {
	at     string
	caught Caught
	from   io.ReadCloser
	failed atomic.Pointer[Fault]
}

// Read implements [io.Reader].
func (r *reader) Read(b []byte) (n int, err error) {
	if f := r.failed.Load(); f != nil {
		return 0, f
	}
	defer func() {
		if thrown := recover(); thrown != nil {
			f := Of(r.at, thrown)
			r.failed.Store(f)
			r.caught(f)
			n, err = 0, f
		}
	}()
	return r.from.Read(b)
}

// Close implements [io.Closer].
func (r *reader) Close() error {
	return Run(r.at, r.from.Close)
}

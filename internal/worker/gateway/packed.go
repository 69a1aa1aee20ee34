package gateway

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"hotcell/internal/value/guard"
	"hotcell/internal/wire/budget"
	"hotcell/internal/wire/coding"
	"hotcell/internal/wire/unpack"
)

// maxDecoded is how much one body may unpack to.
const maxDecoded = 4 << 30

var errBomb = fmt.Errorf("%w: it unpacks to more than %d GiB", errCoding, int64(maxDecoded)>>30)

// bounded ends what unpacks to too much.
type bounded struct {
	from  io.Reader
	n     int64
	meter *budget.Meter
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.n += int64(n); b.n > maxDecoded {
		return 0, errBomb
	}
	if failed := b.meter.Spend(int64(n)); failed != nil {
		return 0, fmt.Errorf("%w: %w", errCoding, failed)
	}
	return n, err
}

// looker looks into what is packed in something on its way to the host. What
// cannot be looked into is refused, unless the operator lets it pass there.
func (i *inspector) looker(lenient bool) *unpack.Looker {
	limits := unpack.Limits{Bytes: maxDecoded, Lenient: lenient, Spend: i.meter.Spend}
	return unpack.New(unpack.NewBudget(limits), func() io.WriteCloser { return i.patterns.Writer(io.Discard, i.strict) })
}

// strict refuses what the policy of bodies does not let pass: what is packed
// cannot be redacted.
func (i *inspector) strict(m guard.Match) guard.Verdict {
	if i.verdict(i.uses[m.ID], false) == guard.Pass {
		return guard.Pass
	}
	return guard.Refuse
}

// watch reads a body through the guard, and what is packed in it as well, in the
// codings of its Content-Encoding first. What is not redacted comes out as it
// went in.
func (i *inspector) watch(from io.Reader, named string) (io.Reader, error) {
	l := &lagged{from: from, looker: i.looker(i.lenient), meter: i.meter, room: i.room, buf: make([]byte, 32<<10)}
	codings, err := coding.Names(named)
	if err != nil && i.lenient {
		codings, err = nil, nil
	}
	if err == nil {
		err = l.looker.Expect(codings...)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCoding, err)
	}
	i.packed = l
	return i.patterns.Reader(l, i.policy(false)), nil
}

// lagged is a body on its way out: each byte is handed on once what it is packed
// in was looked at.
type lagged struct {
	from   io.Reader
	buf    []byte
	held   []byte
	ended  bool
	failed error
	// meter has each piece looked into when it is the job's turn; room is waited for
	// while something is being unpacked, and leave gives it back.
	meter *budget.Meter
	room  func() (leave func(), err error)
	leave func()

	// mu is held wherever the looker is asked: a transport closes a body while it reads
	// from it (net/http does, when the host has ended the request).
	mu     sync.Mutex
	looker *unpack.Looker
}

// Read implements [io.Reader].
func (l *lagged) Read(p []byte) (int, error) {
	for {
		ready := len(l.held) - l.behind()
		switch {
		case l.failed != nil:
			return 0, l.failed
		case ready > 0:
			n := copy(p, l.held[:ready])
			l.held = l.held[:copy(l.held, l.held[n:])]
			return n, nil
		case l.ended:
			return 0, io.EOF
		}
		l.more()
	}
}

// behind is how much is held back.
func (l *lagged) behind() int {
	if l.ended {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(min(l.looker.Held(), int64(len(l.held))))
}

// more takes another piece in, and has it looked into.
func (l *lagged) more() {
	n, err := l.from.Read(l.buf)
	l.held = append(l.held, l.buf[:n]...)
	if failed := l.look(l.buf[:n], errors.Is(err, io.EOF)); failed != nil {
		err = failed
	}
	if errors.Is(err, io.EOF) {
		l.ended = true
		return
	}
	l.failed = err
}

// look looks into a piece, when it is the job's turn; last says that it is the last.
func (l *lagged) look(piece []byte, last bool) error {
	if err := l.meter.Begin(); err != nil {
		return err
	}
	busy, err := l.into(piece, last)
	l.meter.End()
	switch {
	case err != nil:
		return readable(err)
	case busy && l.leave == nil && l.room != nil:
		l.leave, err = l.room()
	case !busy && l.leave != nil:
		l.leave()
		l.leave = nil
	}
	return err
}

// into says whether something is still being unpacked.
func (l *lagged) into(piece []byte, last bool) (busy bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err = l.looker.Write(piece)
	if err == nil && last {
		err = l.looker.Close()
	}
	return l.looker.Busy(), err
}

// Close ends the looking, also of a body that broke off.
func (l *lagged) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.looker.Close() // what it found was told where it was read
	return nil
}

// readable tells what the guard refused from what cannot be read.
func readable(err error) error {
	if _, refused := errors.AsType[*guard.RefusedError](err); err == nil || refused {
		return err
	}
	return fmt.Errorf("%w: %w", errCoding, err)
}

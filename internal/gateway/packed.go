package gateway

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"hotcell/internal/budget"
	"hotcell/internal/coding"
	"hotcell/internal/guard"
)

// The bounds of what is unpacked to be looked at.
const (
	// maxDecoded is how much one body may unpack to.
	maxDecoded = 4 << 30
	// maxDepth is how many packings are looked into, one within the other.
	maxDepth = 3
	// lag is how much of a packed body is held back behind what was unpacked: more
	// than a decoder keeps to itself before it gives it out.
	lag = 256 << 10
	// sniffed is how much of a body shows whether it is packed.
	sniffed = 4
)

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

// sniff says whether a body is packed without saying so, by its first bytes
// (RFC 1952 section 2.3.1, RFC 8878 section 3.1.1, RFC 1950 section 2.2).
func sniff(from io.Reader) (packing string, again io.Reader) {
	r := bufio.NewReaderSize(from, 32<<10)
	head, _ := r.Peek(sniffed)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b, 8}):
		return "gzip", r
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return "zstd", r
	case len(head) >= 2 && head[0] == 0x78 && (head[1] == 1 || head[1] == 0x5e || head[1] == 0x9c || head[1] == 0xda):
		return "deflate", r
	}
	return "", r
}

// watch reads a body through the guard, and what it unpacks to as well. The
// bytes that come out are those that went in.
func (i *inspector) watch(from io.Reader, named string) io.Reader {
	if named != "" {
		return i.lagging(from, named)
	}
	return i.unsaid(from)
}

// unsaid reads a body that says nothing of being packed.
func (i *inspector) unsaid(from io.Reader) io.Reader {
	packing, again := sniff(from)
	if packing != "" {
		return i.lagging(again, packing)
	}
	return i.patterns.Reader(again, i.policy(false))
}

// lagging hands a packed body on, each byte some time after what it unpacks to
// was looked at.
func (i *inspector) lagging(from io.Reader, packing string) io.Reader {
	leave, err := i.room()
	if err != nil {
		return failing{err}
	}
	read, write := io.Pipe()
	l := &lagged{from: from, to: write, meter: i.meter, verdict: make(chan error, 1), buf: make([]byte, 32<<10)}
	go func() {
		defer leave()
		err := i.unpack(read, packing, 0)
		// Whatever follows is looked at as it is.
		if err == nil {
			_, err = io.Copy(discarding{i.patterns.Writer(io.Discard, i.strict)}, read)
		}
		_ = read.CloseWithError(cmpError(err, io.ErrClosedPipe))
		l.verdict <- err
	}()
	return l
}

// failing is a body that cannot be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// strict refuses what the policy of bodies does not let pass: what is packed
// cannot be redacted.
func (i *inspector) strict(m guard.Match) guard.Verdict {
	if i.verdict(i.uses[m.ID], false) == guard.Pass {
		return guard.Pass
	}
	return guard.Refuse
}

// discarding closes nothing: it is for copying into.
type discarding struct{ io.Writer }

func cmpError(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// unpack looks at what a packed body unpacks to, packing within packing.
func (i *inspector) unpack(from io.Reader, packing string, depth int) error {
	if depth >= maxDepth {
		return fmt.Errorf("%w: it is packed too many times over", errCoding)
	}
	decoded, err := coding.Decode(from, packing)
	if err != nil {
		return fmt.Errorf("%w: %w", errCoding, err)
	}
	defer func() { _ = decoded.Close() }()
	inner, again := sniff(&bounded{from: decoded, meter: i.meter})
	w := i.patterns.Writer(io.Discard, i.strict)
	if inner == "" {
		if _, err := io.Copy(w, again); err != nil {
			return readable(err)
		}
		return w.Close()
	}
	// Both: what is packed in it, and it itself.
	err = i.unpack(io.TeeReader(again, w), inner, depth+1)
	if errors.Is(err, errCoding) && inner == "deflate" && !errors.Is(err, errBomb) {
		err = nil // two bytes are no proof that it was packed
	}
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, again); err != nil {
		return readable(err)
	}
	return w.Close()
}

// readable tells what the guard refused from what cannot be read.
func readable(err error) error {
	if _, refused := errors.AsType[*guard.RefusedError](err); refused || errors.Is(err, errCoding) {
		return err
	}
	return fmt.Errorf("%w: %w", errCoding, err)
}

// lagged is a packed body on its way out.
type lagged struct {
	from io.Reader
	to   *io.PipeWriter
	// meter has each piece unpacked when it is the job's turn.
	meter   *budget.Meter
	verdict chan error
	buf     []byte
	held    []byte
	ended   bool
	failed  error
}

// Read implements [io.Reader].
func (l *lagged) Read(p []byte) (int, error) {
	for {
		ready := len(l.held) - lag
		if l.ended {
			ready = len(l.held)
		}
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

// unpack has a piece unpacked, when it is the job's turn.
func (l *lagged) unpack(piece []byte) error {
	if err := l.meter.Begin(); err != nil {
		_ = l.to.CloseWithError(err)
		return err
	}
	defer l.meter.End()
	_, err := l.to.Write(piece)
	return err
}

// more takes another piece in, and has it unpacked.
func (l *lagged) more() {
	n, err := l.from.Read(l.buf)
	if n > 0 {
		l.held = append(l.held, l.buf[:n]...)
		if failed := l.unpack(l.buf[:n]); failed != nil {
			l.failed = cmpError(<-l.verdict, failed)
			return
		}
	}
	if err == nil {
		return
	}
	if !errors.Is(err, io.EOF) {
		_ = l.to.CloseWithError(err)
		l.failed = err
		<-l.verdict //nolint:errcheck // the body broke off, whatever was found in it
		return
	}
	_ = l.to.Close()
	l.failed = <-l.verdict
	l.ended = true
}

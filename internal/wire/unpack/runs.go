package unpack

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
)

// leastRun is how many characters of base64 in a row are looked into.
const leastRun = 24

// trial is how much of what base64 decodes to shows whether it was deflated
// without a head, as SAML's redirects are.
const trial = 64

// runs decodes runs of base64 in a stream (RFC 4648 sections 4 and 5), percent-
// encoded or not, in lines or not, from their first character.
type runs struct {
	inner *Looker
	// length is how many characters the run has, bits what is not a whole byte yet.
	length int
	bits   uint32
	out    []byte
	// tried is true once its beginning was looked at.
	tried bool
	// escape is what has come of an escape within the run.
	escape []byte
}

// What a byte is in a run of base64: a sextet, or one of these.
const (
	ends  = 0xff - iota
	skip  // a line break
	opens // an escape
)

var sextets = func() (out [256]byte) {
	for i := range out {
		out[i] = ends
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		out[c] = byte(i)
	}
	out['-'], out['_'] = 62, 63
	out['\n'], out['\r'] = skip, skip
	out['%'], out['\\'] = opens, opens
	return out
}()

// write takes in the next bytes.
func (r *runs) write(l *Looker, p []byte) error {
	if l.depth >= l.budget.limits.Depth {
		return nil
	}
	for i := 0; i < len(p); i++ {
		if len(r.escape) > 0 {
			if err := r.unescape(l, p[i]); err != nil {
				return err
			}
			continue
		}
		switch c := sextets[p[i]]; {
		case c < 64:
			r.add(c)
			if len(r.out) >= buffer {
				if err := r.flush(l); err != nil {
					return err
				}
			}
		case c == skip && r.length > 0:
		case c == opens && r.length > 0:
			r.escape = append(r.escape[:0], p[i])
		default:
			if r.length > 0 {
				if err := r.end(l); err != nil {
					return err
				}
			}
			i += r.far(p[i+1:])
		}
	}
	return r.flush(l)
}

// far is how many bytes can be left out: a run that is long enough to be looked
// into, or that goes on beyond b, has characters at each place in it.
func (r *runs) far(b []byte) int {
	n := 0
	for n+leastRun < len(b) {
		at := n + leastRun - 1
		for at >= n && sextets[b[at]] != ends {
			at--
		}
		if at < n {
			return n
		}
		n = at + 1
	}
	return n
}

func (r *runs) add(c byte) {
	r.bits = r.bits<<6 | uint32(c)
	switch r.length++; r.length & 3 {
	case 2:
		r.out = append(r.out, byte(r.bits>>4))
	case 3:
		r.out = append(r.out, byte(r.bits>>2))
	case 0:
		r.out = append(r.out, byte(r.bits))
	}
}

// unescape takes in a byte of %2B, %2F, \/, \n or \r; all others end the run.
func (r *runs) unescape(l *Looker, c byte) error {
	r.escape = append(r.escape, c)
	switch text := string(bytes.ToUpper(r.escape)); text {
	case `\N`, `\R`:
	case "%2", "%0":
		return nil
	case "%0A", "%0D":
	case "%2B", "%2D":
		r.add(62)
	case "%2F", `\/`:
		r.add(63)
	default:
		r.escape = r.escape[:0]
		if err := r.end(l); err != nil {
			return err
		}
		if s := sextets[c]; s < 64 {
			r.add(s)
		}
		return nil
	}
	r.escape = r.escape[:0]
	return nil
}

// flush looks into what was decoded, once the run is long enough.
func (r *runs) flush(l *Looker) error {
	if r.length < leastRun || len(r.out) == 0 {
		return nil
	}
	if r.inner == nil {
		r.inner = &Looker{budget: l.budget, sink: l.sink, depth: l.depth + 1}
	}
	switch {
	case r.tried:
		return r.into()
	case len(r.out) >= trial:
		return r.try()
	}
	return nil
}

// try looks into the beginning of a run, as deflated if it can be that.
func (r *runs) try() error {
	r.tried = true
	if inflates(r.out[:min(len(r.out), trial)]) {
		if err := r.inner.start(packing{name: "deflate", open: openFlate, memory: deflateMemory, weak: true}, nil); err != nil {
			return err
		}
	}
	return r.into()
}

func (r *runs) into() error {
	if err := r.inner.budget.spend(len(r.out)); err != nil {
		return r.inner.budget.pass(err)
	}
	_, err := r.inner.Write(r.out)
	clear(r.out)
	r.out = r.out[:0]
	return err
}

func openFlate(from *stream, to *reading) error { return drain(flate.NewReader(from), to) }

// inflates says whether bytes can be the beginning of what was deflated.
func inflates(b []byte) bool {
	z := flate.NewReader(bytes.NewReader(b))
	var out [4 * trial]byte
	n, err := io.ReadFull(z, out[:])
	return n >= 8 && (err == nil || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF))
}

// end says that the run is over.
func (r *runs) end(l *Looker) error {
	var err error
	if r.length >= leastRun {
		err = r.flush(l)
		if err == nil && !r.tried && r.inner != nil {
			err = r.try()
		}
		if r.inner != nil {
			if failed := r.inner.Close(); err == nil {
				err = failed
			}
		}
	}
	r.reset()
	return err
}

func (r *runs) reset() {
	clear(r.out)
	r.inner, r.length, r.out, r.tried, r.escape = nil, 0, r.out[:0], false, r.escape[:0]
}

func (r *runs) stop() {
	if r.inner != nil {
		_ = r.inner.Close() // what it found was told when it was written
	}
	r.reset()
}

// held is how much of the stream is behind what was looked at, as base64.
func (r *runs) held() int64 {
	if r.inner == nil {
		return 0
	}
	if !r.tried {
		return 2 * trial
	}
	return r.inner.Held() * 4 / 3
}

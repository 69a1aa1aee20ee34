// A stand-in for the engine that is being written: remove this file when it comes.
package guard

import (
	"bytes"
	"encoding/json"
	"io"
)

type Label struct{ ID, Name string }
type Match struct {
	Label
	Form string
}
type Verdict int

const (
	Redact Verdict = iota
	Pass
	Refuse
)

type Policy func(Match) Verdict
type RefusedError struct{ Match }

func (r *RefusedError) Error() string { return "refused" }

type Fingerprints struct{ P []stubP }
type stubP struct {
	L Label
	V []byte
}

func (f Fingerprints) MarshalBinary() ([]byte, error) { return json.Marshal(f.P) }
func (f *Fingerprints) UnmarshalBinary(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	return json.Unmarshal(b, &f.P)
}
func (f Fingerprints) Len() int { return len(f.P) }

type Builder struct{ f Fingerprints }

func NewBuilder() *Builder { return &Builder{} }
func (b *Builder) Add(l Label, v []byte) error {
	if err := Guardable(v); err != nil {
		return err
	}
	for _, f := range forms(v) {
		b.f.P = append(b.f.P, stubP{l, f})
	}
	return nil
}
func (b *Builder) Fingerprints() Fingerprints { return b.f }
func (b *Builder) Build() *Patterns           { return Compile(b.f) }
func Compile(f Fingerprints) *Patterns        { return &Patterns{f} }

type Patterns struct{ f Fingerprints }
type Writer struct {
	p   *Patterns
	to  io.Writer
	pol Policy
	buf []byte
	n   int
	err error
}

func (p *Patterns) Writer(to io.Writer, pol Policy) *Writer { return &Writer{p: p, to: to, pol: pol} }
func (w *Writer) Count() int                                { return w.n }
func (w *Writer) process(final bool) error {
	if w.err != nil {
		return w.err
	}
	if w.p != nil {
		for _, s := range w.p.f.P {
			if bytes.Contains(w.buf, s.V) {
				v := Redact
				if w.pol != nil {
					v = w.pol(Match{s.L, "stub"})
				}
				switch v {
				case Refuse:
					w.err = &RefusedError{Match{s.L, "stub"}}
					return w.err
				case Redact:
					w.n++
					w.buf = bytes.ReplaceAll(w.buf, s.V, []byte("[hotcell:"+s.L.Name+"]"))
				}
			}
		}
	}
	keep := 0
	if !final && w.p != nil {
		for _, s := range w.p.f.P {
			for k := min(len(s.V)-1, len(w.buf)); k > keep; k-- {
				if bytes.HasSuffix(w.buf, s.V[:k]) {
					keep = k
				}
			}
		}
	}
	out := w.buf[:len(w.buf)-keep]
	if len(out) > 0 {
		if _, err := w.to.Write(out); err != nil {
			return err
		}
	}
	w.buf = append([]byte{}, w.buf[len(w.buf)-keep:]...)
	return nil
}
func (w *Writer) Write(b []byte) (int, error) {
	w.buf = append(w.buf, b...)
	if err := w.process(false); err != nil {
		return 0, err
	}
	return len(b), nil
}
func (w *Writer) Close() error { return w.process(true) }

type Reader struct {
	w   *Writer
	out bytes.Buffer
	r   io.Reader
	err error
}

func (p *Patterns) Reader(r io.Reader, pol Policy) *Reader {
	x := &Reader{r: r}
	x.w = p.Writer(&x.out, pol)
	return x
}
func (r *Reader) Count() int { return r.w.n }
func (r *Reader) Read(p []byte) (int, error) {
	for r.out.Len() == 0 && r.err == nil {
		b := make([]byte, 32<<10)
		n, err := r.r.Read(b)
		if n > 0 {
			if _, e := r.w.Write(b[:n]); e != nil {
				r.err = e
			}
		}
		if err != nil && r.err == nil {
			r.err = err
			if err == io.EOF {
				if e := r.w.Close(); e != nil {
					r.err = e
				}
			}
		}
	}
	if r.out.Len() > 0 {
		return r.out.Read(p)
	}
	return 0, r.err
}
func (p *Patterns) Redact(b []byte) []byte {
	var o bytes.Buffer
	w := p.Writer(&o, nil)
	w.Write(b)
	w.Close()
	return o.Bytes()
}
func (p *Patterns) Find(b []byte) (m []Match) {
	if p == nil {
		return nil
	}
	for _, s := range p.f.P {
		if bytes.Contains(b, s.V) {
			m = append(m, Match{s.L, "stub"})
		}
	}
	return
}
func (p *Patterns) Contains(b []byte) bool { return len(p.Find(b)) > 0 }

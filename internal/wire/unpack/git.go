package unpack

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1" //nolint:gosec // git names its objects so
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The kinds of objects in a pack of git (gitformat-pack).
const (
	gitOffset    = 6
	gitReference = 7
)

// maxKept bounds, in bytes, what is kept of a pack to apply deltas to, maxObject
// each of them.
const (
	maxKept   = 24 << 20
	maxObject = maxKept / 4
)

var (
	errGit   = errors.New("it is no pack of git")
	gitKinds = [...]string{1: "commit", 2: "tree", 3: "blob", 4: "tag"}
)

// gitReader reads one pack.
type gitReader struct {
	from *counter
	to   *reading
	// kept are objects by where they begin, and by their names.
	kept  map[int64]*gitObject
	names map[[sha1.Size]byte]*gitObject
	size  int
}

type gitObject struct {
	kind int
	text []byte
}

// openGit reads the objects of a pack, and what its deltas make of them. Where a
// delta's base is not in the pack, or was too large to keep, what it inserts is
// looked at.
func openGit(from *stream, to *reading) error {
	g := &gitReader{from: &counter{from: from}, to: to}
	g.forget()
	var head [12]byte
	if _, err := io.ReadFull(g.from, head[:]); err != nil {
		return err
	}
	defer g.forget()
	for range binary.BigEndian.Uint32(head[8:]) {
		if err := to.budget.begin(0); err != nil {
			return err
		}
		if err := g.object(); err != nil {
			return err
		}
	}
	return nil
}

func (g *gitReader) forget() {
	for _, o := range g.kept {
		clear(o.text)
	}
	g.kept, g.names, g.size = map[int64]*gitObject{}, map[[sha1.Size]byte]*gitObject{}, 0
}

func (g *gitReader) object() error {
	at := g.from.n
	c, err := g.from.ReadByte()
	if err != nil {
		return err
	}
	kind := int(c >> 4 & 7)
	for more := c&0x80 != 0; more; { // its size, which nobody has to believe
		if c, err = g.from.ReadByte(); err != nil {
			return err
		}
		more = c&0x80 != 0
	}
	var base *gitObject
	switch kind {
	case gitOffset:
		back, err := g.offset()
		if err != nil {
			return err
		}
		base = g.kept[at-back]
	case gitReference:
		var name [sha1.Size]byte
		if _, err := io.ReadFull(g.from, name[:]); err != nil {
			return err
		}
		base = g.names[name]
	case 0, 5:
		return errGit
	}
	text, err := g.inflate()
	if err != nil || text == nil {
		return err
	}
	if kind < gitOffset {
		g.keep(at, &gitObject{kind, text})
		return nil
	}
	return g.delta(at, base, text)
}

// offset reads how far back a delta's base is.
func (g *gitReader) offset() (int64, error) {
	var back int64
	for n := range 9 {
		c, err := g.from.ReadByte()
		if err != nil {
			return 0, err
		}
		if n > 0 {
			back++
		}
		back = back<<7 | int64(c&0x7f)
		if c&0x80 == 0 {
			return back, nil
		}
	}
	return 0, errGit
}

// inflate has an object looked at. It returns its text, where that is short
// enough to keep.
func (g *gitReader) inflate() ([]byte, error) {
	z, err := zlib.NewReader(g.from)
	if err != nil {
		return nil, err
	}
	kept := &keeper{to: g.to, most: maxObject}
	if err := drain(z, kept); err != nil {
		return nil, err
	}
	_, err = g.to.Write([]byte("\n"))
	if kept.over {
		return nil, err
	}
	return kept.text, err
}

func (g *gitReader) keep(at int64, o *gitObject) {
	if g.size += len(o.text); g.size > maxKept {
		g.forget()
		g.size = len(o.text)
	}
	g.kept[at] = o
	sum := sha1.New() //nolint:gosec // git names its objects so
	fmt.Fprintf(sum, "%s %d\x00", gitKinds[o.kind], len(o.text))
	_, _ = sum.Write(o.text) // never fails
	var name [sha1.Size]byte
	g.names[[sha1.Size]byte(sum.Sum(name[:0]))] = o
}

// delta has what a delta makes looked at, or what it inserts.
func (g *gitReader) delta(at int64, base *gitObject, delta []byte) error {
	defer clear(delta)
	if base == nil {
		base = &gitObject{}
	}
	out, whole, err := applyDelta(base.text, delta)
	if err != nil {
		return err
	}
	if !whole {
		if out, _, err = applyDelta(nil, delta); err != nil {
			return err
		}
		base = &gitObject{}
	}
	if _, err := g.to.Write(out); err != nil {
		return err
	}
	if base.kind != 0 {
		g.keep(at, &gitObject{base.kind, out})
	}
	_, err = g.to.Write([]byte("\n"))
	return err
}

// applyDelta makes an object of its base. What is copied from beyond the base is
// left out; whole is false where too much came of it, and it was left off.
func applyDelta(base, delta []byte) (out []byte, whole bool, err error) {
	r := bytes.NewReader(delta)
	for range 2 { // the sizes
		if _, err := binary.ReadUvarint(r); err != nil {
			return nil, false, err
		}
	}
	for {
		c, err := r.ReadByte()
		if err != nil {
			return out, true, nil //nolint:nilerr // the end of the delta
		}
		if c&0x80 == 0 {
			piece := make([]byte, c)
			if _, err := io.ReadFull(r, piece); err != nil {
				return nil, false, err
			}
			out = append(out, piece...)
			continue
		}
		from, size, err := copied(c, r)
		if err != nil {
			return nil, false, err
		}
		if from = min(from, len(base)); from < len(base) {
			out = append(out, base[from:min(from+size, len(base))]...)
		}
		if len(out) > maxObject {
			return nil, false, nil
		}
	}
}

// copied reads from where a delta copies, and how much.
func copied(flags byte, r io.ByteReader) (from, size int, err error) {
	for i := range 7 {
		if flags>>i&1 == 0 {
			continue
		}
		b, err := r.ReadByte()
		if err != nil {
			return 0, 0, err
		}
		if i < 4 {
			from |= int(b) << (8 * i)
		} else {
			size |= int(b) << (8 * (i - 4))
		}
	}
	if size == 0 {
		size = 0x10000
	}
	return from, size, nil
}

// keeper hands on, and keeps as much as it may.
type keeper struct {
	to   io.Writer
	text []byte
	most int
	over bool
}

// Write implements [io.Writer].
func (k *keeper) Write(p []byte) (int, error) {
	if k.over = k.over || len(k.text)+len(p) > k.most; k.over {
		clear(k.text)
		k.text = nil
	} else {
		k.text = append(k.text, p...)
	}
	return k.to.Write(p)
}

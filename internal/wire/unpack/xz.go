package unpack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// maxDictionary bounds, in bytes, what an LZMA stream may make its reader
// remember: as much as xz -9 does.
const maxDictionary = 64 << 20

var errXZ = errors.New("it is no xz")

// openXZ reads the blocks of an xz stream (the .xz file format 1.2.1, sections 2
// and 3). It reads their heads itself, since these declare the memory.
func openXZ(from *stream, to *reading) error {
	var head [12]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return err
	}
	check := [16]int64{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}[head[7]&0x0f]
	for {
		size, err := from.ReadByte()
		if err != nil || size == 0 { // an index follows the last block
			return err
		}
		block := make([]byte, int(size)*4+3)
		if _, err := io.ReadFull(from, block); err != nil {
			return err
		}
		dictionary, err := xzDictionary(block)
		if err != nil {
			return err
		}
		read := &counter{from: from}
		if err := lzma2(read, to, dictionary); err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, from, (4-read.n%4)%4+check); err != nil {
			return err
		}
	}
}

// xzDictionary reads the head of a block up to the size of its dictionary.
func xzDictionary(b []byte) (int, error) {
	r := bytes.NewReader(b)
	flags, err := r.ReadByte()
	if err != nil {
		return 0, err
	}
	if flags&3 != 0 {
		return 0, unreadable("it holds an xz stream with filters")
	}
	for _, set := range []byte{0x40, 0x80} {
		if flags&set != 0 {
			if _, err := binary.ReadUvarint(r); err != nil {
				return 0, err
			}
		}
	}
	var filter [3]byte
	if _, err := io.ReadFull(r, filter[:]); err != nil {
		return 0, err
	}
	if filter[0] != 0x21 || filter[1] != 1 || filter[2] > 40 {
		return 0, errXZ
	}
	dictionary, err := lzma.DecodeDictCap(filter[2])
	if err != nil || dictionary > maxDictionary {
		return 0, unreadable("it holds an xz stream that needs too much memory")
	}
	return max(int(dictionary), lzma.MinDictCap), nil
}

func lzma2(from io.Reader, to *reading, dictionary int) error {
	if err := to.budget.begin(int64(dictionary)); err != nil {
		return err
	}
	defer to.budget.finish(int64(dictionary))
	z, err := lzma.Reader2Config{DictCap: dictionary}.NewReader2(from)
	if err != nil {
		return err
	}
	return drain(z, to)
}

// openLZMA reads what the older lzma wrote.
func openLZMA(from *stream, to *reading) error { return lzmaAlone(from, to) }

func lzmaAlone(from io.Reader, to *reading) error {
	if err := to.budget.begin(maxDictionary); err != nil {
		return err
	}
	defer to.budget.finish(maxDictionary)
	z, err := lzma.ReaderConfig{DictCap: maxDictionary}.NewReader(from)
	if err != nil {
		return err
	}
	return drain(z, to)
}

// openZipLZMA reads LZMA as zip has it (APPNOTE 5.8.8): its head is another, and
// its end is marked.
func openZipLZMA(from *stream, to *reading) error {
	var head [9]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return err
	}
	alone := append(append([]byte{}, head[4:]...), bytes.Repeat([]byte{0xff}, 8)...)
	return lzmaAlone(&joined{head: alone, rest: from}, to)
}

// counter counts what is read, a byte at a time where it is asked so.
type counter struct {
	from *stream
	n    int64
}

// Read implements [io.Reader].
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	return n, err
}

// ReadByte implements [io.ByteReader].
func (c *counter) ReadByte() (byte, error) {
	b, err := c.from.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

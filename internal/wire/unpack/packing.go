package unpack

import (
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// packing is one way to pack.
type packing struct {
	name string
	// open reads what is packed; a nil one cannot.
	open func(from *stream, to *reading) error
	// memory is what its decoder holds at most, in bytes.
	memory int64
	// weak is true where so little shows it that ordinary bytes look like it; first
	// where it stands at the very beginning; said where the stream was said to be it.
	weak, first, said bool
}

// Held back behind a decoder: more than it keeps to itself.
const (
	usualLag = 256 << 10
	blockLag = 1280 << 10 // of bzip2, whose blocks come whole
)

func (p packing) keeps() int64 {
	if p.name == "bzip2" || p.name == "zip" || p.name == "xz" {
		return blockLag
	}
	return usualLag
}

// What decoders hold.
const (
	deflateMemory = 64 << 10
	zstdWindow    = 8 << 20
	bzipMemory    = 5 << 20
	namedMemory   = 16 << 20
	snappyMemory  = 8 << 20
)

// starts are the first bytes of all that is recognised.
var starts = func() (out [256]bool) {
	for _, c := range []byte("\x1f\x28BP\xfd\x78\xff7R\x04Sa-\x5d") {
		out[c] = true
	}
	return out
}()

// seconds are the bytes that follow those.
var seconds = func() (out [256][4]uint64) {
	for _, pair := range []string{"\x1f\x8b", "\x1f\x9d", "\x28\xb5", "BZ", "PK", "PA", "\xfd7", "\x78\x01", "\x78\x5e", "\x78\x9c", "\x78\xda", "\xff\x06", "7z", "Ra", "\x04\x22", "Sa", "ag", "--", "\x5d\x00"} {
		out[pair[0]][pair[1]>>6] |= 1 << (pair[1] & 63)
	}
	return out
}()

// next is where from i on something may begin, if only by the last byte; the end
// where nothing does.
func next(b []byte, i int) int {
	for ; i < len(b); i++ {
		if starts[b[i]] && (i+1 == len(b) || seconds[b[i]][b[i+1]>>6]>>(b[i+1]&63)&1 == 1) {
			return i
		}
	}
	return len(b)
}

// recognise says what begins with b, by its first bytes (RFC 1952 section 2.3,
// RFC 8878 section 3.1.1, RFC 1950 section 2.2, PKWARE's APPNOTE 4.3.7, and the
// formats' own pages). first is true at the very beginning of a stream, and more
// where there are too few bytes to tell, unless they are the final ones.
func recognise(b []byte, first, final bool) (found *packing, more bool) {
	for _, s := range signatures {
		if s.first && !first {
			continue
		}
		n := min(len(b), len(s.begins))
		if string(b[:n]) != s.begins[:n] {
			continue
		}
		switch {
		case len(b) < max(len(s.begins), s.need):
			if !final {
				return nil, true
			}
		case s.check == nil || s.check(b):
			p := s.packing
			p.first, p.open = first, opener(p.name)
			return &p, false
		}
	}
	return nil, false
}

// signature is how a packing begins.
type signature struct {
	packing

	begins string
	// need is how many bytes its check looks at.
	need int
	// first has it stand at the beginning of a stream only.
	first bool
	check func([]byte) bool
}

var signatures = []signature{
	{packing: packing{name: "gzip", memory: deflateMemory}, begins: "\x1f\x8b\x08"},
	{packing: packing{name: "zstd", memory: zstdWindow}, begins: "\x28\xb5\x2f\xfd"},
	{packing: packing{name: "bzip2", memory: bzipMemory}, begins: "BZh", need: 10, check: func(b []byte) bool { return string(b[4:10]) == "1AY&SY" }},
	{packing: packing{name: "xz"}, begins: "\xfd7zXZ\x00"},
	{packing: packing{name: "snappy", memory: snappyMemory}, begins: "\xff\x06\x00\x00sNaPpY"},
	{packing: packing{name: "snappy", memory: snappyMemory}, begins: "\xff\x06\x00\x00S2sTwO"},
	{packing: packing{name: "zip", memory: deflateMemory}, begins: "PK\x03\x04"},
	{packing: packing{name: "git", memory: maxKept}, begins: "PACK\x00\x00\x00", need: 12, check: func(b []byte) bool { return b[7] == 2 || b[7] == 3 }},
	{packing: packing{name: "lzma", weak: true}, begins: "\x5d\x00\x00", first: true, need: 13, check: func(b []byte) bool { return b[12] == 0 || b[12] == 0xff }},
	{packing: packing{name: "zlib", memory: deflateMemory, weak: true}, begins: "\x78", need: 2, check: zlibHead},
	{packing: packing{name: "a 7z archive"}, begins: "7z\xbc\xaf\x27\x1c"},
	{packing: packing{name: "a RAR archive"}, begins: "Rar!\x1a\x07"},
	{packing: packing{name: "in LZ4"}, begins: "\x04\x22\x4d\x18", need: 5, check: func(b []byte) bool { return b[4]>>6 == 1 }},
	{packing: packing{name: "in compress's format"}, begins: "\x1f\x9d", first: true},
	{packing: packing{name: "enciphered by OpenSSL"}, begins: "Salted__", need: 16, check: func(b []byte) bool { return !printable(b[8:16]) }},
	{packing: packing{name: "enciphered by age"}, begins: "age-encryption.org/v1\n-> "},
	{packing: packing{name: "enciphered by OpenPGP"}, begins: "-----BEGIN PGP MESSAGE-----"},
}

func printable(b []byte) bool {
	return !bytes.ContainsFunc(b, func(c rune) bool { return c < ' ' || c > '~' })
}

func zlibHead(b []byte) bool {
	return len(b) >= 2 && (b[1] == 1 || b[1] == 0x5e || b[1] == 0x9c || b[1] == 0xda)
}

// opener is how what has that name is read; nil for what cannot be.
func opener(name string) func(*stream, *reading) error {
	switch name {
	case "gzip":
		return openGzip
	case "zstd":
		return openZstd
	case "bzip2":
		return openBzip
	case "xz":
		return openXZ
	case "lzma":
		return openLZMA
	case "snappy":
		return openSnappy
	case "zip":
		return openZip
	case "git":
		return openGit
	case "zlib":
		return openZlib
	}
	return nil
}

// named is how a coding of HTTP is read; nil for those that are not known.
func named(coding string) func(*stream, *reading) error {
	switch coding {
	case "gzip", "x-gzip":
		return openMembers
	case "zstd":
		return openZstd
	case "deflate":
		return openInflate
	case "br":
		return openBrotli
	}
	return nil
}

func openBrotli(from *stream, to *reading) error { return drain(brotli.NewReader(from), to) }

// openGzip reads one member: each has a beginning of its own.
func openGzip(from *stream, to *reading) error {
	z, err := gzip.NewReader(from)
	if err != nil {
		return err
	}
	z.Multistream(false)
	return drain(z, to)
}

func openMembers(from *stream, to *reading) error {
	z, err := gzip.NewReader(from)
	if err != nil {
		return err
	}
	return drain(z, to)
}

func openZlib(from *stream, to *reading) error {
	z, err := zlib.NewReader(from)
	if err != nil {
		return err
	}
	return drain(z, to)
}

// openInflate reads deflate, which is zlib's format (RFC 1950), and which some
// send without its wrapping (RFC 1951).
func openInflate(from *stream, to *reading) error {
	var head [2]byte
	n, err := io.ReadFull(from, head[:])
	if err != nil && n == 0 {
		return err
	}
	whole := &joined{head: head[:n], rest: from}
	if n == 2 && head[0]&0x0f == 8 && binary.BigEndian.Uint16(head[:])%31 == 0 {
		z, err := zlib.NewReader(whole)
		if err != nil {
			return err
		}
		return drain(z, to)
	}
	return drain(flate.NewReader(whole), to)
}

// joined reads some bytes before the rest, and nothing ahead.
type joined struct {
	head []byte
	rest *stream
}

// Read implements [io.Reader].
func (j *joined) Read(p []byte) (int, error) {
	if len(j.head) > 0 {
		n := copy(p, j.head)
		j.head = j.head[n:]
		return n, nil
	}
	return j.rest.Read(p)
}

// ReadByte implements [io.ByteReader].
func (j *joined) ReadByte() (byte, error) {
	if len(j.head) > 0 {
		c := j.head[0]
		j.head = j.head[1:]
		return c, nil
	}
	return j.rest.ReadByte()
}

func openZstd(from *stream, to *reading) error {
	z, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return err
	}
	defer z.Close()
	err = drain(z, to)
	if errors.Is(err, zstd.ErrMagicMismatch) && to.some {
		return nil // what follows the last frame is something else
	}
	return err
}

// noContinuation is what bzip2 says of other bytes after its end.
const noContinuation = bzip2.StructuralError("bad magic value in continuation file")

func openBzip(from *stream, to *reading) error {
	err := drain(bzip2.NewReader(from), to)
	if errors.Is(err, noContinuation) {
		return nil
	}
	return err
}

func openSnappy(from *stream, to *reading) error {
	return drain(s2.NewReader(from, s2.ReaderMaxBlockSize(4<<20)), to)
}

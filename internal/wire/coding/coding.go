// Package coding undoes the content codings of HTTP (RFC 9110 section 8.4): gzip,
// deflate, br and zstd, and lists of them.
//
// It decodes streams in constant memory; how much comes out, its caller bounds.
// One way to use it:
//
//	decoded, err := coding.Decode(body, header.Get("Content-Encoding"))
package coding

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// ErrUnknown is a coding that this package does not know, or too many of them.
var ErrUnknown = errors.New("unknown content coding")

// maxDepth is how many codings one list may have.
const maxDepth = 3

// maxWindow bounds, in bytes, what a zstd stream may make its reader remember
// (RFC 8878 section 3.1.1.1.2 asks for 8 MiB at least).
const maxWindow = 8 << 20

// list reads a Content-Encoding; the codings are in the order in which they
// were applied.
func list(header string) ([]string, error) {
	var out []string
	for one := range strings.SplitSeq(header, ",") {
		name := strings.ToLower(strings.TrimSpace(one))
		switch name {
		case "", "identity":
			continue
		case "gzip", "x-gzip", "deflate", "br", "zstd":
			out = append(out, name)
		default:
			return nil, ErrUnknown
		}
	}
	if len(out) > maxDepth {
		return nil, ErrUnknown
	}
	return out, nil
}

// Names are the codings of a Content-Encoding, in the order in which they were
// applied.
func Names(header string) ([]string, error) { return list(header) }

// Known says whether Decode knows the codings of a Content-Encoding.
func Known(header string) bool {
	_, err := list(header)
	return err == nil
}

// None says whether a Content-Encoding names no coding at all.
func None(header string) bool {
	names, err := list(header)
	return err == nil && len(names) == 0
}

// Decode undoes the codings of a Content-Encoding. Its Close does not close r.
// It reads nothing until it is read.
func Decode(r io.Reader, header string) (io.ReadCloser, error) {
	names, err := list(header)
	if err != nil {
		return nil, err
	}
	out := io.NopCloser(r)
	for _, name := range slices.Backward(names) {
		out = &lazy{from: out, open: openers[name]}
	}
	return out, nil
}

// openers make the reader of a coding. What they read ahead of what they need
// is lost to others.
var openers = map[string]func(io.Reader) (io.ReadCloser, error){
	"gzip":    func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) },
	"x-gzip":  func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) },
	"deflate": inflate,
	"br":      func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(brotli.NewReader(r)), nil },
	"zstd": func(r io.Reader) (io.ReadCloser, error) {
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	},
}

// inflate reads deflate, which is zlib's format (RFC 1950), and which some send
// without its wrapping (RFC 1951).
func inflate(r io.Reader) (io.ReadCloser, error) {
	b := bufio.NewReader(r)
	head, err := b.Peek(2)
	if err == nil && head[0]&0x0f == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 {
		return zlib.NewReader(b)
	}
	return flate.NewReader(b), nil
}

// lazy opens its reader when it is first read: an opener reads a head.
type lazy struct {
	from io.ReadCloser
	open func(io.Reader) (io.ReadCloser, error)
	to   io.ReadCloser
	err  error
}

func (l *lazy) Read(p []byte) (int, error) {
	if l.to == nil && l.err == nil {
		if l.to, l.err = l.open(l.from); l.err != nil {
			l.err = fmt.Errorf("decoding: %w", l.err)
		}
	}
	if l.err != nil {
		return 0, l.err
	}
	n, err := l.to.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("decoding: %w", err)
	}
	return n, err
}

func (l *lazy) Close() error {
	if l.to != nil {
		return errors.Join(l.to.Close(), l.from.Close())
	}
	return l.from.Close()
}

package spelling

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/url"

	"github.com/andybalholm/brotli"
	"github.com/dsnet/compress/bzip2"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

func packed() []named {
	boxed := func(name string, box func([]byte, *rand.Rand) []byte) named {
		return named{name, func(v []byte, r *rand.Rand) []byte {
			text := fmt.Appendf(nil, "# settings\nkey = %s\nregion = eu\n", v)
			return box(text, r)
		}}
	}
	then := func(boxes ...func([]byte) []byte) func([]byte, *rand.Rand) []byte {
		return func(b []byte, _ *rand.Rand) []byte {
			for _, box := range boxes {
				b = box(b)
			}
			return b
		}
	}
	stored := func(b []byte) []byte { return zipped(b, zip.Store) }
	deflated := func(b []byte) []byte { return zipped(b, zip.Deflate) }
	return []named{
		boxed("gzip", then(gzipped)), boxed("zlib", then(zlibbed)), boxed("zstd", then(zstdded)), boxed("bzip2", then(bzipped)), boxed("xz", then(xzed)), boxed("snappy's frames", then(snapped)),
		boxed("gzip in gzip in gzip", then(gzipped, gzipped, gzipped)), boxed("gzip in zstd in xz", then(gzipped, zstdded, xzed)), boxed("gzip after other bytes", then(gzipped, after)),
		boxed("zip", then(deflated)), boxed("zip, stored", then(stored)), boxed("zip in zip", then(deflated, deflated)), boxed("zip with zstd", then(zippedWith(zstd.ZipMethodWinZip, zstdded))), boxed("zip with bzip2", then(zippedWith(12, bzipped))),
		boxed("tar", then(tarred)), boxed("tar.gz", then(tarred, gzipped)), boxed("tar.xz", then(tarred, xzed)), boxed("tar.zst in tar", then(tarred, zstdded, tarred)),
		boxed("tar.gz in a multipart body", then(tarred, gzipped, inForm)), boxed("zip in a multipart body", then(deflated, inForm)),
		boxed("a gRPC frame, gzip", then(gzipped, grpc)), boxed("a gRPC frame", then(grpc)),
		boxed("base64 of gzip in JSON", then(gzipped, inJSON)), boxed("base64 of zip in JSON", then(deflated, inJSON)), boxed("base64 of zlib in JSON", then(zlibbed, inJSON)), boxed("base64 for URLs of zstd in JSON", then(zstdded, func(b []byte) []byte { return []byte(`{"file":"` + base64.RawURLEncoding.EncodeToString(b) + `"}`) })), boxed("base64 of bzip2 in JSON", then(bzipped, inJSON)), boxed("base64 of xz in lines", then(xzed, func(b []byte) []byte { return []byte(wrap(base64.StdEncoding.EncodeToString(b), 76, "\r\n")) })),
		boxed("a picture's address with gzip", then(gzipped, func(b []byte) []byte {
			return []byte(`<a href="data:application/gzip;base64,` + base64.StdEncoding.EncodeToString(b) + `">`)
		})),
		boxed("SAML's redirect", then(deflatedRaw, func(b []byte) []byte {
			return []byte("SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(b)))
		})),
		boxed("a git pack", gitPack), boxed("a git pack with a delta", gitDelta), boxed("a PDF's stream", then(zlibbed, inPDF)),
		boxed("br, named", then(func(b []byte) []byte {
			return pack(b, func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) })
		})),
	}
}

func pack(b []byte, open func(io.Writer) io.WriteCloser) []byte {
	var out bytes.Buffer
	w := open(&out)
	_, _ = w.Write(b) // a buffer takes all
	_ = w.Close()
	return out.Bytes()
}

func gzipped(b []byte) []byte {
	return pack(b, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
}

func zlibbed(b []byte) []byte {
	return pack(b, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
}

func snapped(b []byte) []byte {
	return pack(b, func(w io.Writer) io.WriteCloser { return s2.NewWriter(w, s2.WriterSnappyCompat()) })
}

func zstdded(b []byte) []byte {
	return pack(b, func(w io.Writer) io.WriteCloser {
		z, _ := zstd.NewWriter(w) // it has no wrong options
		return z
	})
}

func bzipped(b []byte) []byte {
	return pack(b, func(w io.Writer) io.WriteCloser {
		z, _ := bzip2.NewWriter(w, nil) // it has no wrong options
		return z
	})
}

func xzed(b []byte) []byte {
	return pack(b, func(w io.Writer) io.WriteCloser {
		z, _ := xz.NewWriter(w) // it has no wrong options
		return z
	})
}

func deflatedRaw(b []byte) []byte {
	return pack(b, func(w io.Writer) io.WriteCloser {
		z, _ := flate.NewWriter(w, flate.BestCompression) // it is a level that there is
		return z
	})
}

func zipped(b []byte, method uint16) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range []string{"readme.txt", "word/document.xml"} {
		w, _ := z.CreateHeader(&zip.FileHeader{Name: name, Method: method}) // a buffer takes all
		_, _ = w.Write(b)
	}
	_ = z.Close()
	return out.Bytes()
}

// zippedWith has an entry that is packed otherwise.
func zippedWith(method uint16, box func([]byte) []byte) func([]byte) []byte {
	return func(b []byte) []byte {
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		raw := box(b)
		w, _ := z.CreateRaw(&zip.FileHeader{Name: "a.txt", Method: method, CompressedSize64: uint64(len(raw)), UncompressedSize64: uint64(len(b))})
		_, _ = w.Write(raw)
		_ = z.Close()
		return out.Bytes()
	}
}

func tarred(b []byte) []byte {
	var out bytes.Buffer
	t := tar.NewWriter(&out)
	_ = t.WriteHeader(&tar.Header{Name: "etc/settings", Mode: 0o600, Size: int64(len(b))}) // a buffer takes all
	_, _ = t.Write(b)
	_ = t.Close()
	return out.Bytes()
}

func after(b []byte) []byte { return append([]byte("\x00\x01an upload of 3 parts\x7f"), b...) }

func inForm(b []byte) []byte {
	var out bytes.Buffer
	m := multipart.NewWriter(&out)
	_ = m.WriteField("name", "a file") // a buffer takes all
	w, _ := m.CreateFormFile("content", "dist.whl")
	_, _ = w.Write(b)
	_ = m.Close()
	return out.Bytes()
}

func inJSON(b []byte) []byte {
	return []byte(`{"message":"update","branch":"main","content":"` + base64.StdEncoding.EncodeToString(b) + `"}`)
}

func inPDF(b []byte) []byte {
	return fmt.Appendf(nil, "%%PDF-1.7\n4 0 obj\n<</Length %d/Filter/FlateDecode>>\nstream\n%s\nendstream\nendobj\n", len(b), b)
}

func grpc(b []byte) []byte {
	coded := byte(0)
	if bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		coded = 1
	}
	return append(binary.BigEndian.AppendUint32([]byte{coded}, uint32(len(b))), b...)
}

// object is one of a git pack.
func gitObject(kind byte, b []byte, base []byte) []byte {
	n := len(b)
	head := []byte{kind<<4 | byte(n&15)}
	for n >>= 4; n > 0; n >>= 7 {
		head[len(head)-1] |= 0x80
		head = append(head, byte(n&0x7f))
	}
	return append(append(head, base...), zlibbed(b)...)
}

func gitHead(n uint32) []byte {
	line := "0000000000000000000000000000000000000000 1111111111111111111111111111111111111111 refs/heads/main\x00 report-status"
	out := fmt.Appendf(nil, "%04x%s0000PACK", len(line)+4, line)
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(out, 2), n)
}

func gitPack(b []byte, _ *rand.Rand) []byte {
	out := append(gitHead(2), gitObject(1, []byte("tree 123\nauthor a <a@b> 1 +0000\n\nfirst\n"), nil)...)
	return append(append(out, gitObject(3, b, nil)...), make([]byte, 20)...)
}

// gitDelta has the first half in one object, and the second in a delta to it.
func gitDelta(b []byte, _ *rand.Rand) []byte {
	cut := len(b) / 2
	base := append(bytes.Clone(b[:cut]), "\nand nothing more\n"...)
	size := func(n int) (out []byte) {
		for ; n >= 0x80; n >>= 7 {
			out = append(out, byte(n)|0x80)
		}
		return append(out, byte(n))
	}
	delta := append(size(len(base)), size(len(b))...)
	delta = append(delta, 0x80|0x01|0x10|0x20, 0, byte(cut), byte(cut>>8))
	for rest := b[cut:]; len(rest) > 0; {
		n := min(len(rest), 127)
		delta = append(append(delta, byte(n)), rest[:n]...)
		rest = rest[n:]
	}
	first := gitObject(3, base, nil)
	back := len(first)
	offset := []byte{byte(back & 0x7f)}
	for back >>= 7; back > 0; back >>= 7 {
		back--
		offset = append([]byte{0x80 | byte(back&0x7f)}, offset...)
	}
	out := append(gitHead(2), first...)
	return append(append(out, gitObject(6, delta, offset)...), make([]byte, 20)...)
}

package coding_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"testing"
	"testing/iotest"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"hotcell/internal/wire/coding"
)

func packed(t testing.TB, open func(io.Writer) (io.WriteCloser, error), text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := open(&out)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var packers = map[string]func(io.Writer) (io.WriteCloser, error){
	"gzip": func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }, "deflate": func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil },
	"br": func(w io.Writer) (io.WriteCloser, error) { return brotli.NewWriter(w), nil }, "zstd": func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) },
}

func TestCodingsAreUndone(t *testing.T) {
	t.Parallel()
	text := bytes.Repeat([]byte("all work and no play "), 9000)
	check := func(header string, body []byte) {
		t.Helper()
		for _, from := range []io.Reader{bytes.NewReader(body), iotest.HalfReader(bytes.NewReader(body))} {
			r, err := coding.Decode(from, header)
			if err != nil || !coding.Known(header) {
				t.Fatalf("%s: %v", header, err)
			}
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, text) {
				t.Errorf("%s: %d bytes, %v", header, len(got), err)
			}
			_ = r.Close()
		}
	}
	for name, open := range packers {
		check(name, packed(t, open, text))
	}
	check("deflate, GZIP", packed(t, packers["gzip"], packed(t, packers["deflate"], text)))
	check("deflate", packed(t, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, 6) }, text))
	check(" identity ", text)
	if !coding.None("") || !coding.None("identity") || coding.None("gzip") {
		t.Error("None")
	}
	for _, unknown := range []string{"x-own", "gzip, compress", "gzip,gzip,gzip,gzip"} {
		if _, err := coding.Decode(nil, unknown); err == nil || coding.Known(unknown) {
			t.Errorf("%s is known", unknown)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for name, open := range packers {
		f.Add(name, packed(f, open, []byte("hello")))
	}
	f.Fuzz(func(_ *testing.T, name string, b []byte) {
		if r, err := coding.Decode(bytes.NewReader(b), name); err == nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(r, 1<<20))
			_ = r.Close()
		}
	})
}

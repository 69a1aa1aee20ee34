package image

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"hotcell"
)

func gzipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(text); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstded(t testing.TB, text []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(text, nil)
}

// stream is what the process that unpacks gets.
func stream(t testing.TB, b Budget, plain [][]byte, stored ...[]byte) []byte {
	t.Helper()
	o := order{Budget: b}
	for _, p := range plain {
		o.Layers = append(o.Layers, sum(p))
	}
	var out bytes.Buffer
	if err := json.NewEncoder(&out).Encode(o); err != nil {
		t.Fatal(err)
	}
	for _, s := range stored {
		if err := sendLayer(&out, iotest.HalfReader(bytes.NewReader(s))); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func unpacked(t *testing.T, text []byte) (string, error) {
	t.Helper()
	folder, u, err := into(t, Budget{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = unpack(u.tree, iotest.HalfReader(bytes.NewReader(text)))
	return folder, err
}

func TestEveryCodingOfALayerIsRead(t *testing.T) {
	t.Parallel()
	a, b, c := archive(t, file("a", "one")), archive(t, file("b", "two")), archive(t, file("c", strings.Repeat("three", 10_000)))
	folder, err := unpacked(t, stream(t, roomy, [][]byte{a, b, c}, gzipped(t, a), b, zstded(t, c)))
	if err != nil {
		t.Fatal(err)
	}
	there := lies(t, folder)
	if there["a"] != "fone" || there["b"] != "ftwo" || len(there["c"]) != 50_001 {
		t.Errorf("there: %v", there)
	}
}

func TestALayerIsWhatTheImageSaysOrNothing(t *testing.T) {
	t.Parallel()
	good, evil := archive(t, file("a", "good")), archive(t, file("a", "evil"))
	bomb := gzipped(t, archive(t, file("a", strings.Repeat("\x00", 4<<20))))
	headers := make([]byte, 8<<20) // an archive ends, and zeros go on
	for name, c := range map[string]struct {
		text []byte
		want error
	}{
		"another layer":            {stream(t, roomy, [][]byte{good}, evil), hotcell.ErrTampered},
		"another one, compressed":  {stream(t, roomy, [][]byte{good}, gzipped(t, evil)), hotcell.ErrTampered},
		"two layers swapped":       {stream(t, roomy, [][]byte{good, evil}, evil, good), hotcell.ErrTampered},
		"more after its end":       {stream(t, roomy, [][]byte{good}, append(bytes.Clone(good), "more"...)), hotcell.ErrTampered},
		"cut short":                {stream(t, roomy, [][]byte{good}, good[:700]), hotcell.ErrTampered},
		"cut short, compressed":    {stream(t, roomy, [][]byte{good}, gzipped(t, good)[:60]), hotcell.ErrInvalid},
		"text behind what is gzip": {stream(t, roomy, [][]byte{good}, append(gzipped(t, good), "more"...)), hotcell.ErrInvalid},
		"a bomb":                   {stream(t, roomy, [][]byte{good}, bomb), hotcell.ErrInvalid},
		"a bomb of nothing":        {stream(t, roomy, [][]byte{good}, gzipped(t, append(bytes.Clone(good), headers...))), hotcell.ErrInvalid},
		"a bomb of nothing, zstd":  {stream(t, roomy, [][]byte{good}, zstded(t, append(bytes.Clone(good), headers...))), hotcell.ErrInvalid},
		"a window too large":       {stream(t, roomy, [][]byte{good}, []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 0x01, 0x00, 0x00}), hotcell.ErrInvalid},
		"no archive":               {stream(t, roomy, [][]byte{good}, []byte(strings.Repeat("text", 1000))), hotcell.ErrInvalid},
	} {
		if _, err := unpacked(t, c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNoDamageIsTakenForAnImage cuts what comes anywhere, and turns any byte of it.
func TestNoDamageIsTakenForAnImage(t *testing.T) {
	t.Parallel()
	a, b := archive(t, file("a", "one")), archive(t, file("b", "two"))
	text := stream(t, roomy, [][]byte{a, b}, gzipped(t, a), b)
	r := rand.New(rand.NewPCG(1, 2))
	line := bytes.IndexByte(text, '\n')
	for range 200 {
		if _, err := unpacked(t, text[:r.IntN(len(text))]); err == nil {
			t.Error("what was cut is taken")
		}
		// Past the order; the archive's padding is under its digest too.
		turned := bytes.Clone(text)
		turned[line+1+r.IntN(len(text)-line-1)] ^= 1 << r.IntN(8)
		folder, err := unpacked(t, turned)
		if err != nil {
			continue
		}
		// A head of gzip says things that change nothing of what it holds.
		if there := lies(t, folder); there["a"] != "fone" || there["b"] != "ftwo" {
			t.Errorf("what was turned is taken: %v", there)
		}
	}
}

func TestPiecesHaveABound(t *testing.T) {
	t.Parallel()
	text := stream(t, roomy, [][]byte{nil})
	text = binary.BigEndian.AppendUint32(text, maxPiece+1)
	if _, err := unpacked(t, append(text, make([]byte, maxPiece+1)...)); err == nil {
		t.Error("a piece that is too long is taken")
	}
}

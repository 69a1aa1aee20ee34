package importer_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"hotcell"
	"hotcell/internal/cli/importer"
)

// kept reads a file, and returns its variables and the lines of its faults.
func kept(t *testing.T, text string) (variables string, lines []int) {
	t.Helper()
	vs, _, faults, err := importer.ReadDotenv([]byte(text), importer.Refuse)
	if err != nil {
		t.Fatal(err)
	}
	defer importer.Clear(vs)
	var out []string
	for _, v := range vs {
		_ = v.Value.Use(func(b []byte) error { out = append(out, fmt.Sprintf("%s=%q", v.Name, b)); return nil })
	}
	for _, f := range faults {
		if strings.Contains(f.Reason, "canary") || !errors.Is(f, hotcell.ErrInvalid) {
			t.Errorf("a fault tells of what is on its line: %v", f)
		}
		lines = append(lines, f.Line)
	}
	return strings.Join(out, " "), lines
}

func TestTheSoundLinesAreTakenAndAllFaultsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, want string
		faults     []int
	}{
		"nothing is wrong":     {"A=1\nB=2\n", `A="1" B="2"`, nil},
		"an empty value":       {"A=1\nEMPTY=\nQUOTED=\"\"\nB=2", `A="1" B="2"`, []int{2, 3}},
		"a dotted name":        {"a.canary=x\nB=2\nc-canary=y\nD=4", `B="2" D="4"`, []int{1, 3}},
		"no =":                 {"A=1\ncanary\nB=2", `A="1" B="2"`, []int{2}},
		"a key without quotes": {"A=1\nPEM=-----BEGIN\nMIIEcanary\nabcd1234==\nabcd12345=\nB=2", `A="1" PEM="-----BEGIN" B="2"`, []int{3, 4, 5}},
		"a quote without end":  {"A=1\nB=\"x # \nC=canary\nD=4", `A="1"`, []int{2}},
	} {
		got, lines := kept(t, c.text)
		if got != c.want || fmt.Sprint(lines) != fmt.Sprint(c.faults) {
			t.Errorf("%s: %s, faults %v; want %s, %v", name, got, lines, c.want, c.faults)
		}
	}
}

func TestAFileOfFaultsAloneKeepsNothing(t *testing.T) {
	t.Parallel()
	vs, _, faults, err := importer.ReadDotenv([]byte("A=\nB\n"), importer.Refuse)
	if err != nil || len(vs) != 0 || len(faults) != 2 {
		t.Fatalf("%v, %v, %v", vs, faults, err)
	}
	if joined := importer.Faults(faults); !errors.Is(joined, hotcell.ErrInvalid) || !strings.Contains(joined.Error(), "line 1") || !strings.Contains(joined.Error(), "line 2") {
		t.Errorf("%v", joined)
	}
}

func TestUTF16IsReadAsWhatItIs(t *testing.T) {
	t.Parallel()
	const text = "A=p\u00e4ss-\U0001f511\r\nB=2\r\n"
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		var src bytes.Buffer
		for _, unit := range append([]uint16{0xfeff}, utf16.Encode([]rune(text))...) {
			src.Write(order.AppendUint16(nil, unit))
		}
		if got, faults := kept(t, src.String()); got != fmt.Sprintf("A=%q B=%q", "p\u00e4ss-\U0001f511", "2") || faults != nil {
			t.Errorf("%s: %s, %v", order, got, faults)
		}
	}
}

// FuzzReadDotenv holds it against the strict reader: what that takes whole is the same
// here, and no fault is lost.
func FuzzReadDotenv(f *testing.F) {
	for _, seed := range []string{"A=1\nB=2", "A=\nB=2", "a.b=1\nC=\"x\ny\"\n", "\xff\xfeA\x00=\x001\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		vs, _, faults, err := importer.ReadDotenv(src, importer.Refuse)
		defer importer.Clear(vs)
		strict, _, failed := importer.ParseDotenv(src, importer.Refuse)
		defer importer.Clear(strict)
		if failed != nil && err == nil && len(faults) == 0 && !bytes.HasPrefix(src, []byte("\xff\xfe")) && !bytes.HasPrefix(src, []byte("\xfe\xff")) {
			t.Fatalf("the strict reader says %v, and this one nothing", failed)
		}
		if failed == nil && (err != nil || len(faults) > 0 || len(vs) != len(strict)) {
			t.Fatalf("the strict reader takes %d, this one %d: %v, %v", len(strict), len(vs), faults, err)
		}
	})
}
